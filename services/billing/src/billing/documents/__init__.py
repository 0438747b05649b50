"""What people are given on paper: typeset once, kept sealed, the same bytes for ever."""
