"""The gateway is the platform's one door for HTTP: it checks who calls and how often, forwards to
the service that answers, and says in one document what can be asked. It keeps nothing."""
