"""The directory of the firm's people: who stands above and beside whom."""
