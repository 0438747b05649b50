"""C2SP checkpoints (c2sp.org/tlog-checkpoint): what the log says of itself, signed as a note
(c2sp.org/signed-note) with Ed25519, so that verifiers that others wrote can check it."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """A note, checkpoint or key that is not well formed or not signed by the key asked for."""


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


@dataclass(frozen=True)
class Signer:
    """An Ed25519 key and the name it signs under: the origin of the log. While a key is changed,
    those before it (`previous`) sign too, so that who knows only them follows to the new one."""

    name: str
    key: Ed25519PrivateKey
    previous: tuple["Signer", ...] = ()

    @property
    def verifier(self) -> str:
        """`<name>+<key id, hex>+<base64 of 0x01 and the public key>`."""
        public = ED25519 + self.key.public_key().public_bytes_raw()
        return f"{self.name}+{key_id(self.name, public).hex()}+{_base64(public)}"

    @property
    def verifiers(self) -> list[str]:
        """Of every key that signs now, the newest first."""
        return [self.verifier, *(one.verifier for one in self.previous)]

    def sign(self, text: str) -> str:
        """The signed note. Ed25519 is deterministic: one text, one note."""
        return f"{text}\n{self._line(text)}{''.join(one._line(text) for one in self.previous)}"

    def open(self, note: str) -> Checkpoint:
        """A checkpoint of this log that one of its keys signed; raises BadNote."""
        for verifier in self.verifiers[:-1]:
            try:
                return open_checkpoint(note, verifier, self.name)
            except BadNote:
                continue
        return open_checkpoint(note, self.verifiers[-1], self.name)

    def _line(self, text: str) -> str:
        public = ED25519 + self.key.public_key().public_bytes_raw()
        signature = key_id(self.name, public) + self.key.sign(text.encode())
        return f"— {self.name} {_base64(signature)}\n"


def signer_of(name: str, seed: bytes, *previous: bytes) -> Signer:
    """The signer of a key of 32 bytes, and of those that were its before; raises BadNote for a name
    that would break a note."""
    if not _NAME.fullmatch(name):
        raise BadNote(f"{name!r} cannot name a key: spaces and + are not allowed")
    if any(len(one) != 32 for one in (seed, *previous)):
        raise BadNote("an Ed25519 key is 32 bytes")
    before = tuple(signer_of(name, one) for one in previous)
    return Signer(name, Ed25519PrivateKey.from_private_bytes(seed), before)


def open_note(note: str, verifier: str) -> str:
    """The text of a note signed by the key `verifier`; raises BadNote.

    Signatures of other keys are ignored, as the specification asks (witnesses add theirs).
    """
    name, key_id, key = _parse_verifier(verifier)
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise BadNote("not a signed note")
    text += "\n"
    signatures = [signature_of(line) for line in lines[:-1].split("\n")]
    ours = [raw[4:] for signer, raw in signatures if signer == name and raw[:4] == key_id]
    if not ours:
        raise BadNote(f"not signed by {name}")
    for signature in ours:
        try:
            key.verify(signature, text.encode())
        except InvalidSignature:
            raise BadNote(f"the signature of {name} is wrong") from None
    return text


def open_checkpoint(note: str, verifier: str, origin: str) -> Checkpoint:
    """A checkpoint of the log `origin`, signed by `verifier`; raises BadNote."""
    lines = open_note(note, verifier).split("\n")
    if len(lines) < 4 or lines[0] != origin or not _SIZE.fullmatch(lines[1]):
        raise BadNote(f"not a checkpoint of {origin}")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise BadNote("the root is not a SHA-256")
    return Checkpoint(origin, int(lines[1]), root)


def _parse_verifier(verifier: str) -> tuple[str, bytes, Ed25519PublicKey]:
    parts = verifier.strip().split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise BadNote("not a verifier key")
    public = unbase64(parts[2])
    if len(public) != 33 or public[:1] != ED25519 or key_id(parts[0], public).hex() != parts[1]:
        raise BadNote("not an Ed25519 verifier key")
    return parts[0], key_id(parts[0], public), Ed25519PublicKey.from_public_bytes(public[1:])


def signature_of(line: str) -> tuple[str, bytes]:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = unbase64(encoded)
    if mark != "—" or not _NAME.fullmatch(name) or len(raw) < 5:
        raise BadNote("not a signature line")
    return name, raw


def key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + public).digest()[:4]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def unbase64(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64") from None
    if _base64(raw) != encoded:
        raise BadNote("not canonical base64")
    return raw
