"""What the firm does for a client, under a number that people quote."""
