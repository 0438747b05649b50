"""Whom a matter concerns: its clients, those on their side, and those against them."""
