"""Who the clients of a matter are: its own, and those who are represented jointly with them."""
