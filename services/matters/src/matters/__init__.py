"""matters answers for who is who: the firm, its people, its clients, their matters, and the one
point of contact that each client and each open matter has at every instant."""
