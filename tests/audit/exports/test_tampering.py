"""A bundle of which any byte, file, line or place was changed is doubted by both verifiers, which
share no line: the program inside it and `privity verify`. With the key and without."""

import base64
import json
import random
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit.app import create_app
from audit.checkpoints import Signer, signer_of
from audit.exports import verify as inside
from privity.verify import verify
from shared.ids import new_id
from support.bundles import bundle, mailed, messaging_at, unpacked
from support.facts import firm_changed
from support.firm_record import Firm
from support.platform import Platform
from support.record import arrivals, record_in
from support.running import running

Files = dict[str, bytes]


@pytest.fixture
async def made(platform: Platform, tmp_path: Path) -> AsyncIterator[tuple[Files, Signer]]:
    """A bundle of four entries of a log of some sixty, and the key that signed it."""
    async with (
        messaging_at() as messaging,
        record_in(platform, tmp_path, messaging_url=messaging.url) as record,
        running(create_app, record.settings) as one,
    ):
        firm = Firm(platform, record, one, new_id(), new_id())
        await firm.told(firm_changed(), await firm.open_matter(firm.client_id, firm.matter_id))
        for partition in (3, 4):
            await mailed(firm, messaging)
            await record.append(arrivals(1, 30, partition=partition))
        yield unpacked(await bundle(firm)), record.log.signer


def doubted(files: Files, folder: Path, key: str | None) -> tuple[bool, bool]:
    """Whether the program inside and `privity verify` doubt it."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    try:
        inside.check(str(folder), key)
        first = False
    except (ValueError, LookupError, TypeError, AttributeError):  # what it trips over is a doubt
        first = True
    return first, not verify(str(folder), key=key).ok


def signed_anew(files: Files, signer: Signer) -> Files:
    """By one who has the key: the list is made again around what was changed."""
    lines = files["SHA256SUMS.note"].decode().split("\n")
    own = {name for name in files if name.startswith("SHA256SUMS")}
    names = sorted(files.keys() - own)
    sums = "".join(f"{sha256(files[name]).hexdigest()}  {name}\n" for name in names).encode()
    digest = base64.b64encode(sha256(sums).digest()).decode()
    note = signer.sign("\n".join([*lines[:2], str(count(files)), lines[3], digest]) + "\n")
    return files | {"SHA256SUMS": sums, "SHA256SUMS.note": note.encode()}


def count(files: Files) -> int:
    return len(files["entries.jsonl"].splitlines())


Change = Callable[[list[Any]], Any]


def in_entry(change: Change) -> Callable[[Files], None]:
    def tamper(files: Files) -> None:
        lines = [json.loads(line) for line in files["entries.jsonl"].splitlines()]
        lines = change(lines) or lines
        files["entries.jsonl"] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    return tamper


def with_value(line: Any, changed: dict[str, Any]) -> None:
    value = json.loads(base64.b64decode(line["value"])) | changed
    line["value"] = base64.b64encode(json.dumps(value).encode()).decode()


def respelled(line: Any, **members: Any) -> None:
    told = json.loads(line["entry"]) | members
    line["entry"] = json.dumps(told, sort_keys=True, separators=(",", ":"))


def text_of(lines: list[Any]) -> Any:
    return next(one for line in lines for one in line["opened"] if one["at"] == "/body")


def in_proof(change: Change) -> Callable[[Files], None]:
    def tamper(files: Files) -> None:
        proof = json.loads(files["proof.json"])
        files["proof.json"] = json.dumps(change(proof) or proof).encode()

    return tamper


def attachment_swapped(files: Files) -> None:
    name = next(one for one in files if one.startswith("attachments/"))
    files[name] = b"another deed"


def of_another_size(files: Files) -> None:
    files["checkpoint"] = files["checkpoint"].replace(b"\n64\n", b"\n65\n")


ANEW: dict[str, Callable[[Files], None]] = {
    "a word": in_entry(lambda lines: text_of(lines).update(content="bm8=")),
    "a salt": in_entry(lambda lines: text_of(lines).update(salt="A" * 43 + "=")),
    "a value": in_entry(lambda lines: with_value(lines[1], {"urgent": True})),
    "the metadata": in_entry(
        lambda lines: lines[1].update(metadata=lines[1]["metadata"].replace("time", "tame"))
    ),
    "an entry's time": in_entry(
        lambda lines: respelled(lines[0], recorded_at="2026-01-01T00:00:00.000000Z")
    ),
    "an entry's number": in_entry(lambda lines: respelled(lines[0], sequence=77)),
    "an entry's index": in_entry(lambda lines: lines[1].update(index=lines[1]["index"] + 1)),
    "two entries exchanged": in_entry(
        lambda lines: [{**lines[1], "index": lines[0]["index"]},
                       {**lines[0], "index": lines[1]["index"]}, *lines[2:]]
    ),
    "an entry added": in_entry(lambda lines: [*lines, {**lines[0], "index": 40}]),
    "an entry left out": in_entry(lambda lines: lines[1:]),
    "an entry twice": in_entry(lambda lines: [*lines, lines[0]]),
    "a subtree's hash": in_proof(lambda proof: proof[0].__setitem__(2, "A" * 43 + "=")),
    "a subtree left out": in_proof(lambda proof: proof[1:]),
    "a subtree over an entry": in_proof(lambda proof: [*proof, [1, 2, "A" * 43 + "="]]),
    "an attachment": attachment_swapped,
    "the checkpoint's size": of_another_size,
}  # fmt: skip


async def test_who_signs_anew_what_was_changed_is_found_by_both(
    made: tuple[Files, Signer], tmp_path: Path
) -> None:
    files, signer = made
    whole = signed_anew(dict(files), signer)
    assert doubted(whole, tmp_path / "whole", signer.verifier) == (False, False)
    for number, (way, tamper) in enumerate(ANEW.items()):
        changed = dict(files)
        tamper(changed)
        assert changed != files, way
        found = doubted(signed_anew(changed, signer), tmp_path / str(number), signer.verifier)
        assert found == (True, True), way


async def test_who_has_no_key_can_change_no_byte_of_any_file(
    made: tuple[Files, Signer], tmp_path: Path
) -> None:
    files, signer = made
    for number in range(60):
        changed = dict(files)
        name = random.choice(sorted(changed))
        content = bytearray(changed[name])
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        changed[name] = bytes(content)
        found = doubted(changed, tmp_path / str(number), signer.verifier)
        assert found == (True, True), name


async def test_a_file_added_or_left_out_or_another_key_is_found(
    made: tuple[Files, Signer], tmp_path: Path
) -> None:
    files, signer = made
    for number, name in enumerate(sorted(files)):
        less = {one: content for one, content in files.items() if one != name}
        assert doubted(less, tmp_path / f"{number}", signer.verifier) == (True, True), name
    more = {**files, "originals/added.eml": b"x"}
    assert doubted(more, tmp_path / "more", signer.verifier) == (True, True)
    stranger = signer_of(signer.name, random.randbytes(32))
    assert doubted(dict(files), tmp_path / "key", stranger.verifier) == (True, True)
    assert doubted(dict(files), tmp_path / "own", None) == (False, False)
