"""What clients wrote, as far as a decision may rest on it: which messages are theirs, and when."""
