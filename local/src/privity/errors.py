"""What a person at the command line is told when something is wrong."""


class Trouble(Exception):
    """What happened, and what to do about it."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(f"{what}\n{do}")
        self.what = what
        self.do = do
