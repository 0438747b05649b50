"""Time proposed from calls and messages that are on the record; a person files it, or nobody
does."""
