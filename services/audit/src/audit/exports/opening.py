"""Opens what an event's seals hold, so that a bundle can show the words and prove that they are the
ones committed to: salt and text, never a key. Pure but for the keys that are held."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from shared import sealing
from shared.contracts import Sealed
from shared.keyring import KeyNotHeld, Keyring
from shared.sealing import SealBroken

DEEPEST = 20


@dataclass(frozen=True)
class Opened:
    """What stands at a place of the value, such as `/body`."""

    at: str
    salt: bytes
    content: bytes


@dataclass(frozen=True)
class Attached:
    """A file of a message: where the value tells of it, and the salt of its commitment."""

    at: str
    attachment_id: UUID
    name: str
    salt: bytes | None


def owners_of(value: object) -> set[UUID]:
    """Whose keys it takes to open the seals in a value."""
    return {sealed.owner for _, sealed in seals(value)}


def seals(value: object, at: str = "") -> Iterator[tuple[str, Sealed]]:
    """Each seal with its place. Contracts are shallow and their names are plain: what is neither
    is no event of ours, and its bytes speak for themselves."""
    if at.count("/") > DEEPEST:
        return
    if isinstance(value, dict):
        if (sealed := _sealed(value)) is not None:
            yield at, sealed
            return
        for name, inner in value.items():
            if "/" not in name:
                yield from seals(inner, f"{at}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from seals(inner, f"{at}/{number}")


def open_seals(keys: Keyring, value: object) -> list[Opened]:
    """Those whose key is held and whole; what was destroyed stays closed."""
    found = []
    for at, sealed in seals(value):
        try:
            key = keys.key(sealed.owner, sealed.key_version)
            salt, content = sealing.open_seal(key, sealed)
        except (KeyNotHeld, SealBroken, ValueError):
            continue
        found.append(Opened(at, salt, content))
    return found


def attached(keys: Keyring, value: object) -> list[Attached]:
    """The files that a message's event tells of. The salt of a file's commitment is derived from
    the client's key by its id (messaging.conversations.custody), so that it can be given away."""
    listed = value.get("attachments") if isinstance(value, dict) else None
    found = []
    for number, one in enumerate(listed if isinstance(listed, list) else []):
        try:
            attachment_id, name = UUID(one["attachment_id"]), _sealed(one["file_name"])
        except (KeyError, TypeError, ValueError):
            continue
        words, salt = "file", None
        if name is not None:
            try:
                key = keys.key(name.owner, name.key_version)
                words = sealing.unseal(key, name).decode(errors="replace")
                salt = key.derive(b"salt/attachment/" + attachment_id.bytes)
            except (KeyNotHeld, SealBroken, ValueError):
                pass
        found.append(Attached(f"/attachments/{number}", attachment_id, words, salt))
    return found


def _sealed(value: object) -> Sealed | None:
    try:
        return Sealed.model_validate(value) if isinstance(value, dict) and "box" in value else None
    except ValidationError:
        return None
