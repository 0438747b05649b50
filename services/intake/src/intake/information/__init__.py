"""What clients are asked for: a checklist, each item with a state, chased until done or waived."""
