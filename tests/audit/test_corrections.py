"""A correction is an entry that names another: both stay, and readers see the newer first."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from audit.app import create_app
from shared.contracts.audit import RecordCorrected
from shared.ids import new_id
from support.facts import firm_changed
from support.firm_record import Firm
from support.platform import Platform
from support.record import Record, record_in
from support.running import bearer, running
from support.waiting import eventually


@pytest.fixture
async def firm(platform: Platform, prefix: str, tmp_path: Path) -> AsyncIterator[Firm]:
    """With Kafka: a correction comes back as an event of audit's own."""
    async with (
        record_in(platform, tmp_path, prefix=prefix) as record,
        running(create_app, record.settings) as one,
    ):
        made = Firm(platform, record, one, new_id(), new_id())
        await made.told(firm_changed(), await made.open_matter(made.client_id, made.matter_id))
        await made.told(
            await made.received(new_id(), "We meet on Monday", matter_id=made.matter_id)
        )
        yield made


async def correct(firm: Firm, index: int, words: str, role: str = "partner", **claims: Any) -> Any:
    return await firm.service.http.post(
        f"/v1/record/entries/{index}/corrections",
        json={"correction": words},
        headers=bearer(firm.platform, role, **claims),
    )


async def item(firm: Firm) -> dict[str, Any]:
    return next(one for one in await firm.timeline() if one["kind"] == "ClientMessageReceived")


async def index_of_message(record: Record) -> int:
    (row,) = await record.rows("SELECT index FROM readings WHERE type LIKE '%ClientMessageRec%'")
    return int(row[0])


async def test_a_correction_and_what_it_corrects_both_stay_and_the_newer_is_read_first(
    firm: Firm,
) -> None:
    index = await index_of_message(firm.record)
    before = await item(firm)
    for number, words in enumerate(("It was Tuesday.", "No: Wednesday."), start=1):
        assert (await correct(firm, index, words)).status_code == 201
        shown = await eventually(
            lambda: item(firm), lambda one, wanted=number: len(one["corrections"]) == wanted
        )
    assert shown["summary"] == f"Correction of entry {index}: No: Wednesday."
    assert shown["first_recorded"] == before["summary"] == "We meet on Monday"
    newest, older = shown["corrections"]
    assert older["summary"] == f"Correction of entry {index}: It was Tuesday."
    assert newest["index"] > older["index"] > shown["index"] == index
    proof = await firm.get(f"/v1/record/proofs/inclusion?event_id={newest['event_id']}")
    assert proof["index"] == newest["index"]


async def test_a_correction_is_sealed_and_names_entry_and_person(firm: Firm) -> None:
    index = await index_of_message(firm.record)
    answer = await correct(firm, index, "a privileged word")
    (row,) = await firm.record.rows("SELECT value FROM outbox WHERE type LIKE '%RecordCorrected%'")
    told = RecordCorrected.model_validate_json(row.value)
    assert (told.corrects_index, str(told.corrects)) == (index, answer.json()["corrects"])
    assert (told.client_id, told.matter_id) == (firm.client_id, firm.matter_id)
    assert b"privileged" not in row.value


async def test_a_client_does_not_see_what_the_firm_corrects(firm: Firm) -> None:
    await correct(firm, await index_of_message(firm.record), "It was Tuesday.")
    await eventually(lambda: item(firm), lambda one: bool(one["corrections"]))
    own = await firm.timeline("client", client_id=str(firm.client_id))
    assert all(one["corrections"] == [] for one in own)
    assert "We meet on Monday" in [one["summary"] for one in own]


async def test_who_may_not_correct_hears_nothing(firm: Firm) -> None:
    index = await index_of_message(firm.record)
    assert (await correct(firm, index, "x", "operations")).status_code == 403
    outsider = await correct(firm, index, "x", "attorney", email="outsider@firm.test")
    assert outsider.status_code == 404
    assert (await correct(firm, 10**9, "x")).status_code == 404
    assert (await correct(firm, 0, "x")).status_code == 404  # about no client
    assert (await correct(firm, index, "")).status_code == 422
