"""The doors of the record: who may read what, proofs that check, completeness, timelines."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from audit import entries, merkle
from audit.app import create_app
from audit.checkpoints import open_checkpoint
from shared.contracts.matters import PointOfContactAssigned
from shared.contracts.messaging import (
    CallLogged,
    MessageAcknowledged,
    MessageFiled,
    MessageQuarantined,
    MessageRefiled,
    MessageSent,
    NoteWritten,
    Waited,
)
from shared.contracts.platform import RecordAccessed, StreamHead, StreamHeadsStated
from shared.contracts.sla_monitor import (
    AcknowledgmentDue,
    ClockMet,
    DeadlineReminderDue,
    ResponseDue,
    TriageDue,
)
from shared.ids import new_id
from support.facts import firm_changed
from support.firm_record import FRIDAY, Firm
from support.platform import Platform
from support.record import arrival, arrivals, record_in
from support.running import bearer, running


@pytest.fixture
async def firm(platform: Platform, tmp_path: Path) -> AsyncIterator[Firm]:
    async with record_in(platform, tmp_path) as record, running(create_app, record.settings) as one:
        made = Firm(platform, record, one, new_id(), new_id())
        await made.told(firm_changed(), await made.open_matter(made.client_id, made.matter_id))
        yield made


# The log.


async def test_the_checkpoint_is_the_signed_note_of_the_newest_size(firm: Firm) -> None:
    answer = await firm.service.http.get(
        "/v1/record/log/checkpoint", headers=bearer(firm.platform, "compliance")
    )
    signer = firm.record.log.signer
    assert open_checkpoint(answer.text, signer.verifier, signer.name).size == 2
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_without_a_token_the_log_is_read_on_loopback_only(firm: Firm) -> None:
    for headers, status in (
        ({"host": "127.0.0.1:8080"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8080"}, 200),
        ({"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1"}, 200),
        ({"host": "127.0.0.1", "x-forwarded-host": "localhost:8080"}, 200),
        ({"host": "127.0.0.1", "x-forwarded-host": "evil.example"}, 401),
        ({"host": "[::1"}, 401),
        ({"host": ""}, 401),
        ({"host": "evil.example"}, 401),
        ({"host": "127.0.0.1.evil.example"}, 401),
        ({"host": "127.0.0.1", "x-forwarded-for": "192.0.2.7"}, 401),
        ({"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1, 192.0.2.7"}, 401),
        ({"host": "127.0.0.1", "x-forwarded-for": "nonsense"}, 401),
    ):
        for path in ("checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"):
            answer = await firm.service.http.get(f"/v1/record/log/{path}", headers=headers)
            assert answer.status_code == status, (headers, path)


async def test_outside_the_local_profile_loopback_needs_a_token_too(
    platform: Platform, tmp_path: Path
) -> None:
    async with (
        record_in(platform, tmp_path, privity_profile="production") as record,
        running(create_app, record.settings) as service,
    ):
        await record.append(arrivals(1, 1))
        path, host = "/v1/record/log/checkpoint", {"host": "127.0.0.1"}
        assert (await service.http.get(path, headers=host)).status_code == 401
        for role, status in (("operations", 200), ("compliance", 200), ("attorney", 403)):
            headers = host | bearer(platform, role)
            assert (await service.http.get(path, headers=headers)).status_code == status


async def test_tiles_that_the_log_does_not_have_yet_are_not_found(firm: Firm) -> None:
    host = {"host": "127.0.0.1"}
    for path in (
        "tile/0/000.p/3",
        "tile/0/000",
        "tile/0/001",
        "tile/1/000.p/1",
        "tile/entries/000.p/3",
        "tile/63/x999/x999/x999/x999/x999/999",
        "tile/0/0",
        "tile/",
    ):
        answer = await firm.service.http.get(f"/v1/record/log/{path}", headers=host)
        assert answer.status_code == 404, path


async def test_reading_the_log_is_not_itself_logged(firm: Firm) -> None:
    """It says nothing about people; to log its readers would only make it grow by being checked."""
    for path in ("checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"):
        headers = bearer(firm.platform, "compliance")
        answer = await firm.service.http.get(f"/v1/record/log/{path}", headers=headers)
        assert answer.status_code == 200
    assert not await firm.record.rows("SELECT * FROM accesses")
    await firm.get("/v1/record/entries", "compliance")
    assert await firm.record.rows("SELECT * FROM accesses")


async def test_a_tile_is_for_ever(firm: Firm) -> None:
    answer = await firm.service.http.get(
        "/v1/record/log/tile/0/000.p/1", headers={"host": "127.0.0.1"}
    )
    assert len(answer.content) == 32
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "application/octet-stream"


# Entries and proofs.


async def test_an_entry_opens_to_its_commitment(firm: Firm) -> None:
    listed = (await firm.get("/v1/record/entries", "compliance"))["items"]
    assert [one["index"] for one in listed] == [0, 1]
    for one in listed:
        entry = await firm.get(f"/v1/record/entries/{one['index']}", "compliance")
        leaf = entry["entry"].encode()
        assert base64.b64decode(entry["leaf_hash"]) == merkle.leaf_hash(leaf)
        public, salt = json.loads(leaf), base64.b64decode(entry["salt"])
        assert public["meta"] == entries.commitment(salt, entry["metadata"].encode()).hex()
        value = base64.b64decode(entry["value"])
        assert public["value_sha256"] == sha256(value).hexdigest()
        assert public["event_id"] == entry["event_id"]
        assert one == {name: content for name, content in entry.items() if name != "value"}


async def test_a_public_entry_says_nothing_about_people(firm: Firm) -> None:
    await firm.told(await firm.received(new_id(), "Divorce of the mayor"))
    entry = await firm.get("/v1/record/entries/2", "compliance")
    for secret in (str(firm.client_id), "messaging.Client", "2026-07-10", "Divorce"):
        assert secret not in entry["entry"]
    assert str(firm.client_id) in entry["metadata"]


async def test_entries_are_pages_in_log_order_of_a_client_or_a_matter(firm: Firm) -> None:
    other = new_id()
    await firm.told(*[await firm.received(new_id(), f"{at}") for at in range(5)])
    await firm.told(await firm.open_matter(other, new_id()))
    path = f"/v1/record/entries?client_id={firm.client_id}&limit=4"
    first = await firm.get(path)
    rest = await firm.get(f"{path}&cursor={first['next']}")
    assert [one["index"] for one in first["items"] + rest["items"]] == [1, 2, 3, 4, 5, 6]
    assert rest["next"] is None
    assert [one["index"] for one in (await firm.get(f"{path}&after=4"))["items"]] == [5, 6]
    of_matter = await firm.get(f"/v1/record/entries?matter_id={firm.matter_id}")
    assert [one["index"] for one in of_matter["items"]] == [1]


async def test_an_inclusion_proof_leads_from_the_leaf_to_the_root(firm: Firm) -> None:
    await firm.record.append(arrivals(1, 60, partition=3))
    page = await firm.get("/v1/record/entries?limit=100", "compliance")
    for size in (None, 10, 62):
        asked = f"&size={size}" if size else ""
        for one in page["items"][: size or 62 : 7]:
            path = f"/v1/record/proofs/inclusion?event_id={one['event_id']}{asked}"
            proof = await firm.get(path, "attorney")
            assert proof["leaf_hash"] == one["leaf_hash"]
            assert climbed(proof) == base64.b64decode(proof["root"])
    note = (await firm.record.rows("SELECT root FROM checkpoints WHERE size = 62"))[0]
    assert base64.b64decode(proof["root"]) == note.root


def climbed(proof: dict[str, Any]) -> bytes:
    """RFC 9162 §2.1.3.2, as it is written."""
    fn, sn = proof["index"], proof["size"] - 1
    r = base64.b64decode(proof["leaf_hash"])
    for step in map(base64.b64decode, proof["proof"]):
        assert sn != 0
        if fn & 1 or fn == sn:
            r = merkle.node_hash(step, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = merkle.node_hash(r, step)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


async def test_a_consistency_proof_is_that_of_the_rfc(firm: Firm) -> None:
    await firm.record.append(arrivals(1, 6, partition=3))
    proof = await firm.get("/v1/record/proofs/consistency?from=6&to=8", "operations")
    stored = await firm.record.hashes()
    steps = [base64.b64decode(one) for one in proof["proof"]]
    assert steps == [stored[1, 2], stored[1, 3], stored[2, 0]]


async def test_what_cannot_be_answered_is_refused_with_a_reason(firm: Firm) -> None:
    for path, status in (
        ("proofs/inclusion?event_id=01980a3c-9f00-7abc-8def-0123456789ab", 404),
        ("proofs/inclusion?event_id=nonsense", 422),
        ("proofs/inclusion?event_id=01980a3c-9f00-7abc-8def-0123456789ab&size=99", 422),
        ("proofs/consistency?from=0&to=2", 422),
        ("proofs/consistency?from=2&to=1", 422),
        ("proofs/consistency?from=1&to=99", 422),
        ("entries/99", 404),
        ("entries/-1", 404),
        ("entries/99999999999999999999999", 404),
        ("entries?after=99999999999999999999999", 422),
        ("entries?cursor=nonsense", 422),
        ("entries?matter_id=01980a3c-9f00-7abc-8def-0123456789ab", 404),
    ):
        assert await firm.status(f"/v1/record/{path}") == status, path


async def test_completeness_tells_gaps_forks_strays_and_cut_tails(firm: Firm) -> None:
    await firm.record.append([arrival(1, partition=5), arrival(3, partition=5)])
    await firm.record.append([arrival(3, partition=5)])
    stated = StreamHeadsStated(
        service="messaging",
        heads=(StreamHead(partition=5, epoch=1, last_sequence=4),),
        stated_at=FRIDAY,
    )
    await firm.told(stated)
    await firm.record.as_superuser("UPDATE entries SET recorded_at = now() - interval '1 minute'")
    found = await firm.get("/v1/record/completeness", "operations")
    services = {one["service"]: one["streams"] for one in found["services"]}
    assert services["messaging"][1] == {
        "stream": "privity/messaging/5?epoch=1",
        "contiguous": 1,
        "head": 4,
        "gaps": [{"first": 2, "last": 2}, {"first": 4, "last": 4}],
        "forks": 1,
    }
    assert services["matters"][0]["gaps"] == []
    assert found["strays"] == 0


async def test_a_message_and_a_matter_are_proved_event_by_event(firm: Firm) -> None:
    message = new_id()
    await firm.told(await firm.received(message, "A question", matter_id=firm.matter_id))
    await firm.told(await firm.received(new_id(), "Another", client_id=new_id()))
    path = f"/v1/record/proofs/inclusions?message_id={message}"
    (proof,) = (await firm.get(path))["items"]
    assert (proof["index"], climbed(proof)) == (2, base64.b64decode(proof["root"]))
    of_matter = f"/v1/record/proofs/inclusions?matter_id={firm.matter_id}"
    first = await firm.get(f"{of_matter}&limit=1")
    await firm.told(await firm.received(new_id(), "Later", matter_id=firm.matter_id))
    second = await firm.get(f"{of_matter}&limit=1&cursor={first['next']}")
    proofs = first["items"] + second["items"]
    assert [(one["index"], one["size"]) for one in proofs] == [(1, 4), (2, 4)]
    assert second["next"] is None
    assert await firm.status(path, "attorney", email="outsider@firm.test") == 404
    assert await firm.status(path, "operations") == 403


# The timeline.


async def test_a_matters_timeline_tells_its_story_oldest_first(firm: Firm) -> None:
    message, conversation, clock_id = new_id(), new_id(), new_id()
    ids = {
        "conversation_id": conversation,
        "client_id": firm.client_id,
        "matter_id": firm.matter_id,
    }
    dues = {"target_at": FRIDAY + timedelta(days=3), "limit_at": FRIDAY + timedelta(days=4)}
    versions = {"policy_version": 1, "calendar_version": 1, "time_zone": "America/New_York"}
    response = ResponseDue(
        clock_id=clock_id, message_ids=(message,), opened_at=FRIDAY, **dues, **versions, **ids
    )
    acknowledgment = AcknowledgmentDue(
        clock_id=new_id(),
        message_id=message,
        opened_at=FRIDAY,
        response_clock_id=clock_id,
        response_target_at=dues["target_at"],
        response_limit_at=dues["limit_at"],
        **dues,
        **versions,
        **ids,
    )
    sent = MessageSent(
        message_id=new_id(),
        kind="answer",
        channel="portal",
        sent_at=FRIDAY + timedelta(hours=2),
        body=await firm.seal(firm.client_id, "message", "body", "\n  Dear client,\nNot yet.\nA"),
        **ids,
    )
    acknowledged = MessageAcknowledged(
        acknowledgment_id=new_id(),
        covers=(message,),
        automatic=True,
        channel="email",
        acknowledged_at=FRIDAY + timedelta(seconds=2),
        **ids,
    )
    met = ClockMet(
        clock_id=clock_id,
        kind="response",
        message_ids=(message,),
        met_at=sent.sent_at,
        cause_id=sent.message_id,
        **ids,
    )
    received = await firm.received(message, "The will", **ids)
    await firm.told(sent, at=sent.sent_at)
    await firm.told(received, at=FRIDAY)
    await firm.told(response, acknowledgment, at=FRIDAY + timedelta(seconds=1))
    await firm.told(acknowledged, at=FRIDAY + timedelta(seconds=3))
    await firm.told(met, at=sent.sent_at + timedelta(seconds=1))
    found = await firm.timeline()
    told = [(one["kind"], one["direction"], one["channel"], one["summary"]) for one in found]
    assert told == [
        ("MatterOpened", None, None, "Matter 2026-0001 opened: Estate of Vale"),
        ("ClientMessageReceived", "inbound", "email", "The will"),
        ("ResponseDue", None, None, "Answer due Tue 14 Jul 16:30"),
        ("AcknowledgmentDue", None, None, "Acknowledgment due Tue 14 Jul 16:30"),
        ("MessageAcknowledged", "outbound", "email", "Acknowledged automatically"),
        ("MessageSent", "outbound", "portal", "Not yet."),
        ("ClockMet", None, None, "Answer given in time"),
    ]
    assert found[1]["message_id"] == str(message)
    assert found[1]["time"] == "2026-07-10T20:30:00Z"
    assert found[5]["index"] == 2


async def test_pages_of_a_timeline_join_without_a_seam(firm: Firm) -> None:
    ids = {"matter_id": firm.matter_id}
    for at in range(7):
        await firm.told(await firm.received(new_id(), f"Letter {at}", **ids))
    path, found = f"/v1/matters/{firm.matter_id}/timeline?limit=3", []
    cursor = ""
    while cursor is not None:
        page = await firm.get(f"{path}&cursor={cursor}" if cursor else path)
        found += page["items"]
        cursor = page["next"]
    assert [one["index"] for one in found] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert await firm.status(f"{path}&cursor=WzFd") == 422


async def test_a_message_filed_later_brings_its_earlier_events_with_it(firm: Firm) -> None:
    message, conversation = new_id(), new_id()
    await firm.service.runtime.keys.hold(conversation, create=True)
    quarantined = MessageQuarantined(
        message_id=message,
        conversation_id=conversation,
        received_at=FRIDAY,
        reason="unknown-sender",
        subject_text=await firm.seal(conversation, "message", "subject", "Who am I"),
    )
    triage = TriageDue(
        clock_id=new_id(),
        message_id=message,
        conversation_id=conversation,
        opened_at=FRIDAY,
        target_at=FRIDAY,
        limit_at=FRIDAY + timedelta(days=1),
        policy_version=1,
        calendar_version=1,
    )
    await firm.told(quarantined, triage)
    assert [one["kind"] for one in await firm.timeline()] == ["MatterOpened"]
    filed = MessageFiled(
        message_id=message,
        conversation_id=conversation,
        client_id=firm.client_id,
        matter_id=firm.matter_id,
        filed_by=new_id(),
        filed_at=FRIDAY,
        reason=await firm.seal(firm.client_id, "filing", "reason", "it is hers"),
    )
    ids = {"conversation_id": conversation, "matter_id": firm.matter_id}
    await firm.told(await firm.received(message, "Who am I", **ids), filed)
    found = [(one["kind"], one["summary"]) for one in await firm.timeline()]
    assert found[1:] == [
        ("MessageQuarantined", "Who am I"),
        ("TriageDue", "Filing due Sat 11 Jul 16:30"),
        ("ClientMessageReceived", "Who am I"),
        ("MessageFiled", "Filed: it is hers"),
    ]


async def test_a_timeline_says_why_a_mail_waited_and_how_near_a_deadline_is(firm: Firm) -> None:
    message, until = new_id(), FRIDAY + timedelta(hours=9)
    sent = MessageSent(
        message_id=message,
        conversation_id=new_id(),
        client_id=firm.client_id,
        matter_id=firm.matter_id,
        kind="notice",
        channel="email",
        sent_at=until,
        automatic=True,
        body=await firm.seal(firm.client_id, "message", "body", "Your bill is here"),
        waited=Waited(since=FRIDAY, until=until),
    )
    reminded = DeadlineReminderDue(
        deadline_id=new_id(),
        revision=1,
        matter_id=firm.matter_id,
        client_id=firm.client_id,
        working_days=2,
        remind_at=until,
        due_at=FRIDAY + timedelta(days=4),
        time_zone="Europe/Berlin",
        calendar_version=1,
    )
    await firm.told(sent, reminded, at=until)
    found = [(one["kind"], one["summary"]) for one in await firm.timeline()]
    assert found[1:] == [
        ("MessageSent", "Your bill is here (waited for the end of quiet hours)"),
        ("DeadlineReminderDue", "Reminder of a deadline, Tue 14 Jul 22:30: working days left 2"),
    ]


async def test_a_message_refiled_takes_its_later_events_to_the_other_matter(firm: Firm) -> None:
    message, conversation, elsewhere = new_id(), new_id(), new_id()
    await firm.told(await firm.open_matter(firm.client_id, elsewhere))
    ids = {"conversation_id": conversation, "client_id": firm.client_id}
    await firm.told(await firm.received(message, "The boat", matter_id=firm.matter_id, **ids))
    await firm.told(
        MessageRefiled(
            message_id=message,
            matter_id=elsewhere,
            previous_matter_id=firm.matter_id,
            filed_by=new_id(),
            filed_at=FRIDAY,
            reason=await firm.seal(firm.client_id, "filing", "reason", "wrong file"),
            **ids,
        ),
        at=FRIDAY + timedelta(hours=1),
    )
    acknowledged = MessageAcknowledged(
        acknowledgment_id=new_id(),
        covers=(message,),
        automatic=False,
        channel="email",
        acknowledged_at=FRIDAY + timedelta(hours=2),
        **ids,
    )
    await firm.told(acknowledged)
    kinds = [one["kind"] for one in await firm.timeline()]
    assert kinds == ["MatterOpened", "ClientMessageReceived"]
    other = await firm.get(f"/v1/matters/{elsewhere}/timeline")
    assert sorted(one["kind"] for one in other["items"]) == [
        "ClientMessageReceived",
        "MatterOpened",
        "MessageAcknowledged",
        "MessageRefiled",
    ]


async def test_an_event_of_another_client_never_shows_even_if_it_names_the_message(
    firm: Firm,
) -> None:
    message = new_id()
    await firm.told(await firm.received(message, "Mine", matter_id=firm.matter_id))
    stranger = await firm.received(message, "Not yours", client_id=new_id())
    await firm.told(stranger)
    assert "Not yours" not in [one["summary"] for one in await firm.timeline()]


async def test_housekeeping_is_left_out(firm: Firm) -> None:
    accessed = RecordAccessed(
        caller_id=new_id(),
        role="partner",
        client_id=firm.client_id,
        purpose="message",
        count=3,
        first_at=FRIDAY,
        last_at=FRIDAY,
    )
    await firm.told(accessed)
    assert [one["kind"] for one in await firm.timeline()] == ["MatterOpened"]


async def destroy_key(firm: Firm, owner: UUID) -> None:
    keyring = firm.platform.postgres.url.rpartition("/")[0] + "/keyring"
    connection = await asyncpg.connect(keyring)
    try:
        await connection.execute(
            "UPDATE data_keys SET destroyed_at = now() WHERE owner = $1", owner
        )
    finally:
        await connection.close()
    firm.service.runtime.keys._held.clear()  # as after the sixty seconds that a key is held


async def test_a_destroyed_key_leaves_the_line_without_its_words(firm: Firm) -> None:
    gone = new_id()
    sealed = await firm.seal(gone, "message", "subject", "secret")
    received = await firm.received(new_id(), "x", matter_id=firm.matter_id)
    await firm.told(received.model_copy(update={"subject_text": sealed}))
    assert (await firm.timeline())[-1]["summary"] == "secret"
    await destroy_key(firm, gone)
    assert (await firm.timeline())[-1]["summary"].startswith("(no longer readable")


# Who may.


async def test_a_team_is_the_contact_the_stand_in_and_everybody_above_them(firm: Firm) -> None:
    chief = await firm.staff("chief@firm.test")
    senior = await firm.staff("senior@firm.test", supervisor_id=chief.staff_id)
    stand_in = await firm.staff("standin@firm.test")
    contact = await firm.staff("contact@firm.test", supervisor_id=senior.staff_id)
    later = await firm.staff("later@firm.test")
    outsider = await firm.staff("outsider@firm.test")
    assigned = {"client_id": firm.client_id, "matter_id": firm.matter_id}
    await firm.told(
        *(chief, senior, stand_in, contact, later, outsider),
        PointOfContactAssigned(
            assignment_id=new_id(),
            staff_id=contact.staff_id,
            stand_in_id=stand_in.staff_id,
            from_at=FRIDAY - timedelta(days=300),
            **assigned,
        ),
        PointOfContactAssigned(
            assignment_id=new_id(),
            staff_id=later.staff_id,
            from_at=datetime.now(UTC) + timedelta(days=1),
            **assigned,
        ),
    )
    path = f"/v1/matters/{firm.matter_id}/timeline"
    for name in ("contact", "standin", "senior", "chief"):
        assert await firm.status(path, "attorney", email=f"{name}@firm.test") == 200, name
    for name in ("outsider", "later", "nobody"):
        assert await firm.status(path, "attorney", email=f"{name}@firm.test") == 404, name
    by_client = f"/v1/record/entries?client_id={firm.client_id}"
    assert await firm.status(by_client, "attorney", email="contact@firm.test") == 404
    by_matter = f"/v1/record/entries?matter_id={firm.matter_id}"
    assert await firm.status(by_matter, "attorney", email="contact@firm.test") == 200


async def test_what_is_not_in_the_table_is_denied(firm: Firm) -> None:
    paths = (
        f"/v1/matters/{firm.matter_id}/timeline",
        "/v1/record/entries",
        "/v1/record/completeness",
        "/v1/record/proofs/consistency?from=1",
    )
    for role, statuses in (
        ("partner", (200, 200, 200, 200)),
        ("compliance", (200, 200, 200, 200)),
        ("operations", (403, 403, 200, 200)),
        ("attorney", (404, 404, 403, 200)),
        ("billing", (403, 403, 403, 403)),
        ("integration", (403, 403, 403, 403)),
    ):
        assert [await firm.status(path, role) for path in paths] == [*statuses], role


async def test_a_client_reads_the_own_matter_without_the_firms_notes(firm: Firm) -> None:
    ids = {
        "conversation_id": new_id(),
        "client_id": firm.client_id,
        "matter_id": firm.matter_id,
        "staff_id": new_id(),
    }
    note = NoteWritten(
        message_id=new_id(),
        written_at=FRIDAY,
        body=await firm.seal(firm.client_id, "note", "body", "a difficult client"),
        **ids,
    )
    call = CallLogged(
        message_id=new_id(),
        channel="phone",
        direction="outbound",
        two_way=True,
        held_at=FRIDAY + timedelta(hours=1),
        entered_at=FRIDAY + timedelta(days=1),
        note=await firm.seal(firm.client_id, "call", "note", "was rude"),
        **ids,
    )
    await firm.told(note, call)
    assert {one["kind"] for one in await firm.timeline()} >= {"NoteWritten", "CallLogged"}
    own = await firm.timeline("client", client_id=str(firm.client_id))
    assert [one["summary"] for one in own] == [
        "Matter 2026-0001 opened: Estate of Vale",
        "Phone call",
    ]
    path = f"/v1/matters/{firm.matter_id}/timeline"
    assert await firm.status(path, "client", client_id=str(new_id())) == 404
    assert (
        await firm.status(f"/v1/matters/{new_id()}/timeline", "client", client_id=str(new_id()))
        == 404
    )
    assert await firm.status("/v1/record/entries", "client", client_id=str(firm.client_id)) == 403


async def test_reading_a_client_is_itself_counted_once_for_each_window(firm: Firm) -> None:
    for _ in range(3):
        await firm.timeline("partner", email="partner@firm.test")
    await firm.get(f"/v1/record/entries?client_id={firm.client_id}", email="partner@firm.test")
    found = await firm.record.rows(
        "SELECT purpose, count FROM accesses WHERE client_id = :id ORDER BY purpose",
        id=firm.client_id,
    )
    assert [(row.purpose, row.count) for row in found] == [("entries", 1), ("timeline", 3)]


async def test_fetching_the_log_is_not_a_read_of_anybody(firm: Firm) -> None:
    await firm.service.http.get("/v1/record/log/checkpoint", headers={"host": "127.0.0.1"})
    assert await firm.record.rows("SELECT * FROM accesses WHERE NOT denied") == []
