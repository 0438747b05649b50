"""Keys, signed notes and checkpoints: c2sp.org/signed-note, c2sp.org/tlog-checkpoint."""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from privity.verify.report import Doubt

ED25519, COSIGNATURE_V1 = 1, 4
MAX_TIME = 2**37
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Verifier:
    name: str
    key_id: bytes
    key: Ed25519PublicKey


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes


def parse_key(key: str | None, kind: int = ED25519) -> Verifier:
    if not key:
        raise Doubt("No verifier key: give it with --key (`privity status` shows the local log's).")
    name, _, rest = key.partition("+")
    key_id, _, encoded = rest.partition("+")
    material = unbase64(encoded)
    if not name or len(material) != 33 or material[0] != kind:
        raise Doubt("A verifier key is not an Ed25519 key of the signed-note format.")
    if sha256(name.encode() + b"\n" + material).digest()[:4].hex() != key_id:
        raise Doubt("The verifier key is damaged: its id is not that of its key.")
    return Verifier(name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(material[1:]))


def cosigners(keys: Sequence[str]) -> list[Verifier]:
    """The witnesses of these verifier keys."""
    return [parse_key(one, COSIGNATURE_V1) for one in keys]


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    lines = open_text(note, verifier).split("\n")
    if len(lines) < 4 or not NUMBER.fullmatch(lines[1]):
        raise Doubt("The checkpoint is not of the form origin, size, root.")
    if lines[0] != verifier.name:
        raise Doubt(f"The checkpoint is of {lines[0]}, the key is of {verifier.name}.")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise Doubt("The root in the checkpoint is not a SHA-256 hash.")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_text(note: bytes, verifier: Verifier) -> str:
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise Doubt("The checkpoint is not text.") from None
    cut = whole.rfind("\n\n")
    if cut < 0 or not whole.endswith("\n"):
        raise Doubt("The checkpoint is not a signed note.")
    text, signed = whole[: cut + 1], False
    for line in whole[cut + 2 : -1].split("\n"):
        name, raw = _signature(line)
        if name == verifier.name and raw[:4] == verifier.key_id:
            _check_signature(verifier, raw[4:], text)
            signed = True
    if not signed:
        raise Doubt(f"The checkpoint is not signed by the key of {verifier.name}.")
    return text


def cosigned_at(note: bytes, witness: Verifier) -> str | None:
    """When a witness cosigned a checkpoint (c2sp.org/tlog-cosignature), in words; None when it did
    not. Raises Doubt for a cosignature that is wrong."""
    text, _, lines = note.decode().rpartition("\n\n")
    for line in lines[:-1].split("\n"):
        name, raw = _signature(line)
        if name == witness.name and raw[:4] == witness.key_id:
            seconds = int.from_bytes(raw[4:12], "big")
            said = f"cosignature/v1\ntime {seconds}\n{text}\n"
            _check_signature(witness, raw[12:], said)
            return f"{datetime.fromtimestamp(min(seconds, MAX_TIME), UTC):%Y-%m-%d %H:%M:%S} UTC"
    return None


def _signature(line: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not parts[1]:
        raise Doubt("The checkpoint has a malformed signature line.")
    return parts[1], unbase64(parts[2])


def _check_signature(verifier: Verifier, signature: bytes, text: str) -> None:
    try:
        verifier.key.verify(signature, text.encode())
    except InvalidSignature:
        raise Doubt(f"The signature of {verifier.name} on the checkpoint is wrong.") from None


def unbase64(encoded: str) -> bytes:
    try:
        raw = binascii.a2b_base64(encoded)
    except (binascii.Error, ValueError):
        raise Doubt(f"{encoded[:60]!r} is not base64.") from None
    if binascii.b2a_base64(raw, newline=False).decode() != encoded:
        raise Doubt(f"{encoded[:60]!r} is not canonical base64.")
    return raw
