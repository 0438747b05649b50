"""Who works on a matter beside its point of contact."""
