"""What these letters say: what the person must do now, and by when. Pure. Nothing in them tells of
anybody else."""

from collections.abc import Sequence
from typing import NamedTuple


class Wording(NamedTuple):
    title: str
    body: str


def non_engagement(*, by_firm: bool, dates: Sequence[str], erased_on: str | None) -> Wording:
    """`dates`: limitation dates that were noted when they were heard."""
    decided = (
        "We are not able to act for you in the matter in which you asked us for a consultation."
        if by_firm
        else "You decided not to go on with the matter in which you asked us for a consultation."
    )
    known = _listed(
        "When we spoke, these dates came up. There may be others, and earlier ones:",
        dates,
        "We have not examined which deadlines run against you. Some are short: a few days.",
    )
    erased = (
        f"On {erased_on} we erase it, but for the names, which we keep so that we never act against"
        " you by mistake."
        if erased_on
        else "It stays with your file."
    )
    return Wording(
        "We do not act for you",
        f"{decided} No attorney-client relationship has come about. We take no steps for you and"
        " watch no deadlines.\n\n"
        "# What you should do now\n\n"
        "- If you want to go on, ask another lawyer at once, and show them this letter. A right can"
        " be lost for ever when its deadline passes.\n"
        "- If you gave us originals, tell us where to send them.\n\n"
        f"{known}\n\n"
        "We give no opinion on whether your claim or defence is a good one; do not take this letter"
        f" for one. What you told us in confidence stays in confidence. {erased}",
    )


def disengagement(title: str, *, by_firm: bool, last_day: str, dates: Sequence[str]) -> Wording:
    """`dates`: what is still to be done, and by when."""
    decided = "We have ended" if by_firm else "At your wish we have ended"
    known = _listed(
        "These dates lie ahead. From now on they are yours, or your next lawyer's, to keep:",
        dates,
        "We know of no deadline that runs in this matter today. Another lawyer may see one.",
    )
    return Wording(
        "Our engagement has ended",
        f"{decided} our engagement for “{title}”. Our last day of work for you is {last_day}; after"
        " it we take no steps for you and watch no deadlines.\n\n"
        f"{known}\n\n"
        "# What you should do now\n\n"
        "- If anything is still to be done, ask another lawyer at once and show them this letter.\n"
        "- Your file is yours: tell us where to send it, or to whom we may give it.\n"
        "- Whatever of your money or property we hold comes back to you with a final account; fees"
        " that were paid in advance and not earned are returned.\n\n"
        "What you told us in confidence stays in confidence.",
    )


def _listed(lead: str, dates: Sequence[str], otherwise: str) -> str:
    return "\n".join([lead, *(f"- {one}" for one in dates)]) if dates else otherwise
