"""HTTP: what clients and staff write and read, and who may."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from messaging.conversations.models import Message
from messaging.directory.models import PointOfContact, Staff
from messaging.outbound.actions import data_of, record_accepted
from messaging.outbound.models import OutboundMessage
from shared import clock, sealing
from shared.contracts import Sealed
from shared.contracts.intake import CodeIssued
from shared.ids import new_id
from shared.sealing import commitment
from support.correspondence import acknowledgment_due, client_writes, hear, rows_of, told
from support.letterbox import Door, another_client, forget, letter, open_door
from support.platform import Platform


@pytest.fixture(scope="module")
async def opened(platform: Platform) -> AsyncIterator[Door]:
    async with open_door(platform) as door:
        yield door


@pytest.fixture
async def door(opened: Door) -> Door:
    await forget(opened)
    return opened


async def written(door: Door, body: str = "When is my hearing?", **more: Any) -> dict[str, Any]:
    """A portal message of Clara's that begins a conversation."""
    answered = await door.post("/v1/conversations", {"body": body, **more}, "client")
    assert answered.status_code == 201, answered.text
    found: dict[str, Any] = answered.json()
    return found


async def answered(door: Door, conversation_id: str, **more: Any) -> dict[str, Any]:
    path = f"/v1/conversations/{conversation_id}/messages"
    reply = await door.post(path, {"body": "Monday at nine.", **more}, "attorney")
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_a_portal_message_takes_the_same_path_as_a_mail(door: Door) -> None:
    accepted = await written(door, subject="Hearing", urgent=True)
    (event,) = await told(door.runtime, "ClientMessageReceived")
    assert event["message_id"] == accepted["id"]
    assert (event["channel"], event["urgent"], event["original"]) == ("portal", True, None)
    assert event["matter_id"] == str(door.people.matter)
    shown = (await door.get(f"/v1/messages/{accepted['id']}", "client")).json()
    assert (shown["body"], shown["from"]) == ("When is my hearing?", "clara@clients.test")
    assert (await door.get(f"/v1/messages/{accepted['id']}/original", "client")).status_code == 404


async def test_the_longest_portal_message_is_told_whole(door: Door) -> None:
    await written(door, "ü" * 30_000)
    (event,) = await told(door.runtime, "ClientMessageReceived")
    assert event["body"] is not None


async def test_an_answer_is_seen_in_the_portal_and_mailed(door: Door) -> None:
    asked = await written(door)
    answer = await answered(door, asked["conversation_id"])
    seen = (await door.get(f"/v1/messages/{answer['id']}", "client")).json()
    assert (seen["direction"], seen["body"]) == ("outbound", "Monday at nine.")
    async with door.runtime.db.transaction() as session:
        await record_accepted(session, UUID(answer["id"]), "250")
    question = (await door.get(f"/v1/messages/{asked['id']}", "client")).json()
    assert question["state"] == "answered"
    assert await door.messages("?state=unanswered") == []


async def test_a_question_and_an_acknowledgment_leave_it_unanswered(door: Door) -> None:
    asked = await written(door)
    for kind in ("question", "acknowledgment"):
        sent = await answered(door, asked["conversation_id"], kind=kind)
        async with door.runtime.db.transaction() as session:
            await record_accepted(session, UUID(sent["id"]), "250")
    shown = (await door.get(f"/v1/messages/{asked['id']}")).json()
    assert shown["state"] == "acknowledged"
    assert [one["id"] for one in await door.messages("?state=unanswered")] == [asked["id"]]


async def test_a_note_is_internal(door: Door) -> None:
    asked = await written(door)
    note = await answered(door, asked["conversation_id"], kind="note", body="He was rude.")
    (event,) = await told(door.runtime, "NoteWritten")
    assert event["message_id"] == note["id"]
    assert (await door.get(f"/v1/messages/{note['id']}", "client")).status_code == 404
    assert note["id"] not in {one["id"] for one in await door.messages("", "client")}
    assert (await door.get(f"/v1/messages/{note['id']}")).json()["body"] == "He was rude."
    assert (await door.get(f"/v1/messages/{asked['id']}")).json()["state"] == "received"
    assert await rows_of(door.runtime, "SELECT 1 FROM outbound_messages") == []


async def test_a_letter_answers_when_it_is_entered(door: Door) -> None:
    asked = await written(door)
    await answered(door, asked["conversation_id"], channel="letter")
    (event,) = await told(door.runtime, "MessageSent")
    assert (event["channel"], event["answers"]) == ("letter", [asked["id"]])
    assert (await door.get(f"/v1/messages/{asked['id']}")).json()["state"] == "answered"


async def test_staff_begin_a_conversation_with_a_client(door: Door) -> None:
    body = {"client_id": str(door.people.clara), "body": "Please come.", "subject": "Hearing"}
    accepted = await door.post("/v1/conversations", body, "attorney")
    assert accepted.status_code == 201
    assert (await door.post("/v1/conversations", {"body": "x"}, "attorney")).status_code == 422
    (row,) = await rows_of(door.runtime, "SELECT recipient FROM outbound_messages")
    assert row[0] == "clara@clients.test"


async def call(door: Door, **more: Any) -> Any:
    body = {
        "client_id": str(door.people.clara),
        "held_at": clock.now().isoformat(),
        "note": "Spoke about Monday.",
        **more,
    }
    return await door.post("/v1/calls", body, "attorney")


async def test_a_call_with_both_speaking_answers_what_waited_longest(door: Door) -> None:
    first, second = await written(door, "one"), await written(door, "two")
    accepted = (await call(door)).json()
    assert accepted["conversation_id"] == first["conversation_id"]
    (event,) = await told(door.runtime, "CallLogged")
    assert (event["message_id"], event["two_way"]) == (accepted["id"], True)
    states = {
        one["id"]: one["state"] for one in await door.messages("") if one["kind"] == "message"
    }
    assert states == {first["id"]: "answered", second["id"]: "received"}


async def test_a_call_that_nobody_took_answers_nothing(door: Door) -> None:
    asked = await written(door)
    assert (await call(door, two_way=False)).status_code == 201
    assert (await door.get(f"/v1/messages/{asked['id']}")).json()["state"] == "received"


async def test_a_call_before_the_message_does_not_answer_it(door: Door) -> None:
    earlier = (clock.now() - timedelta(hours=1)).isoformat()
    asked = await written(door)
    await call(door, held_at=earlier)
    assert (await door.get(f"/v1/messages/{asked['id']}")).json()["state"] == "received"


@pytest.mark.parametrize(
    "more",
    [
        {"held_at": "2999-01-01T00:00:00Z"},
        {"held_at": "2026-01-01T00:00:00"},
        {"note": ""},
        {"channel": "email"},
        {"extra": 1},
    ],
)
async def test_a_call_that_cannot_be_is_refused(door: Door, more: dict[str, Any]) -> None:
    assert (await call(door, **more)).status_code == 422


async def quarantined(door: Door) -> str:
    reply = await door.send(letter(sender="new@elsewhere.test"), sender="new@elsewhere.test")
    return reply.rpartition(" ")[2]


async def test_filing_tells_the_message_with_its_first_receipt(door: Door) -> None:
    message_id = await quarantined(door)
    waiting = (await door.get(f"/v1/messages/{message_id}")).json()
    filing = {"matter_id": str(door.people.matter), "reason": "It is Clara's new address."}
    filed = await door.post(f"/v1/messages/{message_id}/file", filing)
    assert filed.status_code == 200
    assert (filed.json()["state"], filed.json()["client_id"]) == (
        "received",
        str(door.people.clara),
    )
    (received,) = await told(door.runtime, "ClientMessageReceived")
    (event,) = await told(door.runtime, "MessageFiled")
    assert received["received_at"] == waiting["received_at"]
    assert event["matter_id"] == received["matter_id"] == str(door.people.matter)
    assert event["filed_by"] == str(door.people.robert)
    seen = (await door.get(f"/v1/messages/{message_id}", "client")).json()
    assert seen["body"].strip() == "When is my hearing?"
    assert await door.messages("?state=quarantined") == []
    assert (await answered(door, seen["conversation_id"]))["id"]


async def test_of_two_who_file_at_once_one_does(door: Door) -> None:
    message_id = await quarantined(door)
    other = await another_client(door.runtime, "other@clients.test")
    path = f"/v1/messages/{message_id}/file"
    replies = await asyncio.gather(
        *(
            door.post(path, {"client_id": str(one), "reason": "hers"})
            for one in (door.people.clara, other)
        )
    )
    assert sorted(reply.status_code for reply in replies) == [200, 409]
    assert len(await told(door.runtime, "ClientMessageReceived")) == 1


async def test_refiling_moves_the_conversation_and_not_to_another_client(door: Door) -> None:
    asked = await written(door)
    other = await another_client(door.runtime, "other@clients.test")
    path = f"/v1/messages/{asked['id']}/file"
    moved = await door.post(path, {"client_id": str(door.people.clara), "reason": "no matter"})
    assert moved.json()["matter_id"] is None
    (event,) = await told(door.runtime, "MessageRefiled")
    assert event["previous_matter_id"] == str(door.people.matter)
    refused = await door.post(path, {"client_id": str(other), "reason": "hers"})
    assert (refused.status_code, refused.json()["code"]) == (409, "message-of-another-client")


async def test_strangers_mail_is_for_partners_to_file(door: Door) -> None:
    message_id = await quarantined(door)
    path = f"/v1/messages/{message_id}"
    for role in ("attorney", "client"):
        foreign, missing = (
            await door.get(path, role),
            await door.get(f"/v1/messages/{new_id()}", role),
        )
        assert (foreign.status_code, foreign.json()) == (404, missing.json())
    assert (await door.get(path, "compliance")).status_code == 200
    filing = {"client_id": str(door.people.clara), "reason": "hers"}
    for role in ("attorney", "compliance", "client"):
        assert (await door.post(f"{path}/file", filing, role)).status_code in (403, 404)
    assert await told(door.runtime, "MessageFiled") == []


ROLES = ("attorney", "paralegal", "billing", "operations", "integration", "client")


@pytest.mark.parametrize("role", ROLES)
async def test_foreign_and_missing_messages_are_one_answer(door: Door, role: str) -> None:
    asked = await written(door)
    stranger: dict[str, Any] = {"email": "nobody@firm.test"}
    if role == "client":
        stranger = {"client_id": str(new_id())}
    foreign = await door.get(f"/v1/messages/{asked['id']}", role, **stranger)
    missing = await door.get(f"/v1/messages/{new_id()}", role, **stranger)
    assert foreign.status_code == missing.status_code
    assert foreign.status_code in (403, 404)
    assert foreign.json() == missing.json()
    path = f"/v1/conversations/{asked['conversation_id']}/messages"
    reply = await door.post(path, {"body": "x"}, role, **stranger)
    assert reply.status_code in (403, 404)


async def test_a_client_who_is_not_heard_of_yet_is_asked_to_try_again(door: Door) -> None:
    """matters tells of them through Kafka: a moment later they are known."""
    new = str(new_id())
    early = await door.post("/v1/conversations", {"body": "x"}, "client", client_id=new)
    assert (early.status_code, early.headers["retry-after"]) == (503, "2")


async def test_a_team_reads_its_clients_and_nobody_elses(door: Door) -> None:
    asked = await written(door)
    other = await another_client(door.runtime, "other@clients.test")
    foreign = await door.post("/v1/conversations", {"body": "x"}, "client", client_id=str(other))
    assert (await door.get(f"/v1/messages/{asked['id']}", "attorney")).status_code == 200
    path = f"/v1/messages/{foreign.json()['id']}"
    assert (await door.get(path, "attorney")).status_code == 404
    assert [one["id"] for one in await door.messages("", "attorney")] == [asked["id"]]
    await on_the_team(door, other)
    assert (await door.get(path, "attorney")).status_code == 200


async def on_the_team(door: Door, client_id: UUID) -> None:
    async with door.runtime.db.transaction() as session:
        session.add(
            PointOfContact(
                assignment_id=new_id(),
                client_id=client_id,
                staff_id=door.people.ana,
                from_at=clock.now(),
            )
        )


async def test_who_has_left_the_firm_reads_nothing_as_team(door: Door) -> None:
    asked = await written(door)
    async with door.runtime.db.transaction() as session:
        (await session.get_one(Staff, door.people.ana)).active = False
    gone = await door.get(f"/v1/messages/{asked['id']}", "attorney")
    async with door.runtime.db.transaction() as session:
        (await session.get_one(Staff, door.people.ana)).active = True
    assert gone.status_code == 404


async def test_a_client_cannot_speak_for_another(door: Door) -> None:
    other = await another_client(door.runtime, "other@clients.test")
    body = {"body": "x", "client_id": str(other)}
    assert (await door.post("/v1/conversations", body, "client")).status_code == 404
    for more in ({"kind": "answer"}, {"channel": "email"}, {"client_id": str(door.people.clara)}):
        status = (await door.post("/v1/conversations", {"body": "x"} | more, "client")).status_code
        assert status == (201 if "client_id" in more else 422)
    for matter_id in (str(new_id()),):
        body = {"body": "x", "matter_id": matter_id}
        assert (await door.post("/v1/conversations", body, "client")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"body": ""},
        {"body": "  "},
        {"body": "a\x00b"},
        {"body": "ü" * 40_000},
        {"body": "x", "unknown": 1},
        {"body": "x", "kind": "shout"},
        {"body": "x", "subject": "x" * 1000},
    ],
)
async def test_words_that_cannot_be_kept_are_refused(door: Door, body: dict[str, Any]) -> None:
    refused = await door.post("/v1/conversations", body, "client")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")


async def test_without_a_token_nothing_is_said(door: Door) -> None:
    for path in ("/v1/messages", f"/v1/messages/{new_id()}"):
        assert (await door.service.http.get(path)).status_code == 401


async def test_lists_are_pages_newest_first_and_filtered(door: Door) -> None:
    ids = [(await written(door, f"{n}"))["id"] for n in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    while query:
        answer = (await door.get(f"/v1/messages{query}", "client")).json()
        seen += [one["id"] for one in answer["items"]]
        query = f"?limit=2&cursor={answer['next']}" if answer["next"] else ""
    assert seen == ids[::-1]
    assert len(await door.messages(f"?client_id={door.people.clara}")) == 5
    assert await door.messages(f"?client_id={new_id()}") == []
    assert len(await door.messages(f"?matter_id={door.people.matter}")) == 5
    assert (await door.get("/v1/messages?cursor=x")).status_code == 422
    assert (await door.get("/v1/messages?state=odd")).status_code == 422


async def test_each_read_is_counted_for_the_record(door: Door) -> None:
    asked = await written(door)
    for path in ("", "", "/original"):
        await door.get(f"/v1/messages/{asked['id']}{path}")
    await door.messages()
    rows = await rows_of(
        door.runtime, "SELECT purpose, count FROM accesses WHERE NOT denied ORDER BY purpose"
    )
    assert [(row.purpose, row.count) for row in rows] == [("list", 1), ("message", 2)]


async def test_the_same_request_twice_writes_once(door: Door) -> None:
    headers = door.bearer("client") | {"Idempotency-Key": str(new_id())}
    first, second = [
        await door.service.http.post("/v1/conversations", json={"body": "x"}, headers=headers)
        for _ in range(2)
    ]
    assert first.json() == second.json()
    assert len(await told(door.runtime, "ClientMessageReceived")) == 1


async def test_an_attachment_is_saved_not_shown(door: Door) -> None:
    reply = await door.send(letter(files=[("zwölf <1>.html", b"<script>")]))
    message_id = reply.rpartition(" ")[2]
    (file,) = (await door.get(f"/v1/messages/{message_id}")).json()["attachments"]
    path = f"/v1/messages/{message_id}/attachments"
    got = await door.get(f"{path}/{file['id']}", "client")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''zw%C3%B6lf")
    assert (await door.get(f"{path}/{new_id()}")).status_code == 404


async def test_what_was_altered_in_the_database_is_not_served(door: Door) -> None:
    reply = await door.send(letter())
    message_id = reply.rpartition(" ")[2]
    async with door.runtime.db.transaction() as session:
        row = await session.get_one(Message, UUID(message_id))
        assert row.original_commitment is not None
        row.original_commitment = row.original_commitment[::-1]
    assert (await door.get(f"/v1/messages/{message_id}/original")).status_code == 500


async def left(door: Door, outbound_id: str) -> bytes:
    """The mail server took this mail: the octets that it was given."""
    async with door.runtime.db.transaction() as session:
        await record_accepted(session, UUID(outbound_id), "250")
        row = await session.get_one(OutboundMessage, UUID(outbound_id))
    return data_of(door.runtime.keys.key(row.owner), row)


async def test_what_the_firm_sent_is_shown_as_it_left_and_its_entry_commits_to_it(
    door: Door,
) -> None:
    asked = await written(door)
    answer = await answered(door, asked["conversation_id"])
    path = f"/v1/messages/{answer['id']}/original"
    assert (await door.get(path)).status_code == 404, "it has not left yet"
    octets = await left(door, answer["id"])
    for role in ("partner", "attorney", "client"):
        shown = await door.get(path, role)
        assert (shown.status_code, shown.content) == (200, octets)
        assert shown.headers["content-type"] == "message/rfc822"
    assert b"Monday at nine." in octets
    (event,) = await told(door.runtime, "MessageSent")
    salt = b64decode(shown.headers["commitment-salt"])
    assert event["original"]["commitment"] == commitment(salt, octets)
    reads = "SELECT count FROM accesses WHERE purpose = 'original' AND NOT denied"
    assert sorted(count for (count,) in await rows_of(door.runtime, reads)) == [1, 1, 1]


async def test_a_mail_of_the_machine_has_an_original_too(door: Door) -> None:
    asked = await written(door)
    conversation = UUID(asked["conversation_id"])
    due = acknowledgment_due(
        door.people,
        await client_writes(door.runtime, door.people, conversation_id=conversation),
    )
    await hear(door.runtime, due)
    (sent,) = await rows_of(door.runtime, "SELECT * FROM outbound_messages WHERE to_client")
    octets = await left(door, str(sent.outbound_id))
    (event,) = await told(door.runtime, "MessageAcknowledged")
    assert event["original"]["content_id"] == str(sent.outbound_id)
    shown = await door.get(f"/v1/messages/{sent.outbound_id}/original")
    assert shown.content == octets
    stranger = await another_client(door.runtime, "otto@clients.test")
    foreign = await door.get(
        f"/v1/messages/{sent.outbound_id}/original", "client", client_id=str(stranger)
    )
    assert foreign.status_code == 404
    (notice,) = await rows_of(door.runtime, "SELECT * FROM outbound_messages WHERE NOT to_client")
    await left(door, str(notice.outbound_id))
    hidden = await door.get(f"/v1/messages/{notice.outbound_id}/original")
    assert hidden.status_code == 404, "a notice to staff is no message of the client"


async def test_a_mail_that_opens_something_is_shown_to_nobody(door: Door) -> None:
    """A partner who could read the client's code could sign in the client's name."""
    await door.runtime.keys.hold(door.people.clara)
    key, code_id = door.runtime.keys.key(door.people.clara), new_id()

    def sealed(field: str, words: bytes) -> Sealed:
        return sealing.seal(key, code_id, "code", field, words)

    code = CodeIssued(
        code_id=code_id,
        link_id=new_id(),
        client_id=door.people.clara,
        name=sealed("name", b"Clara Client"),
        email=sealed("email", b"clara@clients.test"),
        code=sealed("code", b"123456"),
        issued_at=clock.now(),
        expires_at=clock.now() + timedelta(minutes=10),
    )
    await hear(door.runtime, code)
    (sent,) = await rows_of(door.runtime, "SELECT * FROM outbound_messages")
    assert b"123456" in await left(door, str(sent.outbound_id))
    for role in ("partner", "compliance", "client"):
        answer = await door.get(f"/v1/messages/{sent.outbound_id}/original", role)
        assert answer.status_code == 404


async def corrected(door: Door, entry: str, role: str = "attorney", **more: Any) -> Any:
    words = {"body": "He was polite.", "reason": "The wrong client."} | more
    return await door.post(f"/v1/messages/{entry}/corrections", words, role)


async def test_an_entry_is_corrected_by_a_newer_one_and_both_stay(door: Door) -> None:
    asked = await written(door)
    note = await answered(door, asked["conversation_id"], kind="note", body="He was rude.")
    newer = (await corrected(door, note["id"])).json()
    old, new = [(await door.get(f"/v1/messages/{id_}")).json() for id_ in (note["id"], newer["id"])]
    assert (old["body"], old["corrected_by"]) == ("He was rude.", newer["id"])
    assert (new["body"], new["corrects"], new["kind"]) == ("He was polite.", note["id"], "note")
    (event,) = await told(door.runtime, "MessageCorrected")
    assert (event["message_id"], event["corrects"]) == (newer["id"], note["id"])
    assert (event["kind"], event["staff_id"]) == ("note", str(door.people.ana))
    assert (await door.get(f"/v1/messages/{newer['id']}", "client")).status_code == 404
    again = await corrected(door, note["id"])
    assert (again.status_code, again.json()["code"]) == (409, "already-corrected")
    assert again.json()["id"] == newer["id"]
    assert (await corrected(door, newer["id"])).status_code == 201, "a correction may be wrong too"


async def test_of_two_who_correct_an_entry_at_once_one_wins_and_the_other_hears_it(
    door: Door,
) -> None:
    asked = await written(door)
    note = await answered(door, asked["conversation_id"], kind="note", body="He was rude.")
    tries = await asyncio.gather(*(corrected(door, note["id"]) for _ in range(2)))
    assert sorted(one.status_code for one in tries) == [201, 409]
    assert len(await told(door.runtime, "MessageCorrected")) == 1


async def test_a_corrected_call_is_told_and_changes_no_clock(door: Door) -> None:
    asked = await written(door)
    held_at = clock.now() - timedelta(minutes=1)
    call = await door.post(
        "/v1/calls",
        {
            "client_id": str(door.people.clara),
            "conversation_id": asked["conversation_id"],
            "two_way": False,
            "held_at": held_at.isoformat(),
            "note": "No answer.",
        },
        "attorney",
    )
    newer = (await corrected(door, call.json()["id"])).json()
    shown = (await door.get(f"/v1/messages/{newer['id']}")).json()
    assert (shown["kind"], shown["channel"]) == ("call", "phone")
    assert len(await told(door.runtime, "CallLogged")) == 1
    assert (await door.get(f"/v1/messages/{asked['id']}")).json()["state"] == "received"


async def test_what_was_sent_or_received_is_not_corrected(door: Door) -> None:
    asked = await written(door)
    answer = await answered(door, asked["conversation_id"])
    for id_ in (asked["id"], answer["id"]):
        refused = await corrected(door, id_)
        assert (refused.status_code, refused.json()["code"]) == (409, "nothing-to-correct")
    assert (await corrected(door, asked["id"], "client")).status_code == 403
    assert (await corrected(door, str(new_id()))).status_code == 404
