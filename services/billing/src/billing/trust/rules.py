"""When a payment in advance has run low. Pure."""


def fell_below(before: int, after: int, below: int) -> bool:
    """Whether this very movement took it below: what was low before is no news."""
    return after < below <= before
