"""What a matter will cost, what it has cost so far, and why: one answer, as data and as a page."""
