"""Everything that somebody is the point of contact of, handed over at once, with progress."""
