"""Expiring links: they open nothing by themselves, only together with a code asked for there."""
