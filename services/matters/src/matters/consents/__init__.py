"""What may be told to others about a client, what was, on which basis, and who saw the file."""
