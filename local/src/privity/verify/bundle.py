"""An exported bundle, offline: its signed list of files, its entries, what they commit to, and that
the log holds them. Nothing that the bundle says of itself is believed."""

import base64
import hmac
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from privity.verify.entries import parse_entry
from privity.verify.notes import (
    Checkpoint,
    Verifier,
    cosigned_at,
    open_checkpoint,
    open_text,
    parse_key,
    unbase64,
)
from privity.verify.report import Doubt, Report
from privity.verify.tree import leaf_hash, root_of_some

SUMS, SUMS_NOTE = "SHA256SUMS", "SHA256SUMS.note"


@dataclass(frozen=True)
class _Listed:
    """What the signed note over the list of files says."""

    entries: int
    size: int
    sums_sha256: bytes


@dataclass
class _Counted:
    opened: int = 0
    closed: int = 0


def verify_bundle(path: Path, key: str | None, witnesses: Sequence[Verifier] = ()) -> Report:
    """Raises Doubt; what JSON or zip trip over becomes one, too."""
    try:
        return _verify(path, key, witnesses)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise Doubt(f"The bundle is malformed: {type(error).__name__}: {error}.") from error
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise Doubt(f"The bundle cannot be read: {error}.") from error


def _verify(path: Path, key: str | None, witnesses: Sequence[Verifier]) -> Report:
    files = _files(path)
    verifier, note = _signer(files, key)
    listed = _listed(files, verifier, note)
    head = open_checkpoint(files["checkpoint"], verifier)
    if head.size != listed.size:
        raise Doubt("The checkpoint is not the one that the list of files was signed for.")
    cosigned = [_cosigned(files["checkpoint"], one) for one in witnesses]
    counted, leaves = _Counted(), dict[int, bytes]()
    for line in map(json.loads, map(bytes.decode, BytesIO(files["entries.jsonl"]))):
        if line["index"] in leaves:
            raise Doubt(f"Entry {line['index']} is there twice.")
        leaves[line["index"]] = _leaf(line, files, counted)
    if len(leaves) != listed.entries:
        raise Doubt(f"{len(leaves)} entries are there, {listed.entries} were signed for.")
    _require_root(head, leaves, json.loads(files["proof.json"]))
    return Report(
        target=str(path),
        origin=head.origin,
        size=head.size,
        root=base64.b64encode(head.root).decode(),
        checkpoint=files["checkpoint"].decode(),
        proved=(*_proved(head, key, len(files) - 2, len(leaves), counted), *cosigned),
    )


def _cosigned(note: bytes, witness: Verifier) -> str:
    at = cosigned_at(note, witness)
    if at is None:
        raise Doubt(f"{witness.name} did not cosign the checkpoint of the bundle.")
    return f"{witness.name} cosigned its checkpoint on {at}."


def _files(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        if not (path / SUMS_NOTE).is_file():
            raise Doubt(f"{path} is no bundle: it has no {SUMS_NOTE}.")
        found = (one for one in path.rglob("*") if one.is_file())
        return {one.relative_to(path).as_posix(): one.read_bytes() for one in found}
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        if len(names) != len(set(names)):
            raise Doubt("A file is in the bundle twice.")
        return {name: packed.read(name) for name in names}


def _signer(files: Mapping[str, bytes], key: str | None) -> tuple[Verifier, str]:
    """Of the keys at hand, the first that signed the list."""
    doubt = Doubt("The bundle names no key: give the log's with --key.")
    for one in [key] if key else files["keys.txt"].decode().split():
        verifier = parse_key(one)
        try:
            return verifier, open_text(files[SUMS_NOTE], verifier)
        except Doubt as found:
            doubt = found
    raise doubt


def _listed(files: Mapping[str, bytes], verifier: Verifier, note: str) -> _Listed:
    kind, _, entries, size, digest = note.removesuffix("\n").split("\n")
    if kind != f"{verifier.name}/export":
        raise Doubt(f"The list of files is not one of {verifier.name}.")
    listed = _Listed(int(entries), int(size), unbase64(digest))
    if sha256(files[SUMS]).digest() != listed.sums_sha256:
        raise Doubt("The list of files is not the one that was signed.")
    sums = dict(_sums(files[SUMS].decode()))
    there = files.keys() - {SUMS, SUMS_NOTE}
    if sums.keys() - there:
        raise Doubt(f"{min(sums.keys() - there)} was left out.")
    if there - sums.keys():
        raise Doubt(f"{min(there - sums.keys())} was added.")
    for name, digest in sums.items():
        if sha256(files[name]).hexdigest() != digest:
            raise Doubt(f"{name} was altered.")
    return listed


def _sums(lines: str) -> Iterator[tuple[str, str]]:
    for line in lines.splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _leaf(line: Any, files: Mapping[str, bytes], counted: _Counted) -> bytes:
    """The leaf hash, after everything that is said of the entry was computed again."""
    index, entry = line["index"], line["entry"].encode()
    told, value = parse_entry(entry), unbase64(line["value"])
    if sha256(value).hexdigest() != told.value_sha256:
        raise Doubt(f"The value of entry {index} was altered.")
    meta = hmac.digest(unbase64(line["salt"]), line["metadata"].encode(), "sha256")
    if meta.hex() != told.meta:
        raise Doubt(f"The type, time or subjects of entry {index} were altered.")
    members = json.loads(value) if line["opened"] else None
    for one in line["opened"]:
        _check_opened(index, one, _place(members, one["at"]), files, counted)
    return leaf_hash(entry)


def _check_opened(
    index: int, one: Any, place: Any, files: Mapping[str, bytes], counted: _Counted
) -> None:
    content = files[one["path"]] if "path" in one else unbase64(one["content"])
    if "salt" not in one:
        counted.closed += 1
        return
    mac = hmac.digest(unbase64(one["salt"]), content, "sha256")
    if mac != unbase64(place["commitment"]):
        raise Doubt(f"What entry {index} says at {one['at']} is not what was committed to.")
    counted.opened += 1


def _place(value: Any, at: str) -> Any:
    for step in at.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _require_root(head: Checkpoint, leaves: Mapping[int, bytes], proof: Any) -> None:
    spans = {(start, end): unbase64(hashed) for start, end, hashed in proof}
    try:
        root = root_of_some(head.size, leaves, spans)
    except ValueError as error:
        raise Doubt(f"The proof does not fit the entries: {error}.") from None
    if root != head.root:
        raise Doubt("The entries and their proof do not give the signed root.")


def _proved(
    head: Checkpoint, key: str | None, files: int, entries: int, counted: _Counted
) -> Iterator[str]:
    trust = "as you gave it" if key else "of the bundle itself: compare it with the published one"
    yield f"The key of {head.origin} ({trust}) signed the list of {files} files; all are here."
    yield f"{entries} entries stand, unaltered, in the log of {head.size} entries that it signed."
    yield f"{counted.opened} texts and files are those that the entries committed to."
    if counted.closed:
        yield (f"{counted.closed} files as exported, without what opens their commitment.")
