"""Writes a bundle piece by piece: a zip whose list of files, with the digest of each, is signed."""

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO
from uuid import UUID

from audit.checkpoints import Signer

CHUNK_BYTES = 1_048_576
SUMS, SUMS_NOTE = "SHA256SUMS", "SHA256SUMS.note"


class Sink:
    """Takes what the zip writes; gives it away in chunks."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self.octets = 0

    def write(self, data: bytes) -> int:
        self._waiting += data
        self.octets += len(data)
        return len(data)

    def flush(self) -> None:
        """Chunks leave when they are asked for."""

    def close(self) -> None:
        """What is left stays to be given away."""

    def chunks(self, *, rest: bool = False) -> Iterator[bytes]:
        """Whole chunks so far, with `rest` the last one too."""
        while len(self._waiting) >= CHUNK_BYTES or (rest and self._waiting):
            yield bytes(self._waiting[:CHUNK_BYTES])
            del self._waiting[:CHUNK_BYTES]


class Entry:
    """One file while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class Packer:
    """A bundle while it is written. Files keep the order and the time they are given."""

    def __init__(self, sink: Sink, at: datetime) -> None:
        self._zip = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
        self._at = at.astimezone(UTC)
        self._sums: dict[str, str] = {}

    @contextmanager
    def file(self, name: str) -> Iterator[Entry]:
        info = zipfile.ZipInfo(name, self._at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with self._zip.open(info, "w", force_zip64=True) as file:
            entry = Entry(file)
            yield entry
        self._sums[name] = entry.digest

    def add(self, name: str, content: bytes | str) -> None:
        with self.file(name) as entry:
            entry.write(content.encode() if isinstance(content, str) else content)

    def close(self, signer: Signer, export_id: UUID, entries: int, size: int) -> bytes:
        """Adds the list and the signed note over it, and gives the list's SHA-256.

        The note begins with another line than a checkpoint: neither can pass for the other.
        """
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._sums.items()))
        digest = hashlib.sha256(lines.encode()).digest()
        said = [
            f"{signer.name}/export",
            export_id,
            entries,
            size,
            base64.b64encode(digest).decode(),
        ]
        self.add(SUMS, lines)
        self.add(SUMS_NOTE, signer.sign("".join(f"{line}\n" for line in said)))
        self._zip.close()
        return digest
