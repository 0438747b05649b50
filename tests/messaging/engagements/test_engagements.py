"""What intake asks to have delivered: each once, to who must get it, and nothing of the substance
in a mailbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from messaging.email.rendering import Mailbox
from messaging.engagements.invitations import invitation
from shared import clock
from shared.contracts import Sealed
from shared.contracts.intake import (
    CodeIssued,
    ConsultationRequested,
    ConsultationScheduled,
    EngagementHeldUp,
    EngagementQuestionAsked,
    LinkIssued,
)
from shared.ids import new_id
from shared.keyring import seal
from shared.runtime import Runtime
from support.correspondence import (
    People,
    hear,
    known_client,
    known_firm,
    rows_of,
    settings_for,
    told,
    way_out,
)
from support.mailboxes import Mailboxes, mail_server, text_of
from support.platform import Platform
from support.running import Running, running
from support.waiting import eventually

BOB = "bob@clients.test"
URL = "http://127.0.0.1:8080/v1/pages/9rV0mGd3XbqkH1yQ-4sT_uWzA7cE2fLj5nPoRiMv8hY"


@asynccontextmanager
async def nobody_known(platform: Platform, boxes: Mailboxes) -> AsyncIterator[Running]:
    async with mail_server(boxes) as port:
        settings = await settings_for(platform, port)
        async with running(way_out, settings) as service:
            yield service


@asynccontextmanager
async def a_firm(platform: Platform, boxes: Mailboxes) -> AsyncIterator[tuple[Running, People]]:
    people = People()
    async with nobody_known(platform, boxes) as service:
        await known_firm(service.runtime, people)
        await known_client(service.runtime, people)
        yield service, people


async def sealed(runtime: Runtime, client_id: UUID, field: str, value: str) -> Sealed:
    await runtime.keys.hold(client_id, create=True)
    async with runtime.db.transaction() as session:
        return seal(session, client_id, client_id, "test", field, value)


async def to_bob(runtime: Runtime, client_id: UUID) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "name": await sealed(runtime, client_id, "name", "Bob Example"),
        "email": await sealed(runtime, client_id, "email", BOB),
        "issued_at": clock.now(),
        "expires_at": clock.now() + timedelta(minutes=10),
    }


async def link_issued(runtime: Runtime, client_id: UUID, **more: Any) -> LinkIssued:
    return LinkIssued(
        link_id=new_id(),
        purpose=more.pop("purpose", "signature"),
        subject_id=new_id(),
        url=await sealed(runtime, client_id, "url", URL),
        title=await sealed(runtime, client_id, "title", "Divorce"),
        **await to_bob(runtime, client_id) | more,
    )


async def mail_to(boxes: Mailboxes, address: str, count: int = 1) -> list[EmailMessage]:
    async def look() -> list[EmailMessage]:
        return boxes.of(address)

    return await eventually(look, lambda mails: len(mails) >= count)


async def test_a_link_goes_once_to_who_must_sign_and_says_nothing_of_the_matter(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = await link_issued(service.runtime, people.clara)
        for _ in range(2):
            await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, BOB)
        assert mail["Subject"] == "An agreement for you to read and sign"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert URL in text_of(mail)
        assert "Divorce" not in mail.as_string()
        html = mail.get_body(("html",))
        assert html is not None
        assert f'<a href="{URL}">' in html.get_content()
        (sent,) = await eventually(lambda: told(service.runtime, "MessageSent"))
        assert (sent["kind"], sent["client_id"]) == ("notice", str(people.clara))
        assert URL not in str(sent)


async def test_a_code_is_sent_while_it_works_and_not_after(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        runtime = service.runtime
        facts = await to_bob(runtime, people.clara)
        code = await sealed(runtime, people.clara, "code", "01234567")
        past = facts | {"expires_at": clock.now() - timedelta(seconds=1)}
        for each in (past, facts):
            await hear(runtime, CodeIssued(link_id=new_id(), code_id=new_id(), code=code, **each))
        (mail,) = await mail_to(boxes, BOB)
        assert "01234567" in text_of(mail)
        assert "01234567" not in mail["Subject"]


async def test_an_invitation_can_be_moved_and_cancelled_under_one_uid(platform: Platform) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        starts_at = clock.now() + timedelta(days=2)
        facts = await to_bob(service.runtime, people.clara)
        event = ConsultationScheduled(
            consultation_id=new_id(),
            client_id=people.clara,
            staff_id=people.ana,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            channel="in_person",
            place=await sealed(service.runtime, people.clara, "place", "Quay Street 1; room 4"),
            name=facts["name"],
            email=facts["email"],
        )
        moved = {"sequence": 1, "starts_at": starts_at + timedelta(minutes=5)}
        for change in ({}, moved, {"sequence": 2, "cancelled": True}):
            await hear(service.runtime, event.model_copy(update=change))
        mails = await mail_to(boxes, BOB, 3)
        calendars = [
            part
            for mail in mails
            for part in mail.walk()
            if part.get_content_type() == "text/calendar"
        ]
        assert [one.get_param("method") for one in calendars] == ["REQUEST", "REQUEST", "CANCEL"]
        texts = [one.get_content() for one in calendars]
        uid = f"UID:{event.consultation_id}@firm.test"
        assert all(uid in text and "Quay Street 1\\; room 4" in text for text in texts)
        assert [f"SEQUENCE:{number}" in texts[number] for number in range(3)] == [True] * 3


async def test_whoever_is_to_answer_a_request_hears_of_it_once_and_not_who_asks(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    people = People()
    async with nobody_known(platform, boxes) as service:
        name = await sealed(service.runtime, people.clara, "name", "Zelda Quirk")
        email = await sealed(service.runtime, people.clara, "email", "zelda@clients.test")
        event = ConsultationRequested(
            consultation_id=new_id(),
            client_id=people.clara,
            source="form",
            name=name,
            email=email,
            time_zone="Europe/Berlin",
            practice_area="family",
            requested_at=clock.now(),
        )
        named = event.model_copy(
            update={"consultation_id": new_id(), "point_of_contact_id": people.ana}
        )
        for one in (event, event, named):  # heard before anybody of the firm
            await hear(service.runtime, one)
        await known_firm(service.runtime, people)
        (to_head,) = await mail_to(boxes, "robert@firm.test")
        (to_contact,) = await mail_to(boxes, "ana@firm.test")
        assert str(event.consultation_id) in text_of(to_head)
        assert str(named.consultation_id) in text_of(to_contact)
        for mail in (to_head, to_contact):
            assert "family" in mail["subject"]
            assert "Zelda" not in mail.as_string()
            assert "zelda" not in mail.as_string()


async def test_who_must_decide_on_a_late_conflict_hears_of_it_once_and_without_a_name_of_the_other(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        event = EngagementHeldUp(
            engagement_id=new_id(),
            agreement_version=1,
            client_id=people.clara,
            consultation_id=new_id(),
            state="countersigned",
            check_id=new_id(),
            revision=2,
            staff_ids=(people.robert, people.ana),
            held_up_at=clock.now(),
        )
        for _ in range(2):
            await hear(service.runtime, event)
        (mail,) = await mail_to(boxes, "robert@firm.test")
        assert len(await mail_to(boxes, "ana@firm.test")) == 1
        assert "does not come into force" in text_of(mail)
        assert str(event.consultation_id) in text_of(mail)


async def test_a_link_heard_before_the_firm_waits_for_it(platform: Platform) -> None:
    boxes = Mailboxes()
    people = People()
    async with nobody_known(platform, boxes) as service:
        await hear(service.runtime, await link_issued(service.runtime, people.clara))
        assert boxes.of(BOB) == []
        await known_firm(service.runtime, people)
        await mail_to(boxes, BOB)


async def test_a_question_before_signing_is_a_message_that_is_owed_an_answer(
    platform: Platform,
) -> None:
    boxes = Mailboxes()
    async with a_firm(platform, boxes) as (service, people):
        runtime = service.runtime
        event = EngagementQuestionAsked(
            question_id=new_id(),
            engagement_id=new_id(),
            agreement_version=1,
            client_id=people.clara,
            signer_id=new_id(),
            question=await sealed(runtime, people.clara, "text", "Who pays the surveyor?"),
            asked_at=clock.now(),
        )
        for _ in range(2):
            await hear(runtime, event)
        (received,) = await told(runtime, "ClientMessageReceived")
        assert received["message_id"] == str(event.question_id)
        assert received["channel"] == "portal"
        (stored,) = await rows_of(runtime, "SELECT count(*) FROM messages")
        assert stored[0] == 1


def test_an_invitation_is_folded_between_letters_at_75_octets() -> None:
    now = clock.now()
    made = invitation(
        consultation_id=new_id(),
        sequence=0,
        cancelled=False,
        told_at=now,
        starts_at=now,
        ends_at=now + timedelta(hours=1),
        place="Straße der Zwölf Brücken, " * 8,
        firm="Harbour & Vale, LLP",
        organizer="office@firm.test",
        attendee=Mailbox(name="", address=BOB).address,
    )
    rows = made.text.split("\r\n")
    assert all(len(row.encode()) <= 75 for row in rows)
    assert "SUMMARY:Consultation\\, Harbour & Vale\\, LLP" in rows
    unfolded = made.text.replace("\r\n ", "")
    assert "Straße der Zwölf Brücken\\, Straße" in unfolded
