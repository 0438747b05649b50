"""Every client's message is acknowledged: by the machine where it may, else by a person."""
