"""What matters has to say to a client or about one, on its way: updates, handovers, reminders."""
