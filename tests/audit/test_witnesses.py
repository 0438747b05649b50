"""A second party cosigns what the log signed: it comes beside the note, stops nothing when it is
away, and closes a log whose past is not the one it signed for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit.app import create_app
from audit.checkpoints import BadNote, open_checkpoint
from audit.witnesses import Witness as Asked
from privity.verify import Report, verify
from support.platform import Platform
from support.record import ORIGIN, Record, arrivals, audit_settings, record_in, serving
from support.running import Running, running
from support.waiting import eventually
from support.witness import Witness, random_root, witness_at


@dataclass
class Watched:
    """A log and its witness; `service` is audit, asking it every tenth of a second."""

    record: Record
    witness: Witness

    async def note(self, service: Running, path: str = "checkpoint") -> str:
        address = f"/v1/record/log/{path}"
        answer = await service.http.get(address, headers={"host": "127.0.0.1"})
        return answer.text if answer.status_code == 200 else ""

    async def problem(self, service: Running) -> str:
        answer = await service.http.get("/readyz")
        told: dict[str, Any] = answer.json()
        return str(told)

    async def cosigned(self, service: Running, size: int) -> str:
        return await eventually(
            lambda: self.note(service, "witnessed"), lambda note: f"\n{size}\n" in note
        )


@pytest.fixture
async def watched(platform: Platform, tmp_path: Path) -> AsyncIterator[Watched]:
    async with (
        record_in(platform, tmp_path) as record,
        witness_at(record.log.signer.verifier) as witness,
    ):
        told = {"audit_witnesses": [witness.setting], "audit_witnesses_every": 0.1}
        record.settings = record.settings.model_copy(update=told)
        yield Watched(record, witness)


async def test_each_newer_checkpoint_is_cosigned_under_the_note_that_the_log_signed(
    watched: Watched,
) -> None:
    record, witness = watched.record, watched.witness
    await record.append(arrivals(1, 3))
    async with running(create_app, record.settings) as service:
        for first, last in ((4, 4), (5, 300), (301, 1100)):
            note = await watched.cosigned(service, first - 1)
            signed = record.log.signer
            checkpoint = open_checkpoint(note, signed.verifier, ORIGIN)
            (kept,) = await record.rows(
                "SELECT note FROM checkpoints WHERE size = :size", size=checkpoint.size
            )
            assert note.startswith(kept.note), "what the log signed stays as it was"
            line = note.removeprefix(kept.note).removesuffix("\n")
            Asked.of(witness.setting).verified(checkpoint.text, line)
            await record.append(arrivals(first, last))
        assert await watched.cosigned(service, 1100) == await watched.note(service)
    assert witness.seen is not None
    assert witness.seen.size == 1100


async def test_a_witness_that_is_away_stops_nothing_is_told_and_asked_again(
    watched: Watched,
) -> None:
    watched.witness.status = 503
    async with running(create_app, watched.record.settings) as service:
        await watched.record.append(arrivals(1, 3))
        await eventually(lambda: watched.problem(service), lambda told: "answered 503" in told)
        await watched.record.append(arrivals(4, 5))
        assert await watched.note(service, "witnessed") == ""
        watched.witness.status = None
        await watched.cosigned(service, 5)
        await eventually(lambda: watched.problem(service), lambda told: "witness.test" not in told)


async def test_a_cosignature_whose_answer_was_lost_is_asked_for_again_from_there(
    watched: Watched,
) -> None:
    """Signed and not kept: the witness is ahead of what the log knows of it."""
    watched.witness.lose_answers = 1
    await watched.record.append(arrivals(1, 3))
    async with running(create_app, watched.record.settings) as service:
        await eventually(lambda: watched.problem(service), lambda told: "answered 502" in told)
        await watched.record.append(arrivals(4, 6))
        await watched.cosigned(service, 6)


@pytest.mark.parametrize("size", [3, 2, 9])
async def test_a_witness_of_another_past_closes_the_log(watched: Watched, size: int) -> None:
    """It saw another root of this size, an earlier one that this log does not extend, or a longer
    log: somebody put this one back, or tells two stories."""
    watched.witness.seen = random_root(size, ORIGIN)
    record = watched.record
    await record.append(arrivals(1, 3))
    async with running(create_app, record.settings) as service:
        told = await eventually(lambda: watched.problem(service), lambda one: "read-only" in one)
        assert "witness.test/w1 signed" in told
        assert (await service.http.get("/readyz")).status_code == 503
    assert not await record.rows("SELECT * FROM cosignatures")


async def test_what_the_witness_did_not_sign_is_no_cosignature(watched: Watched) -> None:
    watched.witness.name = "witness.test/other"
    async with running(create_app, watched.record.settings) as service:
        await watched.record.append(arrivals(1, 3))
        await eventually(lambda: watched.problem(service), lambda told: "no cosignature" in told)
    assert not await watched.record.rows("SELECT * FROM cosignatures")


async def test_privity_verify_demands_the_cosignatures_it_is_asked_to(
    watched: Watched, tmp_path: Path
) -> None:
    record, witness = watched.record, watched.witness
    await record.append(arrivals(1, 300))
    async with serving(record.settings) as address:

        async def checked(*witnesses: str) -> Report:
            log, key = f"{address}/v1/record/log", record.log.signer.verifier
            return await asyncio.to_thread(
                verify, log, key=key, state=tmp_path / "seen", witnesses=witnesses
            )

        report = await eventually(lambda: checked(witness.verifier), lambda one: one.ok)
        assert any("witness.test/w1 cosigned its first 300 entries" in p for p in report.proved)
        stranger = Witness(witness.log_key, "witness.test/w2")
        found = await checked(witness.verifier, stranger.verifier)
        assert found.doubts == ("witness.test/w2 did not cosign the checkpoint of 300 entries.",)
        forged = Witness(witness.log_key)
        assert not (await checked(forged.verifier)).ok


@pytest.mark.parametrize("setting", ["", "http://w", "http://w w+0+0", " w+00000000+BAAA"])
async def test_a_witness_without_address_or_key_is_refused_at_the_start(
    platform: Platform, tmp_path: Path, setting: str
) -> None:
    settings = await audit_settings(platform, tmp_path, audit_witnesses=[setting])
    with pytest.raises(BadNote):
        create_app(settings)
