"""Money that arrives: payments, clients' money in trust, and penalties exactly as disclosed."""
