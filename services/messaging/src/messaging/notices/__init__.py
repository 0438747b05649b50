"""Who of the firm is told what by mail: a client's message, a task, a warning, a breach."""
