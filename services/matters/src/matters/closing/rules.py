"""What the closing letter says of the client's file, in words that they understand."""

from dataclasses import dataclass

from shared.contracts.matters import FileChannel

HOW: dict[FileChannel, str] = {
    "portal": "through the portal",
    "email": "by email",
    "letter": "by post",
    "courier": "by courier",
    "in_person": "in person",
}


@dataclass(frozen=True, kw_only=True)
class FileGiven:
    """Days as the client reads them."""

    given_on: str
    made_on: str
    channel: FileChannel
    entries: int
    digest: str


def about_the_file(given: FileGiven | None, *, why_not: str = "") -> str:
    """The letter's last paragraph: how the client got the file, or why they have not."""
    if given is None:
        return (
            f"Your file has not been given to you yet. {_sentence(why_not)}\n"
            "It is yours: ask us for it at any time."
        )
    return (
        f"Your file was given to you {HOW[given.channel]} on {given.given_on}: all {given.entries}"
        f" entries of our record of this matter as of {given.made_on}, with the letters and"
        " documents. It proves by itself that nothing in it was changed, and says how to check.\n"
        f"Its fingerprint is {given.digest}"
    )


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."
