"""The client's own money: paid in, applied, given back, and asked for when it runs low."""
