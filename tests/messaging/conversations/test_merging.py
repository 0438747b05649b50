"""Two entries turn out to be one client: mail of either address is the survivor's, what was said
stays readable under its own key, and walls hold, in whatever order it is heard."""

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from messaging.conversations import incoming, recognising
from messaging.conversations.custody import seal_original
from messaging.conversations.recognising import Mail
from messaging.directory import queries as directory
from messaging.directory.models import Client
from messaging.email.parsing import parse
from messaging.email.receiver import ReceivedMail
from messaging.outbound.postponed import hear_again
from shared import clock, sealing
from shared.contracts import Event, Sealed
from shared.contracts.matters import (
    ClientRegistered,
    ClientsMerged,
    MatterOpened,
    PointOfContactAssigned,
    ProgressUpdateApproved,
    WallRaised,
)
from shared.ids import new_id
from support.correspondence import acknowledgment_due, hear, rows_of, told
from support.letterbox import Door, another_client, forget, letter, open_door
from support.platform import Platform

OLD = "clara.old@clients.test"


@pytest.fixture(scope="module")
async def opened(platform: Platform) -> AsyncIterator[Door]:
    async with open_door(platform) as door:
        yield door


@pytest.fixture
async def door(opened: Door) -> AsyncIterator[Door]:
    await forget(opened)
    yield opened
    await rows_of(opened.runtime, "DELETE FROM merged_clients RETURNING 1")
    await rows_of(opened.runtime, "DELETE FROM walls RETURNING 1")
    keep = f"DELETE FROM clients WHERE client_id <> '{opened.people.clara}' RETURNING 1"
    await rows_of(opened.runtime, keep)


def sealed(door: Door, owner: UUID, field: str, words: str) -> Sealed:
    key = door.runtime.keys.key(owner)
    return sealing.seal(key, owner, "client", field, words.encode())


async def merged(door: Door, into: UUID, old: UUID) -> ClientsMerged:
    await door.runtime.keys.hold(into)
    return ClientsMerged(
        client_id=into,
        merged_id=old,
        reason=sealed(door, into, "merged", "The same person"),
        merged_by=door.people.robert,
        merged_at=clock.now(),
    )


def received(data: bytes, sender: str, at: datetime) -> ReceivedMail:
    return ReceivedMail(
        peer="127.0.0.1",
        helo="client.test",
        envelope_from=sender,
        rcpt_tos=("office@firm.test",),
        data=data,
        authenticated_email=None,
        trusted_peer=True,
        received_at=at,
    )


async def newest(door: Door) -> Any:
    rows = await rows_of(door.runtime, "SELECT * FROM messages ORDER BY message_id DESC LIMIT 1")
    return rows[0]


async def test_mail_of_the_merged_address_is_the_survivors_also_in_an_old_thread(
    door: Door,
) -> None:
    old = await another_client(door.runtime, OLD)
    first = letter(sender=f"Clara <{OLD}>", number=1)
    await door.send(first, sender=OLD)
    before = await newest(door)
    assert before.client_id == old
    await hear(door.runtime, await merged(door, door.people.clara, old))
    await door.send(letter(sender=f"Clara <{OLD}>", number=2), sender=OLD)
    assert (await newest(door)).client_id == door.people.clara
    reply = letter(sender=f"Clara <{OLD}>", number=3, **{"In-Reply-To": before.message_id_header})
    await door.send(reply, sender=OLD)
    joined = await newest(door)
    assert (joined.client_id, joined.conversation_id) == (
        door.people.clara,
        before.conversation_id,
    )
    assert joined.matter_id in (before.matter_id, door.people.matter)
    received = await told(door.runtime, "ClientMessageReceived")
    assert [one["client_id"] for one in received] == [str(old)] + [str(door.people.clara)] * 2


async def test_a_merger_heard_while_a_mail_is_being_kept_does_not_seal_it_for_nobody(
    door: Door,
) -> None:
    """The original is sealed before the second transaction, under the key of who had the thread."""
    old = await another_client(door.runtime, OLD)
    await door.send(letter(sender=f"Clara <{OLD}>"), sender=OLD)
    first = await newest(door)
    reply = letter(
        "One more thing.",
        sender=f"Clara <{OLD}>",
        number=2,
        in_reply_to=first.message_id_header,
    )
    key = (door.platform.keys / "reply").read_bytes()
    now = clock.now()
    mail = Mail(received(reply, OLD, now), parse(reply))
    async with door.runtime.db.transaction() as session:
        known = await recognising.look_up(session, mail, key)
    await door.runtime.keys.hold(*known.owners)
    decision = recognising.decide(mail, known, door.runtime.keys)
    kept = seal_original(door.runtime.keys.key(old), new_id(), reply, mail.parsed)
    await hear(door.runtime, await merged(door, door.people.clara, old))
    with pytest.raises(incoming.HeardMeanwhile):
        async with door.runtime.db.transaction() as session:
            await incoming.keep(session, mail, known, decision, new_id(), kept)
    await door.send(reply, sender=OLD)
    again = await newest(door)
    assert (again.client_id, again.conversation_id) == (door.people.clara, first.conversation_id)
    original = await door.get(f"/v1/messages/{again.message_id}/original")
    assert b"One more thing." in original.content


async def test_what_was_said_before_stays_where_it_was_and_is_read_together(door: Door) -> None:
    old = await another_client(door.runtime, OLD)
    await door.send(letter("Long ago.", sender=f"Clara <{OLD}>"), sender=OLD)
    kept = await newest(door)
    path = f"/v1/messages/{kept.message_id}"
    assert (await door.get(path, "client")).status_code == 404
    await hear(door.runtime, await merged(door, door.people.clara, old))
    for role in ("client", "attorney", "partner"):
        assert "Long ago." in (await door.get(path, role)).json()["body"]
    assert (await door.get(path, "client", client_id=str(old))).status_code == 200
    for query in (f"?client_id={door.people.clara}", f"?client_id={old}", ""):
        assert str(kept.message_id) in {one["id"] for one in await door.messages(query)}
    again = await newest(door)
    assert (again.client_id, again.owner) == (old, old), "nothing that was recorded is rewritten"
    answer = {"body": "We have both of your files now."}
    replied = await door.post(f"/v1/conversations/{kept.conversation_id}/messages", answer)
    assert replied.status_code == 201, replied.text
    assert (await newest(door)).client_id == door.people.clara


async def test_the_merged_entry_takes_nothing_new(door: Door) -> None:
    old = await another_client(door.runtime, OLD)
    await hear(door.runtime, await merged(door, door.people.clara, old))
    for body in ({"client_id": str(old), "body": "Hello"}, {"body": "Hello"}):
        role = "partner" if "client_id" in body else "client"
        posted = await door.post("/v1/conversations", body, role)
        assert posted.status_code == 201, posted.text
        assert (await newest(door)).client_id == door.people.clara
    written = await door.post(
        "/v1/conversations", {"body": "By my old sign-in"}, "client", client_id=str(old)
    )
    assert written.status_code == 201, written.text
    assert (await newest(door)).client_id == door.people.clara


@pytest.mark.parametrize("walled", ["the entry that stays", "the entry that was merged"])
async def test_a_wall_around_one_entry_stands_around_both(door: Door, walled: str) -> None:
    old = await another_client(door.runtime, OLD)
    await door.send(letter("Long ago.", sender=f"Clara <{OLD}>"), sender=OLD)
    kept = await newest(door)
    await hear(door.runtime, await merged(door, door.people.clara, old))
    await door.send(letter("Today.", number=2))
    latest = await newest(door)
    around = door.people.clara if walled == "the entry that stays" else old
    await door.runtime.keys.hold(around)
    wall = WallRaised(
        wall_id=new_id(),
        client_id=around,
        kind="screen",
        staff_ids=(door.people.ana,),
        reason=sealed(door, around, "reason", "Former firm"),
        raised_at=clock.now(),
    )
    await hear(door.runtime, wall)
    for one in (kept, latest):
        path = f"/v1/messages/{one.message_id}"
        assert (await door.get(path, "attorney")).status_code == 404
        assert (await door.get(path, "partner")).status_code == 200
    assert await door.messages("", "attorney") == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_chain_of_mergers_ends_at_who_stays_in_any_order(
    door: Door, order: tuple[int, ...]
) -> None:
    """The oldest address was registered, merged, and merged on: three streams, no order."""
    oldest, older = new_id(), await another_client(door.runtime, "clara.older@clients.test")
    await door.runtime.keys.hold(oldest, create=True)
    events: list[Event] = [
        ClientRegistered(
            client_id=oldest,
            name=sealed(door, oldest, "name", "Clara"),
            email=sealed(door, oldest, "email", OLD),
            time_zone="UTC",
        ),
        await merged(door, older, oldest),
        await merged(door, door.people.clara, older),
    ]
    for number in order:
        await hear(door.runtime, events[number])
    async with door.runtime.db.transaction() as session:
        assert await directory.clients_with_address(session, OLD) == [door.people.clara]
        everything = await directory.entries(session, [oldest])
    assert everything == {oldest, older, door.people.clara}


async def test_mail_heard_before_its_sender_was_merged_and_registered_is_the_survivors(
    door: Door,
) -> None:
    old = new_id()
    await door.runtime.keys.hold(old, create=True)
    registered = ClientRegistered(
        client_id=old,
        name=sealed(door, old, "name", "Clara"),
        email=sealed(door, old, "email", OLD),
        time_zone="UTC",
        registered_at=clock.now(),
    )
    await door.send(letter(sender=f"Clara <{OLD}>"), sender=OLD)
    assert (await newest(door)).client_id is None
    await hear(door.runtime, await merged(door, door.people.clara, old))
    await hear(door.runtime, registered)
    due = await rows_of(door.runtime, "SELECT client_id FROM filings_due")
    filed = await newest(door)
    assert filed.client_id == door.people.clara or [row.client_id for row in due] == [
        door.people.clara
    ]


@pytest.mark.parametrize("merged_first", [True, False])
async def test_what_who_stays_wrote_joins_the_matter_of_the_merged_entry_that_is_heard_of_late(
    door: Door, merged_first: bool
) -> None:
    old = await another_client(door.runtime, OLD)
    stays = await another_client(door.runtime, "clara.new@clients.test")
    at = clock.now()
    merger = await merged(door, stays, old)
    if merged_first:
        await hear(door.runtime, merger)
    await door.send(letter(sender=f"Clara <{OLD}>"), sender=OLD)
    unfiled = await newest(door)
    assert (unfiled.client_id, unfiled.matter_id) == (stays if merged_first else old, None)
    opened = MatterOpened(
        matter_id=new_id(),
        client_id=old,
        number="2026-0077",
        title=sealed(door, old, "title", "Lease"),
        practice_area="real-estate",
        reason=sealed(door, old, "reason", "Signed"),
        opened_at=at,
    )
    if not merged_first:
        await hear(door.runtime, merger)
    await hear(door.runtime, opened)
    assert (await newest(door)).matter_id == opened.matter_id
    (refiled,) = await told(door.runtime, "MessageRefiled")
    assert refiled["client_id"] == str(unfiled.client_id), "as it was recorded"
    await rows_of(door.runtime, f"DELETE FROM matters WHERE client_id = '{old}' RETURNING 1")


async def test_an_acknowledgment_goes_to_the_address_on_file_that_was_written_from(
    door: Door,
) -> None:
    old = await another_client(door.runtime, OLD)
    await hear(door.runtime, await merged(door, door.people.clara, old))
    await door.send(letter(sender=f"Clara <{OLD}>"), sender=OLD)
    async with door.runtime.db.transaction() as session:
        client = await session.get_one(Client, door.people.clara)
        assert await directory.address_of(session, client, OLD.upper()) == OLD
        assert await directory.address_of(session, client, "else@x.test") == client.email
    message = await newest(door)
    await hear(door.runtime, acknowledgment_due(door.people, message))
    mails = "SELECT recipient, automatic FROM outbound_messages WHERE to_client"
    assert [row.recipient for row in await rows_of(door.runtime, mails)] == [OLD]


async def test_an_update_of_the_merged_entrys_matter_is_the_survivors_to_read(door: Door) -> None:
    """Its event brings the old entry's key alone: it waits one moment for the other."""
    old, matter = await another_client(door.runtime, OLD), new_id()
    await rows_of(
        door.runtime,
        f"""INSERT INTO matters VALUES ('{matter}', '{old}', '2019-7', 'Old lease', now())
            RETURNING 1""",
    )
    contact = PointOfContactAssigned(
        assignment_id=new_id(),
        client_id=old,
        matter_id=matter,
        staff_id=door.people.robert,
        from_at=clock.now(),
    )
    await hear(door.runtime, contact)
    await hear(door.runtime, await merged(door, door.people.clara, old))
    approved = ProgressUpdateApproved(
        update_id=new_id(),
        matter_id=matter,
        client_id=old,
        about="milestone",
        subject_text=sealed(door, old, "subject", "News"),
        body=sealed(door, old, "body", "It is signed."),
        approved_by=door.people.ana,
        approved_at=clock.now(),
    )
    door.runtime.keys._held.pop(door.people.clara, None)  # as in a process that just started
    await hear(door.runtime, approved)
    await rows_of(door.runtime, "UPDATE postponed_events SET due_at = now() RETURNING 1")
    await hear_again(door.runtime)
    sent = await newest(door)
    assert (sent.message_id, sent.client_id) == (approved.update_id, door.people.clara)
    assert (await door.get(f"/v1/messages/{sent.message_id}", "client")).status_code == 200
    await rows_of(door.runtime, f"DELETE FROM matters WHERE matter_id = '{matter}' RETURNING 1")
