"""billing answers for fees without surprises: what was agreed before work began, what it has cost
so far and will cost, what is owed and why, and where the client's money is."""
