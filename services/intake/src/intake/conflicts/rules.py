"""What a hit means. Pure."""

from intake.names.rules import Role

OURS = frozenset({"client", "prospect", "related"})
THE_FIRMS_OWN = frozenset({"staff", "interest"})


def is_serious(asked: str, found: Role) -> bool:
    """Whether the firm would stand on both sides, or act where its own people have a stake. That a
    client of ours asks again, or that two clients have one adversary, is none."""
    if found in THE_FIRMS_OWN:
        return True
    return (asked == "adverse") is not (found == "adverse")


def asked_as(role: Role) -> str:
    """What a name of a consultation was asked as."""
    return "client" if role == "prospect" else role


def in_words(asked: str, found: Role, because: str) -> str:
    """The hit as a partner reads it."""
    sides = {
        "client": "a client",
        "prospect": "somebody who asked us before",
        "related": "somebody related to a client",
        "adverse": "an adversary of a client",
        "staff": "one of our own people",
        "interest": "an interest of one of our own people",
    }
    asking = {
        "client": "who asks",
        "related": "related to who asks",
        "adverse": "their adversary",
    }
    return f"{asking[asked]} reads like {sides[found]}: {because}"
