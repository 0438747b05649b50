"""The firm itself: name, zone, calendar, mail addresses, emergency contact."""
