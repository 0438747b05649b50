"""What is closed to whom: ethical walls and need-to-know, around a client or one matter."""
