"""`python -m privity` is the command `privity`."""

from privity.cli import main

main()
