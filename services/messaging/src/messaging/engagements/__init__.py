"""What intake asks to have delivered: links and their codes, invitations, questions."""
