"""What happens in a matter, in words that clients understand: milestones of its plan, developments,
deadlines. Nothing is told before its undo window has passed."""
