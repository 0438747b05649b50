"""What clients and the firm say to each other, on every channel, and who may hear it."""
