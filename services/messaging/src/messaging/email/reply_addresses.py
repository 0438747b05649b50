"""Signed addresses that a member of staff answers to from any mail program, and our Message-IDs.
Who holds such an address but not the key can neither make another nor use it as somebody else."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from uuid import UUID

KEY_BYTES = 32
_VERSION = 1
_MAC_BYTES = 16
_ADDRESS = re.compile(r"(reply|bounce)\+([a-z2-7]{53})@(.+)")


class ReplyKind(IntEnum):
    """What a mail to the address does; a bounce address is an envelope sender, bound to nobody."""

    ANSWER = 1
    QUESTION = 2
    ACKNOWLEDGE = 3
    BOUNCE = 4


@dataclass(frozen=True, kw_only=True)
class ReplyAddress:
    """What an address was signed for: `message_id` is the client's message, or for a bounce the
    outbound one; `staff_id` is None exactly for a bounce."""

    kind: ReplyKind
    message_id: UUID
    staff_id: UUID | None


def read_key(path: Path) -> bytes:
    """The signing key; raises ValueError if it is shorter than its purpose."""
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise ValueError(f"the key file {path} holds {len(key)} bytes, {KEY_BYTES} are needed")
    return key


def reply_address(
    key: bytes, domain: str, *, kind: ReplyKind, message_id: UUID, staff_id: UUID | None = None
) -> str:
    """`reply+<53 letters>@domain`: lower-case base32, since servers may fold a local part's case,
    and 59 octets of the 64 that RFC 5321 4.5.3.1.1 allows. The staff id is not carried: only the
    code over it is, which is what leaves room for 128 bits of it."""
    plain = bytes([_VERSION << 4 | kind]) + message_id.bytes
    token = _spelt(plain + _code(key, plain, domain, staff_id))
    return f"{'bounce' if kind is ReplyKind.BOUNCE else 'reply'}+{token}@{domain}"


def is_reply_address(address: str, domain: str) -> bool:
    """Whether it has the shape of one of ours; says nothing of its signature."""
    match = _ADDRESS.fullmatch(address.strip().lower())
    return match is not None and match[3] == domain.lower()


def read_reply_address(
    key: bytes, domain: str, address: str, staff_ids: Iterable[UUID]
) -> ReplyAddress | None:
    """What the address was signed for, if for one of these people (the person authenticated, or
    the whole directory when only its genuineness matters); None for anything not ours."""
    if not is_reply_address(address, domain):
        return None
    prefix, _, token = address.strip().lower().partition("@")[0].partition("+")
    signed = base64.b32decode(token.upper() + "===")
    plain, code = signed[:17], signed[17:]
    if token != _spelt(signed) or plain[0] not in {_VERSION << 4 | kind for kind in ReplyKind}:
        return None  # the last letter has a spare bit: one address has one spelling
    kind = ReplyKind(plain[0] & 15)
    if (prefix == "bounce") != (kind is ReplyKind.BOUNCE):
        return None
    for staff_id in [None] if kind is ReplyKind.BOUNCE else staff_ids:
        if hmac.compare_digest(code, _code(key, plain, domain, staff_id)):
            return ReplyAddress(kind=kind, message_id=UUID(bytes=plain[1:]), staff_id=staff_id)
    return None


def message_id_header(outbound_id: UUID, domain: str) -> str:
    """The Message-ID of what we send: `<uuid@domain>` (RFC 5322 3.6.4)."""
    return f"<{outbound_id}@{domain}>"


def _spelt(signed: bytes) -> str:
    return base64.b32encode(signed).decode().rstrip("=").lower()


def _code(key: bytes, plain: bytes, domain: str, staff_id: UUID | None) -> bytes:
    bound = plain + (staff_id.bytes if staff_id else bytes(16)) + domain.lower().encode()
    return hmac.digest(key, b"privity reply address\0" + bound, hashlib.sha256)[:_MAC_BYTES]
