"""What the whole is expected to cost, kept current, and told to the client before it is
exceeded."""
