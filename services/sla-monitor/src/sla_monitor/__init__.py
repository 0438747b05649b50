"""sla-monitor answers for time: by when is something owed to a client, was it kept, who is told
when it is not. It owns business calendars, clock policies and clocks."""
