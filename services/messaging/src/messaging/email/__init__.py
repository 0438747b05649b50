"""Mail in and out: the SMTP door, reading what came in, and whose it is."""
