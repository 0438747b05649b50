"""How a service of Privity runs and how facts travel between services. It knows no client and
no matter."""
