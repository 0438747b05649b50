"""Two clients of one matter: each is written to alone, and what either writes joins the matter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from messaging.conversations import access
from messaging.directory import queries as directory
from messaging.directory.models import Client, PointOfContact
from messaging.email.parsing import parse
from messaging.email.threading import Begin, Facts, Matter, whose
from shared import clock, sealing
from shared.auth import CallerIdentity
from shared.contracts import Sealed
from shared.contracts.matters import (
    JointClientJoined,
    JointClientLeft,
    PointOfContactAssigned,
    ProgressUpdateApproved,
    UpdateRequested,
)
from shared.contracts.messaging import MessageSent
from shared.ids import new_id
from support.correspondence import (
    People,
    client_writes,
    hear,
    known_client,
    known_firm,
    settings_for,
    told,
    way_out,
)
from support.mailboxes import Mailboxes, mail_server, text_of
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually

CLARA, MARC = "clara@clients.test", "marc@clients.test"


class Couple:
    """Marc is represented jointly in Clara's matter; Robert is his own point of contact."""

    def __init__(self, service: Running, people: People, marc: UUID) -> None:
        self.service, self.people, self.marc = service, people, marc
        self.membership = new_id()

    def _sealed(self, owner: UUID, content: UUID, words: bytes) -> Sealed:
        return sealing.seal(self.service.runtime.keys.key(owner), content, "x", "x", words)

    @property
    def _of(self) -> dict[str, Any]:
        return {
            "membership_id": self.membership,
            "matter_id": self.people.matter,
            "client_id": self.people.clara,
            "joint_client_id": self.marc,
            "reason": self._sealed(self.people.clara, self.membership, b"Both asked."),
        }

    def joined(self) -> JointClientJoined:
        return JointClientJoined(joined_at=clock.now(), **self._of)

    def left(self) -> JointClientLeft:
        return JointClientLeft(left_at=clock.now(), **self._of)

    def update(self, client_id: UUID) -> ProgressUpdateApproved:
        update_id = new_id()
        return ProgressUpdateApproved(
            update_id=update_id,
            matter_id=self.people.matter,
            client_id=client_id,
            about="report",
            subject_text=self._sealed(client_id, update_id, b"How it stands"),
            body=self._sealed(client_id, update_id, b"Dear Clara and Marc, all is well."),
            approved_by=self.people.ana,
            approved_at=clock.now(),
        )


@asynccontextmanager
async def a_couple(platform: Platform, boxes: Mailboxes) -> AsyncIterator[Couple]:
    people, marc = People(), new_id()
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port)
        async with running(way_out, settings) as service:
            await known_firm(service.runtime, people)
            await known_client(service.runtime, people)
            await service.runtime.keys.hold(marc, create=True)
            async with service.runtime.db.transaction() as session:
                facts = {"name": "Marc Marsh", "email": MARC, "time_zone": "Asia/Tokyo"}
                session.add(Client(client_id=marc, **facts))
                since = clock.now() - timedelta(days=1)
                of = {"assignment_id": new_id(), "client_id": marc, "from_at": since}
                session.add(PointOfContact(staff_id=people.robert, **of))
            couple = Couple(service, people, marc)
            await hear(service.runtime, couple.joined())
            yield couple


async def test_each_has_a_mail_and_a_thread_of_their_own(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_couple(platform, boxes) as at:
        for client_id in (at.people.clara, at.marc):
            event = at.update(client_id)
            await hear(at.service.runtime, event)
            await hear(at.service.runtime, event)
        facts = await eventually(
            lambda: told(at.service.runtime, "MessageSent"), lambda all: len(all) == 2
        )
        sent = {one.client_id: one for one in map(MessageSent.model_validate, facts)}
        assert {one.matter_id for one in sent.values()} == {at.people.matter}
        assert len({one.conversation_id for one in sent.values()}) == 2
    (claras,), (marcs,) = boxes.of(CLARA), boxes.of(MARC)
    assert MARC not in str(claras)
    assert CLARA not in str(marcs)


async def test_a_new_point_of_contact_is_told_to_each_once_in_their_own_zone(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_couple(platform, boxes) as at:
        handover = PointOfContactAssigned(
            assignment_id=new_id(),
            client_id=at.people.clara,
            matter_id=at.people.matter,
            staff_id=at.people.robert,
            from_at=clock.now(),
            replaces=at.people.ana,
        )
        await hear(at.service.runtime, handover)
        await hear(at.service.runtime, handover)

        async def look() -> bool:
            return bool(boxes.of(CLARA)) and bool(boxes.of(MARC))

        await eventually(look)
    (claras,), (marcs,) = boxes.of(CLARA), boxes.of(MARC)
    assert "Dear Clara Client" in text_of(claras)
    assert "Dear Marc Marsh" in text_of(marcs)


async def test_what_the_firm_hears_of_a_joint_clients_question_is_in_their_own_thread(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_couple(platform, boxes) as at:
        update = at.update(at.marc)
        asked = UpdateRequested(
            request_id=new_id(),
            matter_id=at.people.matter,
            client_id=at.marc,
            requested_at=clock.now(),
        )
        for event in (update, asked):
            await hear(at.service.runtime, event)
        (sent,) = await eventually(lambda: told(at.service.runtime, "MessageSent"))
        (noticed,) = await eventually(lambda: told(at.service.runtime, "StaffNotified"))
        assert noticed["conversation_id"] == sent["conversation_id"]


async def test_what_a_joint_client_writes_joins_the_one_matter_that_they_have(
    platform: Platform,
) -> None:
    async with (
        a_couple(platform, Mailboxes()) as at,
        at.service.runtime.db.transaction() as session,
    ):
        matter = at.people.matter
        assert [one.matter_id for one in await directory.open_matters(session, at.marc)] == [matter]
        assert await access.clients_matter(session, at.marc, None) == matter
        assert await access.clients_matter(session, at.marc, matter) == matter


async def test_who_left_writes_for_themselves_alone(platform: Platform) -> None:
    async with a_couple(platform, Mailboxes()) as at:
        for event in (at.left(), at.left()):
            await hear(at.service.runtime, event)
        async with at.service.runtime.db.transaction() as session:
            assert await directory.open_matters(session, at.marc) == []
            matter = await directory.matter(session, at.people.matter)
            assert matter is not None
            assert await directory.clients_of_matter(session, matter) == [at.people.clara]


async def test_the_team_of_the_matter_reads_what_a_joint_client_writes_in_it_and_nothing_else(
    platform: Platform,
) -> None:
    async with a_couple(platform, Mailboxes()) as at:
        of = {"client_id": at.marc, "sender_address": MARC}
        inside = await client_writes(at.service.runtime, at.people, **of)
        elsewhere = await client_writes(at.service.runtime, at.people, matter_id=new_id(), **of)
        ana = CallerIdentity(id=new_id(), role="attorney", email="ana@firm.test")
        async with at.service.runtime.db.transaction() as session:
            seen = await access.teams(session, ana)
            assert inside.matter_id in seen.matters
            assert elsewhere.matter_id not in seen.matters
            assert at.marc not in seen.clients


def test_a_number_in_the_subject_leads_any_of_its_clients_to_the_matter() -> None:
    clara, marc, other, matter = new_id(), new_id(), new_id(), new_id()
    mail = parse(b"From: m@clients.test\r\nSubject: 2026-0042, a question\r\n\r\nWhen?\r\n")
    numbered = {"2026-0042": Matter(matter, [clara, marc])}
    for who, expected in ((clara, matter), (marc, matter), (other, None)):
        decision = whose(mail, Facts(clients=(who,), numbered=numbered))
        assert decision == Begin(who, expected)
