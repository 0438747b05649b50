"""What clients hear of fees by mail: terms, estimates, thresholds, invoices, answers to
concerns."""
