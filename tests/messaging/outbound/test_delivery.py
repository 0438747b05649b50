"""A mail that was asked for leaves: once in effect, under one Message-ID, with the same octets,
whatever dies between the row and the other server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from messaging.email.composing import Heading, person_to_client
from messaging.email.rendering import Mail, Mailbox
from messaging.email.sender import Encryption, Handover, Outcome
from messaging.notices.failures import bounced
from messaging.outbound.actions import queue
from messaging.outbound.delivery import pause, server_of
from shared.contracts import FIRM_ID
from shared.contracts.messaging import MessageAcknowledged, MessageSent
from shared.ids import new_id
from shared.prepare import with_database
from shared.runtime import Runtime
from support.correspondence import (
    People,
    known_client,
    known_firm,
    nothing_leaves,
    rows_of,
    settings_for,
    told,
    way_out,
)
from support.mailboxes import Mailboxes, mail_server
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually

QUICK = {"messaging_send_lease": 6.0}


@asynccontextmanager
async def a_firm(
    platform: Platform, boxes: Mailboxes, **overrides: Any
) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port, **(QUICK | overrides))
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            yield service, people


def mail_of(outbound_id: UUID) -> Mail:
    return person_to_client(
        Heading(
            message_id=f"<{outbound_id}@firm.test>",
            date=datetime(2026, 7, 13, tzinfo=UTC),
            firm=Mailbox(name="Harbour & Vale LLP", address="office@firm.test"),
            to=Mailbox(name="Clara Client", address="clara@clients.test"),
        ),
        author="Ana Ruiz",
        subject="Hearing",
        text="Monday at nine.",
        envelope_from="bounce@firm.test",
    )


def answer(people: People, outbound_id: UUID, answers: tuple[UUID, ...] = ()) -> MessageSent:
    return MessageSent(
        message_id=outbound_id,
        conversation_id=people.conversation,
        client_id=people.clara,
        kind="answer",
        channel="email",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
        staff_id=people.ana,
        answers=answers,
    )


async def asked_for(
    runtime: Runtime, people: People, outbound_id: UUID, purpose: str | None = None
) -> bool:
    await runtime.keys.hold(FIRM_ID, people.clara)
    async with runtime.db.transaction() as session:
        return await queue(
            session,
            mail_of(outbound_id),
            outbound_id=outbound_id,
            purpose=purpose or f"answer/{outbound_id}",
            told_as=answer(people, outbound_id),
            automatic=False,
        )


async def state(runtime: Runtime, outbound_id: UUID) -> Any:
    (row,) = await rows_of(
        runtime, f"SELECT * FROM outbound_messages WHERE outbound_id = '{outbound_id}'"
    )
    return row


async def settled(runtime: Runtime, outbound_id: UUID, wanted: str) -> Any:
    return await eventually(
        lambda: state(runtime, outbound_id), lambda row: bool(row.state == wanted)
    )


async def test_a_mail_leaves_as_composed_and_is_told_when_it_is_accepted(
    platform: Platform,
) -> None:
    boxes, outbound_id = Mailboxes(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await asked_for(service.runtime, people, outbound_id)
        row = await settled(service.runtime, outbound_id, "accepted")
        (event,) = await told(service.runtime, "MessageSent")
    (envelope,) = boxes.kept
    assert envelope.content == mail_of(outbound_id).data
    assert envelope.mail_from == "bounce@firm.test"
    assert event["message_id"] == event["original"]["content_id"] == str(outbound_id)
    assert (event["original"]["size"], event["original"]["commitment"]) == (
        row.size,
        row.commitment,
    )
    assert datetime.fromisoformat(event["sent_at"]) == row.accepted_at


async def test_what_is_stored_of_a_mail_is_sealed(platform: Platform) -> None:
    people, outbound_id = People(), new_id()
    settings = await settings_for(platform, 1)
    async with running(nothing_leaves, settings) as service:
        await known_client(service.runtime, people)
        await asked_for(service.runtime, people, outbound_id)
        row = await state(service.runtime, outbound_id)
    assert b"Monday" not in b"".join(row.boxes)
    assert row.owner == people.clara


async def test_a_purpose_asked_for_twice_is_one_mail(platform: Platform) -> None:
    boxes, first, second = Mailboxes(), new_id(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        assert await asked_for(service.runtime, people, first, "answer/x")
        assert not await asked_for(service.runtime, people, second, "answer/x")
        await settled(service.runtime, first, "accepted")
        await asyncio.sleep(0.4)
        assert len(await told(service.runtime, "MessageSent")) == 1
    assert len(boxes.kept) == 1


async def test_a_rolled_back_purpose_sends_nothing(platform: Platform) -> None:
    boxes, outbound_id = Mailboxes(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await service.runtime.keys.hold(people.clara)
        with pytest.raises(RuntimeError, match="no commit"):
            async with service.runtime.db.transaction() as session:
                await queue(
                    session,
                    mail_of(outbound_id),
                    outbound_id=outbound_id,
                    purpose="answer/none",
                    told_as=answer(people, outbound_id),
                )
                raise RuntimeError("no commit")
        await asyncio.sleep(0.5)
    assert boxes.kept == []


async def test_a_mail_refused_for_good_fails_and_is_told(platform: Platform) -> None:
    boxes, outbound_id = Mailboxes(unknown=frozenset({"clara@clients.test"})), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await asked_for(service.runtime, people, outbound_id)
        await settled(service.runtime, outbound_id, "failed")
        (event,) = await told(service.runtime, "MessageFailed")
        assert await told(service.runtime, "MessageSent") == []
        await eventually(lambda: _await(boxes.of("ana@firm.test")))
    assert event["status"] == "550 No such mailbox"
    (notice,) = boxes.of("ana@firm.test")
    assert notice["Subject"] == "A mail could not be delivered"


async def _await(value: Any) -> Any:
    return value


async def test_a_mail_that_is_not_taken_yet_is_sent_again_unchanged(platform: Platform) -> None:
    boxes, outbound_id = Mailboxes(on_data="450 Try later"), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await asked_for(service.runtime, people, outbound_id)
        row = await eventually(
            lambda: state(service.runtime, outbound_id), lambda row: row.attempts == 1
        )
        row = await settled(service.runtime, outbound_id, "queued")
        assert row.reply == "450 Try later"
        boxes.on_data = "250 OK"
        await now_due(service.runtime)
        await settled(service.runtime, outbound_id, "accepted")
    assert [one.content for one in boxes.kept] == [mail_of(outbound_id).data]


async def now_due(runtime: Runtime) -> None:
    async with runtime.db.transaction() as session:
        await session.execute(text("UPDATE outbound_messages SET next_attempt_at = now()"))


async def test_marked_sending_but_never_connected_it_is_sent_after_the_lease(
    platform: Platform,
) -> None:
    """The process died between the claim's commit and the connection."""
    boxes, outbound_id, people = Mailboxes(), new_id(), People()
    settings = await settings_for(platform, 1, **QUICK)
    async with running(nothing_leaves, settings) as dead:
        await known_client(dead.runtime, people)
        await asked_for(dead.runtime, people, outbound_id)
        await claimed_by_the_dead(dead.runtime)
    async with mail_server(boxes) as port:
        alive = settings.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{port}")})
        async with running(way_out, alive) as service:
            await asyncio.sleep(0.5)
            assert boxes.kept == []  # the lease holds: its holder might be slow, not dead
            await settled(service.runtime, outbound_id, "accepted")
            assert len(await told(service.runtime, "MessageSent")) == 1
    assert [one.content for one in boxes.kept] == [mail_of(outbound_id).data]


async def claimed_by_the_dead(runtime: Runtime) -> None:
    async with runtime.db.transaction() as session:
        await session.execute(
            text("""
                UPDATE outbound_messages SET state = 'sending', attempts = 1,
                    next_attempt_at = now() + interval '1.5 s'
            """)
        )


async def test_handed_over_but_not_marked_it_comes_again_as_the_same_mail(
    platform: Platform,
) -> None:
    """The process died between the other server's 250 and the commit that records it."""
    boxes, outbound_id = Mailboxes(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await asked_for(service.runtime, people, outbound_id)
        await settled(service.runtime, outbound_id, "accepted")
        await forget_acceptance(service.runtime)
        await settled(service.runtime, outbound_id, "accepted")
        assert len(await told(service.runtime, "MessageSent")) == 1
    first, second = boxes.kept
    assert first.content == second.content == mail_of(outbound_id).data


async def test_stopped_while_the_other_server_has_it_but_has_not_answered(
    platform: Platform,
) -> None:
    boxes, outbound_id, people = Mailboxes(stalled=asyncio.Event()), new_id(), People()
    assert boxes.stalled is not None
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port, messaging_send_lease=5.5)
        async with running(way_out, settings) as dying:
            await known_client(dying.runtime, people)
            await asked_for(dying.runtime, people, outbound_id)
            await eventually(lambda: _await(boxes.kept))
            assert (await state(dying.runtime, outbound_id)).state == "sending"
        boxes.stalled.set()
        async with running(way_out, settings) as service:
            await settled(service.runtime, outbound_id, "accepted")
            assert len(await told(service.runtime, "MessageSent")) == 1
    assert [one.content for one in boxes.kept] == [mail_of(outbound_id).data] * 2


async def forget_acceptance(runtime: Runtime) -> None:
    """As if the transaction that recorded the acceptance had never been committed."""
    async with runtime.db.transaction() as session:
        await session.execute(text("DELETE FROM outbox WHERE type LIKE '%.MessageSent.%'"))
        await session.execute(
            text("""
                UPDATE outbound_messages
                SET state = 'sending', accepted_at = NULL, next_attempt_at = now()
            """)
        )


async def test_a_line_lost_after_the_final_dot_is_tried_again_and_told_once(
    platform: Platform,
) -> None:
    boxes, outbound_id = Mailboxes(cut_after_data=True), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await asked_for(service.runtime, people, outbound_id)
        await eventually(lambda: _await(len(boxes.kept) >= 1))
        assert await told(service.runtime, "MessageSent") == []
        boxes.cut_after_data = False
        await settled(service.runtime, outbound_id, "accepted")
        assert len(await told(service.runtime, "MessageSent")) == 1
    assert {one.content for one in boxes.kept} == {mail_of(outbound_id).data}
    assert len(boxes.kept) >= 2


async def test_no_lock_is_held_while_the_network_works(platform: Platform) -> None:
    boxes, outbound_id = Mailboxes(stalled=asyncio.Event()), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await asked_for(service.runtime, people, outbound_id)
        await settled(service.runtime, outbound_id, "sending")
        async with service.runtime.db.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '200ms'"))
            await session.execute(text("SELECT * FROM outbound_messages FOR UPDATE"))
        assert boxes.stalled is not None
        boxes.stalled.set()
        await settled(service.runtime, outbound_id, "accepted")


async def test_many_leave_over_few_connections_that_are_kept(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes, messaging_send_connections=3) as (service, people):
        for _ in range(30):
            await asked_for(service.runtime, people, new_id())
        await eventually(lambda: told(service.runtime, "MessageSent"), lambda all: len(all) == 30)
    assert len(boxes.kept) == 30
    assert boxes.connections <= 3


async def test_several_processes_send_each_mail_once(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        assert service.runtime.settings
        async with running(way_out, service.runtime.settings) as other:
            for _ in range(30):
                await asked_for(other.runtime, people, new_id())
            await eventually(
                lambda: told(service.runtime, "MessageSent"), lambda all: len(all) == 30
            )
    assert len({one.content for one in boxes.kept}) == len(boxes.kept) == 30


async def test_a_server_that_is_away_is_tried_until_it_is_back(platform: Platform) -> None:
    boxes, outbound_id, people = Mailboxes(), new_id(), People()
    async with mail_server(boxes) as port:
        pass
    settings = await settings_for(platform, port, **QUICK)
    async with running(way_out, settings) as service:
        await known_client(service.runtime, people)
        await asked_for(service.runtime, people, outbound_id)
        await eventually(
            lambda: state(service.runtime, outbound_id), lambda row: bool(row.attempts >= 2)
        )
        async with mail_server(boxes, port):
            await settled(service.runtime, outbound_id, "accepted")
    assert len(boxes.kept) == 1


async def test_a_bounce_of_an_accepted_mail_is_told_once(platform: Platform) -> None:
    boxes, outbound_id = Mailboxes(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await asked_for(service.runtime, people, outbound_id)
        await settled(service.runtime, outbound_id, "accepted")
        for expected in (True, False):
            async with service.runtime.db.transaction() as session:
                assert await bounced(session, outbound_id, "5.1.1") is expected
        (event,) = await told(service.runtime, "MessageBounced")
        await eventually(lambda: _await(boxes.of("ana@firm.test")))
    assert (event["message_id"], event["status"]) == (str(outbound_id), "5.1.1")


async def test_a_mail_whose_key_was_destroyed_never_leaves(platform: Platform) -> None:
    boxes, outbound_id, people = Mailboxes(), new_id(), People()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port)
        async with running(nothing_leaves, settings) as before:
            await known_firm(before.runtime, people)
            await known_client(before.runtime, people)
            await asked_for(before.runtime, people, outbound_id)
        await destroy_key(platform, people.clara)
        async with running(way_out, settings) as service:
            row = await settled(service.runtime, outbound_id, "failed")
            assert len(await told(service.runtime, "MessageFailed")) == 1
    assert row.reply == "the key of this mail was destroyed"
    assert boxes.kept == []


async def destroy_key(platform: Platform, owner: UUID) -> None:
    connection = await asyncpg.connect(with_database(platform.postgres.url, "keyring"))
    await connection.execute("UPDATE data_keys SET destroyed_at = now() WHERE owner = $1", owner)
    await connection.close()


async def test_an_acknowledgment_is_told_as_one(platform: Platform) -> None:
    boxes, outbound_id, covered = Mailboxes(), new_id(), new_id()
    async with a_firm(platform, boxes) as (service, people):
        await service.runtime.keys.hold(people.clara)
        async with service.runtime.db.transaction() as session:
            await queue(
                session,
                mail_of(outbound_id),
                outbound_id=outbound_id,
                purpose="acknowledgment/x",
                told_as=MessageAcknowledged(
                    acknowledgment_id=outbound_id,
                    conversation_id=people.conversation,
                    client_id=people.clara,
                    covers=(covered,),
                    automatic=True,
                    channel="email",
                    acknowledged_at=datetime(2026, 1, 1, tzinfo=UTC),
                ),
            )
        (event,) = await eventually(lambda: told(service.runtime, "MessageAcknowledged"))
    assert event["covers"] == [str(covered)]


@pytest.mark.parametrize(
    ("attempt", "code", "seconds"),
    [(1, None, 1), (3, None, 4), (9, None, 30), (5000, None, 30), (1, 450, 5), (4, 450, 135)],
)
def test_the_pauses_grow_and_are_bounded(attempt: int, code: int | None, seconds: int) -> None:
    handover = Handover(outcome=Outcome.NOT_YET, code=code)
    assert pause(attempt, handover) == timedelta(seconds=seconds)
    assert pause(100, Handover(outcome=Outcome.NOT_YET, code=450)) == timedelta(minutes=30)


def test_the_servers_address_says_how_to_speak_to_it() -> None:
    server = server_of("smtp+starttls://firm:p%40ss@mail.example:2587")
    assert (server.host, server.port, server.user, server.password, server.encryption) == (
        "mail.example",
        2587,
        "firm",
        "p@ss",
        Encryption.STARTTLS,
    )
    assert server_of("smtps://mail.example").port == 465
    with pytest.raises(ValueError, match="smtps"):
        server_of("smtp://firm:secret@mail.example")
