"""The whole record proved again: a sound one is said to be sound and signed for; each way of
altering it is a finding that stays open until somebody closes it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit.app import create_app
from audit.audits.inspector import Inspector
from audit.checkpoints import open_note
from shared.contracts.audit import IntegrityVerified
from shared.ids import new_id
from support.platform import Platform
from support.record import Record, arrival, arrivals, record_in
from support.running import Running, bearer, running
from support.waiting import eventually


@pytest.fixture
async def record(platform: Platform, tmp_path: Path) -> AsyncIterator[Record]:
    async with record_in(platform, tmp_path) as made:
        await made.append(arrivals(1, 3))
        await made.append(arrivals(1, 2500, partition=2))
        yield made


@pytest.fixture
async def service(record: Record) -> AsyncIterator[Running]:
    async with running(create_app, record.settings) as made:
        yield made


async def get(record: Record, service: Running, path: str, role: str = "compliance") -> Any:
    answer = await service.http.get(f"/v1/record/{path}", headers=bearer(record.platform, role))
    assert answer.status_code == 200, answer.text
    return answer


async def audited(record: Record, service: Running) -> dict[str, Any]:
    headers = bearer(record.platform, "compliance")

    async def asked() -> Any:
        return await service.http.post("/v1/record/audits", headers=headers)

    begun = await eventually(asked, lambda answer: answer.status_code == 202)
    path = f"audits/{begun.json()['id']}"

    async def looked() -> dict[str, Any]:
        found: dict[str, Any] = (await get(record, service, path)).json()
        return found

    return await eventually(looked, lambda one: one["state"] == "done", seconds=40)


async def settled(record: Record, service: Running) -> None:
    """The audit that is due at the first start is over."""

    async def looked() -> list[Any]:
        return list((await get(record, service, "audits")).json()["items"])

    await eventually(looked, lambda found: bool(found) and found[0]["state"] == "done", seconds=40)


async def test_the_first_start_audits_and_a_sound_record_has_a_signed_report(
    record: Record, service: Running
) -> None:
    await settled(record, service)
    (run,) = (await get(record, service, "audits")).json()["items"]
    assert (run["size"], run["checked"], run["findings"]) == (2503, 2503, 0)
    report = (await get(record, service, f"audits/{run['id']}/report.json")).content
    pdf = (await get(record, service, f"audits/{run['id']}/report.pdf")).content
    note = (await get(record, service, f"audits/{run['id']}/report.note")).text
    lines = open_note(note, record.log.signer.verifier).split("\n")
    digests = [base64.b64encode(sha256(one).digest()).decode() for one in (report, pdf)]
    assert lines[:4] == ["record.test/log/audit", run["id"], *digests]
    assert pdf.startswith(b"%PDF")
    told = json.loads(report)
    assert (told["sound"], told["found"], told["open"]) == (True, [], [])
    (row,) = await record.rows("SELECT value FROM outbox WHERE type LIKE '%IntegrityVerified%'")
    event = IntegrityVerified.model_validate_json(row.value)
    assert (event.findings, event.open_findings, event.digest) == (0, 0, run["digest"])


WRITTEN = ("entries", "subtrees", "checkpoints")
ALTERATIONS = {
    "value-altered": "UPDATE entries SET value = '{\"a\":1}' WHERE index = 1700",
    "metadata-altered": "UPDATE entries SET metadata = '{}' WHERE index = 1",
    "row-altered": "UPDATE entries SET partition = 9, sequence = 9999 WHERE index = 2",
    "hash-altered": "UPDATE subtrees SET hashes = set_byte(hashes, length(hashes) - 9, 0)"
    " WHERE size = 2503",
    "hashes-uncounted": "UPDATE subtrees SET hashes = hashes || sha256('') WHERE first = 0",
    "checkpoint-altered": "UPDATE checkpoints SET note = replace(note, 'A', 'B') WHERE size = 3",
    "checkpoint-wrong": "UPDATE checkpoints SET root = sha256(root) WHERE size = 3",
    "entries-missing": "DELETE FROM readings WHERE index = 2502;"
    " DELETE FROM entries WHERE index = 2502",
    "entry-malformed": "UPDATE entries SET entry = convert_to(regexp_replace("
    "convert_from(entry, 'UTF8'), '\"recorded_at\":\"[^\"]*\"', '\"recorded_at\":5'), 'UTF8')"
    " WHERE index = 7",
}


async def test_each_way_of_altering_the_record_is_found(record: Record) -> None:
    inspector = Inspector(record.log.signer, (), timedelta(days=1))
    await record.as_superuser(
        "ALTER TABLE subtrees DROP CONSTRAINT every_hash, DROP CONSTRAINT subtrees_first_fkey,"
        " DROP CONSTRAINT subtrees_size_fkey",
        "ALTER TABLE cosignatures DROP CONSTRAINT cosignatures_size_fkey",
        *(f"CREATE TABLE kept_{one} AS TABLE {one}" for one in WRITTEN),
    )
    for kind, statement in ALTERATIONS.items():
        await record.as_superuser(statement)
        problems = await inspector._prove(record.db, new_id(), 2503)
        assert kind in {one.kind for one in problems}, (kind, problems)
        await record.as_superuser(
            *(
                f"TRUNCATE {one} CASCADE; INSERT INTO {one} SELECT * FROM kept_{one}"
                for one in WRITTEN
            )
        )
    assert await inspector._prove(record.db, new_id(), 2503) == []


async def test_a_finding_is_one_until_somebody_closes_it_with_a_reason(
    record: Record, service: Running
) -> None:
    await settled(record, service)
    await record.as_superuser("UPDATE entries SET value = '{}' || value WHERE index = 4")
    for _ in range(2):
        run = await audited(record, service)
    found = (await get(record, service, "findings?state=open")).json()["items"]
    assert [(one["kind"], one["subject"]) for one in found] == [("value-altered", "entry 4")]
    path = f"/v1/record/findings/{found[0]['id']}/close"
    headers = bearer(record.platform, "compliance")
    closing = [
        service.http.post(path, json={"reason": "Restored from backup."}, headers=headers)
        for _ in range(2)
    ]
    assert sorted([one.status_code for one in await asyncio.gather(*closing)]) == [200, 409]
    assert (await get(record, service, "findings?state=open")).json()["items"] == []
    (closed,) = (await get(record, service, "findings")).json()["items"]
    assert closed["reason"] == "Restored from backup."
    stored = await record.rows("SELECT reason FROM findings_closed")
    assert "backup" not in str(stored)
    run = await audited(record, service)
    assert run["findings"] == 1  # it is still so: found anew


async def test_open_gaps_and_forks_are_findings(record: Record, service: Running) -> None:
    await settled(record, service)
    await record.append([arrival(9), arrival(1, value=b"[]")])
    await audited(record, service)
    found = (await get(record, service, "findings")).json()["items"]
    assert {"gap", "fork"} <= {one["kind"] for one in found}


async def test_only_one_audit_runs_and_one_that_died_holds_up_no_other(
    record: Record, service: Running
) -> None:
    await settled(record, service)
    await record.as_superuser(
        "INSERT INTO audits (audit_id, size, state, started_at, touched_at)"
        " VALUES (gen_random_uuid(), 3, 'running', now(), now())"
    )
    headers = bearer(record.platform, "compliance")
    answer = await service.http.post("/v1/record/audits", headers=headers)
    assert answer.status_code == 409
    await record.as_superuser("UPDATE audits SET touched_at = now() - interval '6 minutes'"
                              " WHERE state = 'running'")  # fmt: skip
    answer = await service.http.post("/v1/record/audits", headers=headers)
    assert answer.status_code == 202


async def test_who_may_not_hears_nothing(record: Record, service: Running) -> None:
    for role, statuses in (("operations", (200, 403)), ("attorney", (403, 403))):
        headers = bearer(record.platform, role)
        got = await service.http.get("/v1/record/findings", headers=headers)
        posted = await service.http.post("/v1/record/audits", headers=headers)
        assert (got.status_code, posted.status_code) == statuses
