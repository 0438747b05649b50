"""How a matter ends: nothing is left owed, or it is given up with a reason."""
