"""Late penalties: exactly as disclosed, by the calendar, taken back when facts come late."""
