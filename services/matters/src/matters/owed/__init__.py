"""What is owed to clients, as sla-monitor tells it: until when, and whether it was kept."""
