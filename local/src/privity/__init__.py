"""The command `privity`, and the local platform behind `make run`: real servers from package
registries, a supervisor, and what a client or a member of staff does, by hand."""
