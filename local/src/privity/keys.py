"""The secrets of a local platform: files of 32 random bytes, mode 0600, made on first use.

Passwords are derived from one of them, so that they stay the same and lie nowhere in the clear.
"""

import hashlib
import hmac
import os
import secrets
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def key_file(folder: Path, name: str) -> Path:
    """The file of this name with 32 random bytes, mode 0600, made when missing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        scratch = folder / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        # A key appears whole or not at all; whoever comes second keeps the first one's.
        with suppress(FileExistsError):
            os.link(scratch, path)
        scratch.unlink()
    return path


def password(folder: Path, role: str) -> str:
    """The password of a database role: HMAC-SHA256 of its name, in hex."""
    secret = key_file(folder, "passwords").read_bytes()
    return hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()[:40]


def signing_key(path: Path) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


def verifier_key(path: Path, origin: str) -> str:
    """The log's verifier key (C2SP signed-note): `<name>+<key hash>+<base64 of type and key>`."""
    public = b"\x01" + signing_key(path).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_hash = hashlib.sha256(origin.encode() + b"\n" + public).hexdigest()[:8]
    return f"{origin}+{key_hash}+{b64encode(public).decode()}"
