"""Files: what people send and what the firm makes, sealed in chunks and committed to."""
