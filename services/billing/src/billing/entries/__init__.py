"""Time and expenses: recorded at once, billable only under terms that the client had accepted."""
