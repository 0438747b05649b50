"""A bundle from the asking to the fetching: made beside HTTP, gone on with, fetched in parts,
checked by the program inside it, forgotten."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.app import create_app
from audit.exports import rows
from privity.verify import verify
from shared import sealing
from shared.contracts.audit import RecordExported
from shared.ids import new_id
from support.bundles import (
    Messaging,
    answered,
    ask,
    bundle,
    checked,
    fetch,
    mailed,
    messaging_at,
    unpacked,
    until,
)
from support.facts import firm_changed
from support.firm_record import FRIDAY, Firm
from support.platform import Platform
from support.record import arrivals, record_in
from support.running import bearer, running


@pytest.fixture
async def messaging() -> AsyncIterator[Messaging]:
    async with messaging_at() as made:
        yield made


@pytest.fixture
async def firm(platform: Platform, tmp_path: Path, messaging: Messaging) -> AsyncIterator[Firm]:
    async with (
        record_in(platform, tmp_path, messaging_url=messaging.url) as record,
        running(create_app, record.settings) as one,
    ):
        made = Firm(platform, record, one, new_id(), new_id())
        await made.told(firm_changed(), await made.open_matter(made.client_id, made.matter_id))
        yield made


async def test_a_matters_bundle_proves_itself_with_the_program_inside_it(
    firm: Firm, messaging: Messaging, tmp_path: Path
) -> None:
    await mailed(firm, messaging)
    await firm.record.append(arrivals(1, 300, partition=4))
    await mailed(firm, messaging, "Encore: ça va?")
    content = await bundle(firm)
    files = unpacked(content)
    mail = "2026-07-10T2030Z_2026-0001_email_inbound"
    assert set(files) >= {
        f"originals/{mail}_re-the-estate.eml",
        f"originals/{mail}_encore-ca-va.eml",
        f"attachments/{mail}_re-the-estate_the-deed.pdf",
        *("index.pdf", "index.html", "certificate.txt", "READ-ME-FIRST.txt"),
    }
    assert len(files["verify.py"].splitlines()) < 150
    assert files["index.pdf"].startswith(b"%PDF")
    assert b"&lt;b&gt;Ann&lt;/b&gt;" in files["index.html"]
    (tmp_path / "verify.py").write_bytes(files["verify.py"])
    (tmp_path / "bundle.zip").write_bytes(content)
    verifier = firm.record.log.signer.verifier
    done = await asyncio.to_thread(
        checked, tmp_path / "verify.py", tmp_path / "bundle.zip", verifier
    )
    assert done.returncode == 0, done.stderr
    assert "3 entries stand, unaltered, in the log of 304 entries" in done.stdout
    assert "as you gave it" in done.stdout


async def test_what_left_the_firm_is_in_the_bundle_octet_for_octet_and_opens_its_commitment(
    firm: Firm, messaging: Messaging, tmp_path: Path
) -> None:
    """Answers and acknowledgments alike: nobody could exchange one and keep the entry."""
    for one in await answered(firm, messaging):
        assert f"{one}/original" in messaging.files
    content = await bundle(firm)
    files = unpacked(content)
    names = [
        "originals/2026-07-10T2030Z_2026-0001_email_outbound_acknowledgment.eml",
        "originals/2026-07-10T2130Z_2026-0001_email_outbound_re-the-estate.eml",
    ]
    assert sorted(one for one in files if one.startswith("originals/")) == names
    assert [files[one] for one in names] == list(messaging.files.values())
    lines = [json.loads(one) for one in files["entries.jsonl"].splitlines()]
    opened = [one for line in lines for one in line["opened"] if one["at"] == "/original"]
    assert [one["path"] for one in opened] == names
    assert all("salt" in one for one in opened)
    (tmp_path / "bundle.zip").write_bytes(content)
    report = verify(str(tmp_path / "bundle.zip"), key=firm.record.log.signer.verifier)
    assert report.ok, report.doubts
    assert not any("without what opens" in one for one in report.proved)


async def test_no_key_is_in_a_bundle_and_each_text_is_proved_by_its_salt(
    firm: Firm, messaging: Messaging
) -> None:
    await mailed(firm, messaging)
    content = await bundle(firm)
    key = firm.service.runtime.keys.key(firm.client_id)
    everything = b"".join(unpacked(content).values())
    assert key.secret not in everything
    assert base64.b64encode(key.secret) not in everything
    lines = [json.loads(one) for one in unpacked(content)["entries.jsonl"].splitlines()]
    (mail,) = [one for one in lines if any(o["at"] == "/body" for o in one["opened"])]
    value = json.loads(base64.b64decode(mail["value"]))
    body = next(one for one in mail["opened"] if one["at"] == "/body")
    salt, text = base64.b64decode(body["salt"]), base64.b64decode(body["content"])
    assert sealing.commitment(salt, text) == value["body"]["commitment"]
    assert text == b"Is it done? <b>Ann</b>"


async def test_a_bundle_is_told_once_with_the_digest_of_its_list(
    firm: Firm, messaging: Messaging
) -> None:
    await mailed(firm, messaging)
    export = await ask(firm)
    ready = await until(firm, export, "ready")
    rows = await firm.record.rows("SELECT value FROM outbox WHERE type LIKE '%RecordExported%'")
    (told,) = [RecordExported.model_validate_json(row.value) for row in rows]
    assert (str(told.export_id), told.digest, told.entries) == (export["id"], ready["sha256"], 2)


async def test_a_fetch_that_broke_off_goes_on_where_it_ended(
    firm: Firm, messaging: Messaging
) -> None:
    await mailed(firm, messaging)
    messaging.files = {
        name: os.urandom(2_500_000) if name.endswith("original") else file
        for name, file in messaging.files.items()
    }
    export = await ask(firm)
    ready = await until(firm, export, "ready")
    whole = await fetch(firm, export)
    assert (whole.status_code, len(whole.content)) == (200, ready["octets"])
    assert ready["octets"] > 2 * 1_048_576
    pieces = b""
    for first, last in ((0, 1_048_575), (1_048_576, 1_048_576), (1_048_577, "")):
        part = await fetch(firm, export, range=f"bytes={first}-{last}")
        assert part.status_code == 206
        pieces += part.content
    assert pieces == whole.content
    assert (await fetch(firm, export, range="bytes=-10")).content == whole.content[-10:]
    assert (await fetch(firm, export, range=f"bytes={ready['octets']}-")).status_code == 416
    assert (await fetch(firm, export, range="bytes=1-2,4-5")).status_code == 422


async def test_originals_are_asked_for_with_the_requesters_own_token(
    firm: Firm, messaging: Messaging
) -> None:
    await mailed(firm, messaging)
    headers = bearer(firm.platform, "compliance", email="c@firm.test")
    answer = await firm.service.http.post(
        "/v1/record/exports", json={"client_id": str(firm.client_id)}, headers=headers
    )
    await until(firm, answer.json(), "ready")
    assert {token for _, token in messaging.asked} == {headers["Authorization"]}


async def test_an_export_that_stopped_is_gone_on_with_and_asks_only_for_what_it_lacks(
    firm: Firm, messaging: Messaging
) -> None:
    first = await mailed(firm, messaging)
    await mailed(firm, messaging)
    messaging.status = 401
    export = await ask(firm)
    stopped = await until(firm, export, "stopped")
    assert "fresh" in stopped["problem"]
    assert (await fetch(firm, export)).status_code == 409
    path = f"/v1/record/exports/{export['id']}/resume"
    messaging.status = 200
    messaging.asked.clear()
    missing = f"{first}/original"
    headers = bearer(firm.platform, "partner")
    both = await asyncio.gather(*(firm.service.http.post(path, headers=headers) for _ in "12"))
    assert sorted(one.status_code for one in both) == [202, 409]
    await until(firm, export, "ready")
    assert [path for path, _ in messaging.asked].count(missing) == 1
    assert (await firm.service.http.post(path, headers=headers)).status_code == 409


async def test_a_process_that_died_while_making_leaves_an_export_to_go_on_with(
    firm: Firm, messaging: Messaging
) -> None:
    """Its row says `making`, and nobody has touched it for minutes."""
    await mailed(firm, messaging)
    export = await ask(firm)
    await until(firm, export, "ready")
    await firm.record.as_superuser(
        "UPDATE exports SET state = 'making', touched_at = now() - interval '4 minutes'"
    )
    shown = await firm.get(f"/v1/record/exports/{export['id']}")
    assert shown["state"] == "stopped"
    path = f"/v1/record/exports/{export['id']}/resume"
    answer = await firm.service.http.post(path, headers=bearer(firm.platform, "partner"))
    assert answer.status_code == 202
    await until(firm, export, "ready")
    assert (await fetch(firm, export)).status_code == 200


async def test_what_the_requester_may_not_read_is_left_out_and_counted(
    firm: Firm, messaging: Messaging
) -> None:
    message_id = await mailed(firm, messaging)
    del messaging.files[f"{message_id}/original"]
    files = unpacked(await bundle(firm))
    assert not [name for name in files if name.startswith("originals/")]
    assert b"1 files could not be obtained" in files["READ-ME-FIRST.txt"]


async def test_a_bundle_expires_and_its_content_is_gone(firm: Firm, messaging: Messaging) -> None:
    await mailed(firm, messaging)
    export = await ask(firm)
    await until(firm, export, "ready")
    await firm.record.as_superuser("UPDATE exports SET expires_at = now() - interval '1 s'")
    async with firm.record.db.transaction() as session:
        assert await rows.expire(session, 3600) == 1
    assert (await fetch(firm, export)).status_code == 409
    assert not await firm.record.rows("SELECT 1 FROM export_chunks")
    shown = await firm.get(f"/v1/record/exports/{export['id']}")
    assert shown["state"] == "expired"


async def test_who_may_not_export_hears_nothing(firm: Firm, messaging: Messaging) -> None:
    await mailed(firm, messaging)
    export = await ask(firm)
    await until(firm, export, "ready")
    path = f"/v1/record/exports/{export['id']}"
    for role, status in (("billing", 403), ("operations", 403), ("client", 403)):
        claims = {"client_id": str(firm.client_id)} if role == "client" else {}
        assert await firm.status(path, role, **claims) == status
    assert await firm.status(path, "attorney", email="outsider@firm.test") == 404
    assert await firm.status(f"{path}/bundle", "attorney", email="outsider@firm.test") == 404
    assert await firm.status(f"/v1/record/exports/{new_id()}") == 404
    for body in ({}, {"client_id": str(new_id()), "matter_id": str(new_id())}, {"x": 1}):
        answer = await firm.service.http.post(
            "/v1/record/exports", json=body, headers=bearer(firm.platform, "partner")
        )
        assert answer.status_code == 422


async def test_fetching_is_on_the_record(firm: Firm, messaging: Messaging) -> None:
    await mailed(firm, messaging)
    await bundle(firm)
    (read,) = await firm.record.rows("SELECT purpose, count FROM accesses WHERE NOT denied")
    assert (read.purpose, read.count) == ("entries", 2)


async def test_the_same_request_twice_is_one_export(firm: Firm, messaging: Messaging) -> None:
    headers = bearer(firm.platform, "partner") | {"Idempotency-Key": "one"}
    body = {"matter_id": str(firm.matter_id)}
    answers = [
        await firm.service.http.post("/v1/record/exports", json=body, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert len(await firm.record.rows("SELECT 1 FROM exports")) == 1
    await until(firm, answers[0].json(), "ready")


async def test_times_are_of_the_firms_zone(firm: Firm, messaging: Messaging) -> None:
    await mailed(firm, messaging)
    page = unpacked(await bundle(firm))["index.html"].decode()
    assert "Fri 2026-07-10 16:30:00 EDT" in page
    assert "2026-07-10 20:30:00 UTC" in page
    assert FRIDAY.utcoffset() == timedelta(0)
