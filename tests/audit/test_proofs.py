"""Proofs for people, and the log as strangers read it: each in hashes that check and in words."""

import asyncio
import base64
import hashlib
import itertools
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from audit.app import create_app
from audit.checkpoints import open_checkpoint
from shared.ids import new_id
from support.platform import Platform
from support.record import Record, arrivals, record_in, serving
from support.running import Running, bearer, running
from support.stranger import built


@pytest.fixture
async def record(platform: Platform, tmp_path: Path) -> AsyncIterator[Record]:
    async with record_in(platform, tmp_path) as made:
        yield made


@pytest.fixture
async def service(record: Record) -> AsyncIterator[Running]:
    async with running(create_app, record.settings) as made:
        yield made


async def get(record: Record, service: Running, path: str, role: str = "partner") -> Any:
    answer = await service.http.get(f"/v1/record/{path}", headers=bearer(record.platform, role))
    assert answer.status_code == 200, answer.text
    return answer.json()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from(proof: dict[str, Any]) -> bytes:
    """RFC 9162 §2.1.3.2, written out here so that nothing of audit's checks itself."""
    fn, sn = proof["index"], proof["size"] - 1
    r = base64.b64decode(proof["leaf_hash"])
    for p in map(base64.b64decode, proof["proof"]):
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


def roots_from(proof: dict[str, Any]) -> tuple[bytes, bytes]:
    """RFC 9162 §2.1.4.2."""
    path = [base64.b64decode(one) for one in proof["proof"]]
    old, new = proof["from_size"], proof["to_size"]
    if old & (old - 1) == 0:
        path.insert(0, base64.b64decode(proof["from_root"]))
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        assert sn
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return fr, sr


async def test_an_event_is_proved_against_every_later_checkpoint_in_hashes_and_in_words(
    record: Record, service: Running
) -> None:
    await grow(record, 3, 4, 9, 17)
    (second,) = await record.rows("SELECT event_id FROM entries WHERE index = 1")
    checkpoints = (await get(record, service, "checkpoints?after=0"))["items"]
    assert [one["size"] for one in checkpoints] == [3, 4, 9, 17]
    signer = record.log.signer
    for one in checkpoints:
        path = f"proofs/inclusion?event_id={second.event_id}&size={one['size']}"
        proof = await get(record, service, path)
        assert proof["checkpoint"] == one["note"]
        signed = open_checkpoint(proof["checkpoint"], signer.verifier, signer.name)
        assert signed.root == root_from(proof) == base64.b64decode(proof["root"])
        words = " ".join(proof["in_words"])
        assert f"first {one['size']} entries" in words
        assert "number 2 of them" in words


async def grow(record: Record, *sizes: int) -> None:
    """One append, so one checkpoint, for each of these sizes."""
    for before, size in itertools.pairwise((0, *sizes)):
        await record.append(arrivals(before + 1, size))


async def test_any_two_checkpoints_are_proved_to_be_one_history(
    record: Record, service: Running
) -> None:
    sizes = [1, 2, 3, 6, 8, 13, 16, 21]
    await grow(record, *sizes)
    signer = record.log.signer
    for old in sizes:
        for new in (one for one in sizes if one > old):
            proof = await get(record, service, f"proofs/consistency?from={old}&to={new}")
            roots = roots_from(proof)
            notes = (proof["from_checkpoint"], proof["to_checkpoint"])
            signed = [open_checkpoint(one, signer.verifier, signer.name).root for one in notes]
            assert [*roots] == signed, (old, new)
    assert "begins with exactly the log of 16 entries" in proof_words(
        await get(record, service, "proofs/consistency?from=16&to=21")
    )


def proof_words(proof: dict[str, Any]) -> str:
    return " ".join(proof["in_words"])


async def test_a_size_that_was_never_signed_is_said_to_be_so(
    record: Record, service: Running
) -> None:
    told = arrivals(1, 5)
    await record.append(told)
    path = f"proofs/inclusion?event_id={told[0].where.event_id}&size=4"
    proof = await get(record, service, path)
    assert proof["checkpoint"] is None
    assert "never signed exactly 4 entries" in proof_words(proof)


async def test_what_is_asked_of_neither_or_both_is_refused(
    record: Record, service: Running
) -> None:
    await record.append(arrivals(1, 1))
    headers = bearer(record.platform, "partner")
    for query in ("", f"?message_id={new_id()}&matter_id={new_id()}"):
        answer = await service.http.get(f"/v1/record/proofs/inclusions{query}", headers=headers)
        assert answer.status_code == 422
    for query in (f"?message_id={new_id()}", f"?matter_id={new_id()}"):
        answer = await service.http.get(f"/v1/record/proofs/inclusions{query}", headers=headers)
        assert answer.status_code == 404


# The log over plain HTTP.


async def test_tiles_full_and_partial_never_change_and_say_so(record: Record) -> None:
    await record.append(arrivals(1, 300))
    async with serving(record.settings) as address, httpx2.AsyncClient() as http:
        log = f"{address}/v1/record/log"
        paths = ("tile/0/000", "tile/entries/000", "tile/0/001.p/44", "tile/entries/001.p/44",
                 "tile/0/001.p/7", "tile/1/000.p/1")  # fmt: skip
        before = {path: await http.get(f"{log}/{path}") for path in paths}
        for path, answer in before.items():
            assert answer.status_code == 200, path
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["content-type"] == "application/octet-stream"
        await record.append(arrivals(301, 520))
        for path, answer in before.items():
            assert (await http.get(f"{log}/{path}")).content == answer.content, path
        full = (await http.get(f"{log}/tile/0/001")).content
        assert full.startswith(before["tile/0/001.p/44"].content)
        head = await http.get(f"{log}/checkpoint")
        assert head.headers["cache-control"] == "no-store"
        assert (await http.get(f"{log}/tile/0/002")).status_code == 404


async def test_a_verifier_that_others_wrote_proves_the_log_over_http(
    record: Record, tmp_path: Path
) -> None:
    """Tessera's fsck and client, in Go (tests/audit/stranger)."""
    verifier = await asyncio.to_thread(built, tmp_path)
    await grow(record, 1, 300, 1111)
    async with serving(record.settings) as address:

        async def checked() -> subprocess.CompletedProcess[str]:
            command = [verifier, f"{address}/v1/record/log", record.log.signer.verifier]
            return await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, timeout=60
            )

        sound = await checked()
        assert (sound.returncode, sound.stdout) == (0, "proved: 1111 entries\n"), sound
        for statement in (
            "UPDATE entries SET entry = set_byte(entry, 40, 0) WHERE index = 1050",
            "UPDATE subtrees SET hashes = set_byte(hashes, 99, get_byte(hashes, 99) # 1)"
            " WHERE first = 1",
        ):
            await record.as_superuser(
                "CREATE TABLE e AS TABLE entries", "CREATE TABLE s AS TABLE subtrees", statement
            )
            found = await checked()
            assert found.returncode == 1, statement
            await record.as_superuser(
                "UPDATE entries SET entry = e.entry FROM e WHERE e.index = entries.index",
                "UPDATE subtrees SET hashes = s.hashes FROM s WHERE s.first = subtrees.first",
                "DROP TABLE e, s",
            )
        assert (await checked()).returncode == 0
