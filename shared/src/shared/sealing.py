"""Seals and commitments: who holds the owner's data key can read, everybody else can only
compare.

Per object: key = HKDF-SHA256(data key, info = content id ‖ field); box = nonce ‖ AES-256-GCM of
(salt ‖ plaintext); associated data = content id, kind, field, owner and key version, so that
nothing can be pasted elsewhere. GCM does not commit to its key, so each seal also carries in
the clear commitment = HMAC-SHA256(salt, plaintext), with the 32-byte salt inside the seal. For
ever.
"""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.contracts import Sealed

SALT_BYTES = 32
NONCE_BYTES = 12
CHUNK_BYTES = 1_048_576


class SealBroken(Exception):
    """The bytes, their place or their key are not those that were sealed."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One version of the key of a client, a stranger's conversation or the firm: 32 bytes."""

    owner: UUID
    version: int
    secret: bytes

    def derive(self, info: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self.secret)


def seal(key: DataKey, content_id: UUID, kind: str, field: str, plaintext: bytes) -> Sealed:
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    cipher = AESGCM(_object_key(key, content_id, field))
    associated = _associated_data(key, content_id, kind, field)
    box = nonce + cipher.encrypt(nonce, salt + plaintext, associated)
    return Sealed(
        owner=key.owner,
        key_version=key.version,
        content_id=content_id,
        kind=kind,
        field=field,
        box=b64encode(box).decode(),
        commitment=commitment(salt, plaintext),
    )


def unseal(key: DataKey, sealed: Sealed) -> bytes:
    """The plaintext; SealBroken when it is not what was sealed, or is not what was committed to."""
    return open_seal(key, sealed)[1]


def open_seal(key: DataKey, sealed: Sealed) -> tuple[bytes, bytes]:
    """(salt, plaintext): the pair that a bundle discloses instead of a key."""
    box = b64decode(sealed.box)
    cipher = AESGCM(_object_key(key, sealed.content_id, sealed.field))
    associated = _associated_data(key, sealed.content_id, sealed.kind, sealed.field)
    try:
        opened = cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], associated)
    except InvalidTag as error:
        raise SealBroken(f"{sealed.kind}.{sealed.field} of {sealed.content_id}") from error
    salt, plaintext = opened[:SALT_BYTES], opened[SALT_BYTES:]
    if not hmac.compare_digest(commitment(salt, plaintext), sealed.commitment):
        raise SealBroken(f"commitment of {sealed.kind}.{sealed.field} of {sealed.content_id}")
    return salt, plaintext


def commitment(salt: bytes, plaintext: bytes) -> str:
    return b64encode(hmac.digest(salt, plaintext, hashlib.sha256)).decode()


def seal_chunks(
    key: DataKey, content_id: UUID, kind: str, content: bytes
) -> tuple[str, list[bytes]]:
    """(commitment, boxes) of larger content: chunks of 1 MiB that carry their number and
    whether they are the last, so that none can be dropped, doubled or moved. The salt opens the
    first chunk."""
    salt = os.urandom(SALT_BYTES)
    boxes = [
        seal_chunk(key, content_id, kind, number, last, chunk)
        for number, last, chunk in _chunks(salt + content)
    ]
    return commitment(salt, content), boxes


def unseal_chunks(
    key: DataKey, content_id: UUID, kind: str, boxes: Iterable[bytes], committed: str
) -> bytes:
    return open_chunks(key, content_id, kind, boxes, committed)[1]


def open_chunks(
    key: DataKey, content_id: UUID, kind: str, boxes: Iterable[bytes], committed: str
) -> tuple[bytes, bytes]:
    """(salt, content): the pair that a bundle discloses instead of a key."""
    boxes = list(boxes)
    framed = b"".join(
        unseal_chunk(key, content_id, kind, number, number == len(boxes) - 1, box)
        for number, box in enumerate(boxes)
    )
    salt, content = framed[:SALT_BYTES], framed[SALT_BYTES:]
    if not hmac.compare_digest(commitment(salt, content), committed):
        raise SealBroken(f"commitment of {content_id}")
    return salt, content


def seal_chunk(
    key: DataKey, content_id: UUID, kind: str, number: int, last: bool, chunk: bytes
) -> bytes:
    """One chunk of content that never is in memory as a whole. The first begins with the salt of
    the commitment, which who seals the chunks makes and keeps to."""
    nonce = os.urandom(NONCE_BYTES)
    associated = _associated_data(key, content_id, kind, f"content/{number}/{int(last)}")
    cipher = AESGCM(_object_key(key, content_id, "content"))
    return nonce + cipher.encrypt(nonce, chunk, associated)


def unseal_chunk(
    key: DataKey, content_id: UUID, kind: str, number: int, last: bool, box: bytes
) -> bytes:
    cipher = AESGCM(_object_key(key, content_id, "content"))
    associated = _associated_data(key, content_id, kind, f"content/{number}/{int(last)}")
    try:
        return cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], associated)
    except InvalidTag as error:
        raise SealBroken(f"chunk {number} of {content_id}") from error


def keyed_digest(key: DataKey, purpose: str, content: bytes) -> bytes:
    """HMAC under a key derived from the owner's, for identity and look-ups: a plain digest
    would let anybody with a guess confirm it."""
    return hmac.digest(key.derive(b"digest/" + purpose.encode()), content, hashlib.sha256)


def _chunks(framed: bytes) -> Iterator[tuple[int, bool, bytes]]:
    count = max(1, -(-len(framed) // CHUNK_BYTES))
    for number in range(count):
        start = number * CHUNK_BYTES
        yield number, number == count - 1, framed[start : start + CHUNK_BYTES]


def _object_key(key: DataKey, content_id: UUID, field: str) -> bytes:
    return key.derive(content_id.bytes + field.encode())


def _associated_data(key: DataKey, content_id: UUID, kind: str, field: str) -> bytes:
    parts = [str(content_id), kind, field, str(key.owner), str(key.version)]
    return "\x1f".join(parts).encode()
