"""The books: double entry, operating and trust apart, never edited."""
