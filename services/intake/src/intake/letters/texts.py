"""What these letters say. Pure. Nothing in them tells of anybody else."""

from typing import NamedTuple


class Wording(NamedTuple):
    title: str
    body: str


def non_engagement(by_firm: bool) -> Wording:
    decided = (
        "We are not able to act for you in the matter in which you asked us for a consultation."
        if by_firm
        else "You decided not to go on with the matter in which you asked us for a consultation."
    )
    return Wording(
        "We do not act for you",
        f"{decided} No attorney-client relationship has come about, and we take no steps and watch"
        " no deadlines for you.\n\n"
        "- Deadlines may run, some of them short. If you want to go on, ask another lawyer without"
        " delay.\n"
        "- We give no opinion on whether your claim or defence is a good one.\n"
        "- What you told us in confidence stays in confidence, and is erased when we may erase it.",
    )


def disengagement(title: str) -> Wording:
    return Wording(
        "Our engagement has ended",
        f"Our engagement for “{title}” has ended. From today we do no further work in it, watch no"
        " deadlines and take no steps for you.\n\n"
        "- Deadlines may run. If you want to go on, ask another lawyer without delay.\n"
        "- You may have your file and whatever of your money or property we hold.\n"
        "- What you told us in confidence stays in confidence.",
    )
