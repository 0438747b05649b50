"""People who speak for a client: who may decide, and who may only be informed."""
