"""What a proof proves, in sentences that a person without mathematics can check against it."""

from datetime import datetime


def inclusion_words(index: int, size: int, steps: int, signed_at: datetime | None) -> list[str]:
    """`signed_at` is None when no checkpoint of exactly this size was signed."""
    signed = (
        f"The log signed its first {_entries(size)} on {_instant(signed_at)}."
        if signed_at
        else f"The log never signed exactly {_entries(size)}: take the size of a checkpoint."
    )
    return [
        signed,
        f"This entry is number {index + 1} of them (index {index}).",
        f"Hashing it together with the {steps} hashes of this proof, in order, gives the signed"
        " root: change one letter of the entry, its place or its time, and it does not.",
    ]


def consistency_words(
    old: int, new: int, old_signed_at: datetime | None, new_signed_at: datetime | None
) -> list[str]:
    words = [
        f"The log of {_entries(new)} begins with exactly the log of {_entries(old)}: nothing that"
        " was in it was changed, removed, moved or put in between."
    ]
    for size, at in ((old, old_signed_at), (new, new_signed_at)):
        if at is not None:
            words.append(f"The log signed its first {_entries(size)} on {_instant(at)}.")
    return words


def _entries(size: int) -> str:
    return "entry" if size == 1 else f"{size} entries"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d} at {at:%H:%M:%S} UTC"
