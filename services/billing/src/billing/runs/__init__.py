"""The month's end: every matter's invoice drafted, with progress, going on after any crash."""
