"""How a matter stands, in one answer: what the client was told, when and by whom; what they are
owed next, and why."""
