"""A mail that came in is kept once, by whom it is, or refused; 250 is never said too early."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from messaging.directory import queries as directory
from messaging.directory.models import Client, Matter
from messaging.email.reply_addresses import ReplyKind
from messaging.outbound.actions import record_accepted
from shared import clock
from shared.contracts import FIRM_ID
from shared.contracts.matters import ClientRegistered, JointClientJoined, MatterOpened
from shared.ids import new_id
from shared.keyring import seal
from support.correspondence import hear, rows_of, told
from support.letterbox import CLARA, OFFICE, Door, another_client, forget, letter, open_door
from support.machinery import execute_as_admin
from support.platform import Platform
from support.waiting import eventually

TRACE = b"Received: from %d by mx;\r\n Tue, 14 Jul 2026 10:00:00 -0400\r\n"


@pytest.fixture(scope="module")
async def opened(platform: Platform) -> AsyncIterator[Door]:
    async with open_door(platform) as door:
        yield door


@pytest.fixture
async def door(opened: Door) -> Door:
    await forget(opened)
    return opened


def id_of(reply: str) -> UUID:
    kept = re.fullmatch(r"250 2\.0\.0 Kept as ([0-9a-f-]{36})", reply)
    assert kept, reply
    return UUID(kept[1])


async def test_a_clients_mail_is_kept_sealed_and_told(door: Door) -> None:
    raw = letter(files=[("lease.pdf", b"%PDF-\x00\xff")])
    message_id = id_of(await door.send(raw))
    shown = (await door.get(f"/v1/messages/{message_id}")).json()
    assert shown["client_id"] == str(door.people.clara)
    assert shown["matter_id"] == str(door.people.matter)
    assert (shown["from"], shown["envelope_from"]) == (CLARA, CLARA)
    assert (shown["direction"], shown["channel"], shown["state"]) == (
        "inbound",
        "email",
        "received",
    )
    assert (shown["subject"], shown["body"].strip()) == ("My hearing", "When is my hearing?")
    assert shown["with_whom"]["name"] == "Ana Ruiz"
    assert shown["trace_id"]
    original = await door.get(f"/v1/messages/{message_id}/original")
    assert original.headers["content-type"] == "message/rfc822"
    assert original.content == raw
    (attached,) = shown["attachments"]
    assert (attached["name"], attached["size"]) == ("lease.pdf", 7)
    file = await door.get(f"/v1/messages/{message_id}/attachments/{attached['id']}")
    assert file.content == b"%PDF-\x00\xff"
    (event,) = await told(door.runtime, "ClientMessageReceived")
    assert event["message_id"] == str(message_id)
    assert event["original"]["size"] == len(raw)
    assert event["attachments"][0]["attachment_id"] == attached["id"]


async def test_nothing_that_was_said_lies_in_the_clear(door: Door) -> None:
    await door.send(
        letter("a secret word", subject="a secret subject", files=[("secret.pdf", b"s")])
    )
    for table in ("messages", "conversations", "attachments", "originals", "outbox"):
        for row in await rows_of(door.runtime, f"SELECT {table}::text, {table}.* FROM {table}"):
            assert "secret" not in row[0]
            assert not any(isinstance(one, bytes) and b"secret" in one for one in row)


async def test_the_same_mail_again_is_one_message_with_two_arrivals(door: Door) -> None:
    first = id_of(await door.send(TRACE % 1 + letter()))
    second = id_of(await door.send(TRACE % 2 + letter()))
    assert first == second
    assert len(await told(door.runtime, "ClientMessageReceived")) == 1
    assert len(await rows_of(door.runtime, "SELECT 1 FROM arrivals")) == 2


@pytest.mark.parametrize("sender", [CLARA, "stranger@elsewhere.test"])
async def test_copies_that_come_at_the_same_time_are_one_message(door: Door, sender: str) -> None:
    raw = letter(sender=sender)
    replies = await asyncio.gather(*(door.send(TRACE % n + raw) for n in range(6)))
    assert len({id_of(reply) for reply in replies}) == 1
    assert len(await rows_of(door.runtime, "SELECT 1 FROM messages")) == 1
    assert len(await rows_of(door.runtime, "SELECT 1 FROM arrivals")) == 6


async def test_the_same_id_with_other_words_is_two_messages_and_flagged(door: Door) -> None:
    first = id_of(await door.send(letter("one")))
    second = id_of(await door.send(letter("two")))
    assert first != second
    shown = (await door.get(f"/v1/messages/{second}")).json()
    assert shown["duplicate_of"] == str(first)
    assert (await told(door.runtime, "ClientMessageReceived"))[1]["duplicate_id_of"] == str(first)


async def test_a_mail_without_a_message_id_is_kept_once_within_one_retry(
    door: Door, moved_clock: Path
) -> None:
    raw = letter(number=None)
    first = id_of(await door.send(raw))
    moved_clock.write_text(str(3.9 * 3600))
    assert id_of(await door.send(raw)) == first
    moved_clock.write_text(str(4.1 * 3600))
    assert id_of(await door.send(raw)) != first


async def test_a_failed_commit_is_never_a_250(door: Door) -> None:
    settings = door.runtime.settings
    await execute_as_admin(
        door.platform,
        settings,
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the commit fails'; END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON arrivals DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse();
        """,
    )
    assert (await door.send(letter())).startswith("451 4.3.0 Not kept")
    assert await rows_of(door.runtime, "SELECT 1 FROM messages") == []
    await execute_as_admin(door.platform, settings, "DROP TRIGGER refuse ON arrivals")
    id_of(await door.send(letter()))


async def test_a_keyring_that_is_away_is_a_451(door: Door) -> None:
    await door.runtime.keys.close()
    assert (await door.send(letter(sender="new@elsewhere.test"))).startswith("451")
    await door.runtime.keys.open()
    id_of(await door.send(letter(sender="new@elsewhere.test")))


async def test_a_stranger_who_quotes_a_matter_and_a_message_joins_nothing(door: Door) -> None:
    known = id_of(await door.send(letter()))
    raw = letter(
        sender=f'"{CLARA}" <eve@elsewhere.test>',
        number=2,
        subject="Re: My hearing 2026-0042",
        In_Reply_To="<1@clients.test>",
        References="<1@clients.test>",
    )
    message_id = id_of(await door.send(raw))
    shown = (await door.get(f"/v1/messages/{message_id}")).json()
    assert (shown["state"], shown["quarantine_reason"]) == ("quarantined", "unknown-sender")
    assert (shown["client_id"], shown["matter_id"]) == (None, None)
    assert (
        shown["conversation_id"]
        != (await door.get(f"/v1/messages/{known}")).json()["conversation_id"]
    )
    (event,) = await told(door.runtime, "MessageQuarantined")
    assert event["body"]["owner"] == event["conversation_id"] == shown["conversation_id"]
    assert len(await told(door.runtime, "ClientMessageReceived")) == 1
    assert await rows_of(door.runtime, "SELECT 1 FROM outbound_messages") == []


async def test_an_address_of_two_clients_waits_for_a_person(door: Door) -> None:
    await another_client(door.runtime, CLARA)
    message_id = id_of(await door.send(letter()))
    assert (await door.get(f"/v1/messages/{message_id}")).json()[
        "quarantine_reason"
    ] == "ambiguous-sender"


async def test_a_mail_without_from_waits_for_a_person(door: Door) -> None:
    message_id = id_of(await door.send(b"Subject: x\r\n\r\nwho am I?"))
    shown = (await door.get(f"/v1/messages/{message_id}")).json()
    assert shown["state"] == "quarantined"
    assert "no-from" in shown["defects"]


async def test_a_reply_joins_its_conversation_and_another_client_does_not(door: Door) -> None:
    await another_client(door.runtime, "other@clients.test")
    first = id_of(await door.send(letter()))
    own = id_of(await door.send(letter("more", number=2, In_Reply_To="<1@clients.test>")))
    other = letter("mine", sender="other@clients.test", number=3, In_Reply_To="<1@clients.test>")
    foreign = id_of(await door.send(other))
    places = [
        (await door.get(f"/v1/messages/{one}")).json()["conversation_id"]
        for one in (first, own, foreign)
    ]
    assert places[0] == places[1] != places[2]


async def test_a_matter_heard_of_after_the_mail_but_opened_before_it_takes_it_in(
    door: Door,
) -> None:
    """The other order of two topics: nothing that was said may miss its matter for good."""
    late, opened_at = await another_client(door.runtime, "late@clients.test"), clock.now()
    kept = id_of(await door.send(letter(sender="late@clients.test", number=7)))
    async with door.runtime.db.transaction() as session:
        title = seal(session, late, late, "matter", "title", "Heard late")
        reason = seal(session, late, late, "matter", "reason", "Engaged")
    opened = MatterOpened(
        matter_id=new_id(),
        client_id=late,
        number="2026-0099",
        title=title,
        practice_area="family",
        reason=reason,
        opened_at=opened_at,
    )
    await hear(door.runtime, opened)
    await hear(door.runtime, opened)
    assert (await door.get(f"/v1/messages/{kept}")).json()["matter_id"] == str(opened.matter_id)
    (refiled,) = await told(door.runtime, "MessageRefiled")
    assert (refiled["message_id"], refiled["filed_by"]) == (str(kept), None)


async def joining(door: Door, client_id: UUID, at: datetime) -> JointClientJoined:
    """Of Clara's matter."""
    await door.runtime.keys.hold(door.people.clara)
    async with door.runtime.db.transaction() as session:
        reason = seal(session, door.people.clara, client_id, "matter", "reason", "Both asked.")
    return JointClientJoined(
        membership_id=new_id(),
        matter_id=door.people.matter,
        client_id=door.people.clara,
        joint_client_id=client_id,
        reason=reason,
        joined_at=at,
    )


async def test_what_a_joint_client_wrote_before_their_joining_was_heard_of_joins_the_matter(
    door: Door,
) -> None:
    marc = await another_client(door.runtime, "marc@clients.test")
    before = id_of(await door.send(letter(sender="marc@clients.test", number=13)))
    joined_at = clock.now()
    kept = id_of(await door.send(letter("Once more.", sender="marc@clients.test", number=14)))
    event = await joining(door, marc, joined_at)
    await hear(door.runtime, event)
    await hear(door.runtime, event)
    (refiled,) = await eventually(lambda: told(door.runtime, "MessageRefiled"))
    assert (refiled["message_id"], refiled["client_id"]) == (str(kept), str(marc))
    assert refiled["matter_id"] == str(door.people.matter)
    assert await rows_of(door.runtime, "SELECT message_id FROM filings_due") == []
    assert (await door.get(f"/v1/messages/{before}")).json()["matter_id"] is None
    after = id_of(await door.send(letter("In time.", sender="marc@clients.test", number=15)))
    assert (await door.get(f"/v1/messages/{after}")).json()["matter_id"] == refiled["matter_id"]


async def test_of_a_joint_client_with_another_matter_a_person_says_which(door: Door) -> None:
    marc, joined_at = await another_client(door.runtime, "marc@clients.test"), clock.now()
    kept = id_of(await door.send(letter(sender="marc@clients.test", number=16)))
    async with door.runtime.db.transaction() as session:
        facts = {"number": "2026-0098", "title": "His own", "opened_at": joined_at}
        session.add(Matter(matter_id=new_id(), client_id=marc, **facts))
    await hear(door.runtime, await joining(door, marc, joined_at))
    assert await rows_of(door.runtime, "SELECT 1 FROM filings_due") == []
    assert (await door.get(f"/v1/messages/{kept}")).json()["matter_id"] is None


async def registered(door: Door, address: str, at: datetime) -> ClientRegistered:
    client_id = new_id()
    await door.runtime.keys.hold(client_id, create=True)
    async with door.runtime.db.transaction() as session:
        name = seal(session, client_id, client_id, "client", "name", "Lea Late")
        email = seal(session, client_id, client_id, "client", "email", address)
    return ClientRegistered(
        client_id=client_id, name=name, email=email, time_zone="UTC", registered_at=at
    )


async def test_what_came_before_its_client_was_heard_of_is_filed_as_if_in_time(
    door: Door,
) -> None:
    address, registered_at = "lea@clients.test", clock.now()
    kept = id_of(await door.send(letter(sender=address, number=8)))
    assert (await door.get(f"/v1/messages/{kept}")).json()["state"] == "quarantined"
    event = await registered(door, address, registered_at)
    await hear(door.runtime, event)
    await hear(door.runtime, event)
    await eventually(lambda: told(door.runtime, "MessageFiled"))
    (received,) = await told(door.runtime, "ClientMessageReceived")
    (filed,) = await told(door.runtime, "MessageFiled")
    assert received["client_id"] == str(event.client_id)
    assert received["received_at"] < filed["filed_at"], "the first receipt counts"
    assert (filed["message_id"], filed["filed_by"]) == (str(kept), str(FIRM_ID))
    shown = (await door.get(f"/v1/messages/{kept}")).json()
    assert (shown["state"], shown["body"].strip()) == ("received", "When is my hearing?")


async def test_one_that_cannot_be_filed_stands_in_no_others_way(door: Door) -> None:
    at = clock.now()
    lost = id_of(await door.send(letter(sender="lea@clients.test", number=11)))
    kept = id_of(await door.send(letter(sender="leo@clients.test", number=12)))
    destroyed = {"owner": new_id(), "lost": lost}  # a key that nobody has
    async with door.runtime.db.transaction() as session:
        change = "UPDATE messages SET owner = :owner WHERE message_id = :lost"
        await session.execute(text(change), destroyed)
    for address in ("lea@clients.test", "leo@clients.test"):
        await hear(door.runtime, await registered(door, address, at))
    (filed,) = await eventually(lambda: told(door.runtime, "MessageFiled"))
    assert filed["message_id"] == str(kept)
    assert await rows_of(door.runtime, "SELECT message_id FROM filings_due") == [(lost,)]


@pytest.mark.parametrize("why", ["it came before", "two share the address"])
async def test_what_may_be_somebody_elses_waits_for_a_person(door: Door, why: str) -> None:
    address, before = "lea@clients.test", clock.now()
    kept = id_of(await door.send(letter(sender=address, number=9)))
    at = clock.now() if why == "it came before" else before
    if why == "two share the address":
        await another_client(door.runtime, address)
    await hear(door.runtime, await registered(door, address, at))
    assert await rows_of(door.runtime, "SELECT 1 FROM filings_due") == []
    assert (await door.get(f"/v1/messages/{kept}")).json()["state"] == "quarantined"


async def test_a_mail_that_meets_its_sender_becoming_a_client_is_the_clients(door: Door) -> None:
    """Of mail and registration at once, whoever is second sees what the first did."""
    address, client_id = "lea@clients.test", new_id()
    await door.runtime.keys.hold(client_id, create=True)
    async with door.runtime.db.transaction() as session:
        await directory.lock_address(session, address)
        sending = asyncio.create_task(door.send(letter(sender=address, number=10)))
        await eventually(lambda: rows_of(door.runtime, WAITS))
        session.add(Client(client_id=client_id, name="Lea", email=address, time_zone="UTC"))
    kept = id_of(await sending)
    assert (await door.get(f"/v1/messages/{kept}")).json()["client_id"] == str(client_id)


WAITS = """
    SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


async def test_with_several_matters_it_is_the_clients_without_one(door: Door) -> None:
    async with door.runtime.db.transaction() as session:
        session.add(
            Matter(
                matter_id=new_id(),
                client_id=door.people.clara,
                number="2026-0043",
                title="Second",
                opened_at=clock.now(),
            )
        )
    plain = id_of(await door.send(letter()))
    named = id_of(await door.send(letter(number=2, subject="About 2026-0042.")))
    assert (await door.get(f"/v1/messages/{plain}")).json()["matter_id"] is None
    assert (await door.get(f"/v1/messages/{named}")).json()["matter_id"] == str(door.people.matter)
    assert len(await told(door.runtime, "ClientMessageReceived")) == 2


@pytest.mark.parametrize(
    ("words", "headers", "urgent"),
    [
        ("hello", {}, False),
        ("hello", {"Importance": "high"}, True),
        ("He was ARRESTED this morning", {}, True),
        ("Fine.\r\n\r\nOn 1 Jul 2026, Firm wrote:\r\n> is it urgent?\r\n", {}, False),
    ],
)
async def test_urgent_is_what_the_sender_or_the_policy_says(
    door: Door, words: str, headers: dict[str, str], urgent: bool
) -> None:
    await door.send(letter(words, **headers))
    (event,) = await told(door.runtime, "ClientMessageReceived")
    assert event["urgent"] is urgent


async def test_automatic_mail_of_a_client_is_kept_and_marked(door: Door) -> None:
    message_id = id_of(await door.send(letter("I am away", Auto_Submitted="auto-replied")))
    (event,) = await told(door.runtime, "ClientMessageReceived")
    assert event["automatic"] is True
    assert (await door.get(f"/v1/messages/{message_id}")).json()["automatic"] is True
    assert await door.messages("?state=unanswered") == []


async def test_another_envelope_sender_or_reply_to_is_noted(door: Door) -> None:
    await door.send(letter(Reply_To="elsewhere@x.test"))
    (event,) = await told(door.runtime, "ClientMessageReceived")
    assert event["sender_differs"] is True


async def test_only_the_firms_addresses_and_genuine_reply_addresses_are_taken(door: Door) -> None:
    genuine = door.ways(new_id(), door.people.ana)
    forged = genuine[:10] + ("a" if genuine[10] != "a" else "b") + genuine[11:]
    for address in (forged, "ana@firm.test", "office@elsewhere.test"):
        assert (await door.send(letter(), to=address)).startswith("550 5.7.1")
    assert (await door.send(letter(), to=["OFFICE@firm.test", genuine])).startswith("250")


async def staff_answer(door: Door, message_id: UUID, **options: Any) -> str:
    words = "Monday at nine.\r\n\r\nOn 1 Jul 2026, Harbour wrote:\r\n> Clara waits\r\n"
    given: dict[str, Any] = {
        "sender": "Ana Ruiz <ana@firm.test>",
        "to": door.ways(message_id, door.people.ana),
        "signed_in_as": "ana@firm.test",
        "raw": {},
    } | options
    raw = letter(words, sender=given["sender"], **{"number": 77} | given["raw"])
    return await door.send(
        raw, sender="ana@firm.test", to=given["to"], signed_in_as=given["signed_in_as"]
    )


async def test_an_authenticated_answer_from_a_mailbox_goes_to_the_client(door: Door) -> None:
    message_id = id_of(await door.send(letter()))
    answer_id = id_of(await staff_answer(door, message_id))
    assert id_of(await staff_answer(door, message_id)) == answer_id
    shown = (await door.get(f"/v1/messages/{answer_id}")).json()
    assert (shown["direction"], shown["kind"], shown["state"]) == ("outbound", "answer", "queued")
    assert shown["body"].strip() == "Monday at nine."
    async with door.runtime.db.transaction() as session:
        await record_accepted(session, answer_id, "250 OK")
    (sent,) = await told(door.runtime, "MessageSent")
    assert (sent["kind"], sent["answers"]) == ("answer", [str(message_id)])
    client = (await door.get(f"/v1/messages/{message_id}", "client")).json()
    assert client["state"] == "answered"
    assert client["answered_at"]


@pytest.mark.parametrize("kind", [ReplyKind.QUESTION, ReplyKind.ACKNOWLEDGE])
async def test_the_address_says_what_the_answer_is(door: Door, kind: ReplyKind) -> None:
    message_id = id_of(await door.send(letter()))
    to = door.ways(message_id, door.people.ana, kind)
    answer_id = id_of(await staff_answer(door, message_id, to=to))
    shown = (await door.get(f"/v1/messages/{answer_id}")).json()
    assert shown["kind"] == {2: "question", 3: "acknowledgment"}[kind]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"signed_in_as": None}, "staff-not-authenticated"),
        ({"to": OFFICE}, "reply-not-authenticated"),
        ({"sender": "eve@elsewhere.test", "signed_in_as": None}, "unknown-sender"),
    ],
)
async def test_what_is_not_proven_to_be_staffs_changes_nothing(
    door: Door, options: dict[str, Any], reason: str
) -> None:
    message_id = id_of(await door.send(letter()))
    waiting = id_of(await staff_answer(door, message_id, **options))
    shown = (await door.get(f"/v1/messages/{waiting}")).json()
    assert (shown["state"], shown["quarantine_reason"]) == ("quarantined", reason)
    assert await rows_of(door.runtime, "SELECT 1 FROM outbound_messages") == []
    assert (await door.get(f"/v1/messages/{message_id}")).json()["state"] == "received"


async def test_a_reply_address_serves_only_the_person_it_was_signed_for(door: Door) -> None:
    message_id = id_of(await door.send(letter()))
    roberts = door.ways(message_id, door.people.robert)
    waiting = id_of(await staff_answer(door, message_id, to=roberts))
    shown = (await door.get(f"/v1/messages/{waiting}")).json()
    assert shown["quarantine_reason"] == "reply-not-authenticated"


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        ({"sender": "Robert Vale <robert@firm.test>"}, "553 5.7.1 From is not the person"),
        ({"raw": {"files": [("a.pdf", b"x")]}}, "554 5.6.1 Attachments cannot be sent"),
        ({"raw": {"Auto_Submitted": "auto-replied"}}, "554 5.7.1 An automatic mail"),
    ],
)
async def test_staff_mail_that_cannot_be_passed_on_is_refused_with_the_reason(
    door: Door, options: dict[str, Any], reply: str
) -> None:
    message_id = id_of(await door.send(letter()))
    assert (await staff_answer(door, message_id, **options)).startswith(reply)
    assert len(await rows_of(door.runtime, "SELECT 1 FROM messages")) == 1


async def test_a_wrong_password_is_nobodys(door: Door) -> None:
    with pytest.raises(Exception, match="535"):
        await door.send(letter(), signed_in_as="nobody@firm.test")


DSN = """From: MAILER-DAEMON@mx.clients.test\r
To: {to}\r
Subject: Undelivered\r
Message-ID: <dsn@mx.clients.test>\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
\r
It could not be delivered.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.clients.test\r
\r
Final-Recipient: rfc822; clara@clients.test\r
Action: {action}\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 no such user\r
--b--\r
"""


async def test_a_bounce_of_our_answer_is_told_and_not_shown_to_the_client(door: Door) -> None:
    message_id = id_of(await door.send(letter()))
    answer_id = id_of(await staff_answer(door, message_id))
    to = door.bounces(answer_id)
    report = DSN.format(to=to, action="failed").encode()
    assert (await door.send(report, sender="<>", to=to)).startswith("451")  # not known to have left
    async with door.runtime.db.transaction() as session:
        await record_accepted(session, answer_id, "250 OK")
    kept = id_of(await door.send(report, sender="<>", to=to))
    (event,) = await told(door.runtime, "MessageBounced")
    assert (event["message_id"], event["status"]) == (
        str(answer_id),
        "5.1.1 smtp; 550 no such user",
    )
    (failure,) = await rows_of(
        door.runtime,
        "SELECT recipient FROM outbound_messages WHERE purpose LIKE 'failure/%'",
    )
    assert failure.recipient == "ana@firm.test"  # who wrote the answer
    assert (await door.get(f"/v1/messages/{kept}/original")).content == report
    assert (await door.get(f"/v1/messages/{kept}", "client")).status_code == 404
    assert (await door.get(f"/v1/messages/{answer_id}")).json()["state"] == "bounced"
    assert (await door.get(f"/v1/messages/{message_id}")).json()["state"] == "received"


async def test_a_delay_report_is_no_bounce(door: Door) -> None:
    message_id = id_of(await door.send(letter()))
    answer_id = id_of(await staff_answer(door, message_id))
    to = door.bounces(answer_id)
    report = DSN.format(to=to, action="delayed").encode()
    assert (await door.send(report, sender="<>", to=to)).startswith("250")
    assert await told(door.runtime, "MessageBounced") == []


FROM = b"From: clara@clients.test\r\n"
PICTURE = b'--b\r\nContent-Type: image/png; name="%s"\r\n\r\nx\r\n' % ("ü" * 180).encode()
BAD = {
    "malformed mime": FROM + b"Content-Type: multipart/mixed; boundary=\r\n\r\n--",
    "undecodable": letter() + b"\xff\xfe\x80",
    "no headers at all": b"just words",
    "empty": b"",
    "nul": b"From: clara@clients.test\x00\r\nSubject: \x00\r\nX: \x00\r\n\r\n\x00" + b"a\x00b",
    "unknown charset": FROM + b"Content-Type: text/plain; charset=klingon\r\n\r\nx",
    "wrong date": FROM + b"Date: 99 Foo\r\nMessage-ID: none\r\n\r\nx",
    "header injection": b"From: =?utf-8?q?a=0D=0ABcc=3A_x?= <clara@clients.test>\r\n"
    b"Subject: =?utf-8?b?AA0K?=\r\n\r\nx",
    "surrogates": FROM + b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-",
    "html": FROM + b"Content-Type: text/html\r\n\r\n<script>x</script><img src=//t>",
    "long message id": FROM + b"Message-ID: <" + b"x" * 5000 + b">\r\n\r\nx",
    "bare line breaks": b"From: clara@clients.test\nSubject: x\n\nbare\nand\rmixed\r\n",
    "many attachments": FROM + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + PICTURE * 400,
    "30 MiB": letter(files=[("big.pdf", bytes(range(256)) * 122_880)]),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_kept_whole(door: Door, name: str) -> None:
    message_id = id_of(await door.send(BAD[name]))
    assert (await door.get(f"/v1/messages/{message_id}")).status_code == 200
    kept = (await door.get(f"/v1/messages/{message_id}/original")).content
    assert kept in (BAD[name], BAD[name] + b"\r\n")  # SMTP ends each mail with a line break
    assert id_of(await door.send(BAD[name])) == message_id


async def test_a_long_body_travels_as_a_reference_and_is_shown(door: Door) -> None:
    message_id = id_of(await door.send(letter("Grüße " * 30_000)))
    (event,) = await told(door.runtime, "ClientMessageReceived")
    assert event["body"] is None
    assert event["original"]["content_id"] == str(message_id)
    assert len((await door.get(f"/v1/messages/{message_id}")).json()["body"]) > 170_000


async def test_what_is_too_large_is_refused_whole(platform: Platform) -> None:
    async with open_door(platform, messaging_mail_size=10_000) as door:
        reply = await door.send(letter("x" * 20_000))
        assert reply.startswith("552 5.3.4 The mail is larger than 10000 octets")


RECEIVED = "SELECT traceparent FROM outbox WHERE type LIKE '%ClientMessageReceived%'"


async def test_the_traces_of_what_was_told_begin_at_the_door(door: Door) -> None:
    message_id = id_of(await door.send(letter()))
    shown = (await door.get(f"/v1/messages/{message_id}")).json()
    async with door.runtime.db.transaction() as session:
        (parent,) = (await session.execute(text(RECEIVED))).scalars()
    assert shown["trace_id"] in parent
