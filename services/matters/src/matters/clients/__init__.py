"""The firm's clients and how to reach them."""
