"""Who is the one point of contact of a client or a matter, at every instant."""
