"""The way of an update: drafted, changed, approved, released when it can no longer be taken back,
sent. Each step is one person's; of two at once the second hears it."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import update as update_of
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import matters.firm.queries as firm
import matters.joint_clients.queries as joint_clients
from matters.assessments.rules import require_no_promise
from matters.clients.models import Client
from matters.matters.models import Matter
from matters.matters.queries import hold, hold_open, require_open
from matters.milestones.models import Happening
from matters.sealed import opened
from matters.settings import MattersSettings
from matters.updates import queries
from matters.updates.models import ProgressUpdate, State, UpdateRequest
from matters.updates.report import report
from matters.updates.rules import Changed, day, draft
from shared import clock, revisions
from shared.contracts import Sealed
from shared.contracts.matters import (
    CadencePromised,
    ProgressUpdateApproved,
    ProgressUpdateSent,
    UpdateAbout,
    UpdateRequested,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

Spoken = Literal["phone", "in_person", "video"]


class UpdateDecided(Refusal):
    """Somebody approved, sent or cancelled this update before: read it again."""


async def promise_cadence(
    session: AsyncSession, matter: Matter, days: int | None, *, if_match: str | None
) -> None:
    """How often the client hears of it at least; None is the firm's policy."""
    await session.refresh(matter, with_for_update=True)
    revisions.check(if_match, matter.cadence_revision)
    matter.cadence_days = days
    matter.cadence_revision += 1
    emit(
        session,
        CadencePromised(
            matter_id=matter.matter_id,
            client_id=matter.client_id,
            revision=matter.cadence_revision,
            days=days,
        ),
    )


async def request(session: AsyncSession, matter: Matter, client_id: UUID) -> UpdateRequest:
    """A client of the matter asks how it stands. Asked again before the answer, it is the same
    request."""
    await session.refresh(matter, with_for_update=True)
    require_open(matter)
    if known := await queries.open_request(session, matter.matter_id, client_id):
        return known
    asked = UpdateRequest(
        request_id=new_id(),
        client_id=client_id,
        matter_id=matter.matter_id,
        requested_at=await clock.database_now(session),
    )
    session.add(asked)
    emit(session, UpdateRequested(**asked.model_dump(include=set(UpdateRequested.model_fields))))
    return asked


async def answer_request(
    session: AsyncSession, matter_id: UUID, client_id: UUID, at: datetime
) -> None:
    """A person told them how it stands, by whatever way: their next click is a new question."""
    asked = await queries.open_request(session, matter_id, client_id)
    if asked is not None and asked.requested_at <= at:
        asked.answered_at = at


async def draft_update(
    session: AsyncSession, matter: Matter, about: UpdateAbout, *, note: str, by: UUID | None
) -> ProgressUpdate:
    """From template and facts. The client's key must be held."""
    await hold_open(session, matter)
    return await _draft(session, matter, about, note=note, by=by)


async def write_letter(
    session: AsyncSession, matter: Matter, subject: str, body: str, *, by: UUID
) -> None:
    """What a person wrote elsewhere goes out as a report to each client, approved by them, whatever
    format a client prefers: it has to be in writing. The clients' keys must be held."""
    update = await _draft(session, matter, "report", note="", by=by)
    update.subject = _sealed(session, update, "subject", subject)
    update.body = _sealed(session, update, "body", body)
    for one in await _of_each(session, update):
        one.format = "written"
    await approve(session, update, by=by, if_match=None)


async def write_last(session: AsyncSession, matter: Matter, letter: str, *, by: UUID) -> None:
    """The closing letter. Whatever was only drafted is not sent."""
    its = col(ProgressUpdate.matter_id) == matter.matter_id
    _cancel(await queries.unsent(session, its, states=["draft"]))
    await write_letter(session, matter, f"Your matter is closed: {matter.title}", letter, by=by)


async def draft_of(
    session: AsyncSession, happening: Happening, changed: Changed | None = None
) -> None:
    """What was just told to others is drafted for the client, to be approved by a person; `changed`
    is what became of something that they were told before."""
    matter = await session.get_one(Matter, happening.matter_id)
    if matter.closed_at is None:
        of = happening.kind, happening, changed
        await _draft(session, matter, *of, note="", by=None)


async def cancel_of(
    session: AsyncSession, happening_id: UUID, *, states: Collection[State]
) -> None:
    """What was taken back or moved is not told, if it can still be helped: of what was released,
    messaging withdraws what waits for a client's morning, and says of the rest that it was sent."""
    telling = col(ProgressUpdate.source_id) == happening_id
    # Who approves at this moment is waited for, and then there are those of joint clients too.
    while found := await queries.unsent(session, telling, states=states):
        _cancel(found)
        await session.flush()


async def cancel_for(session: AsyncSession, matter_id: UUID, client_id: UUID) -> None:
    """Who left a matter is not told what was prepared for them."""
    its = col(ProgressUpdate.matter_id) == matter_id
    theirs = col(ProgressUpdate.client_id) == client_id
    _cancel(await queries.unsent(session, its, theirs, states=["draft", "approved"]))


async def follow_wish(session: AsyncSession, client_id: UUID) -> None:
    """What is drafted for a client is to be written or spoken as they want it now."""
    theirs = (col(ProgressUpdate.client_id) == client_id) & (col(ProgressUpdate.state) == "draft")
    wished = await queries.preferred_format(session, client_id)
    await session.execute(update_of(ProgressUpdate).where(theirs).values(format=wished))


async def change(
    session: AsyncSession, update: ProgressUpdate, subject: str, body: str, *, if_match: str | None
) -> None:
    """Other words, for each client. Raises UpdateDecided and PreconditionFailed. The keys must be
    held."""
    same = await queries.same_words(session, update)
    _require(update, "draft")
    revisions.check(if_match, update.revision)
    for one in same:
        if one.state == "draft":
            one.revision += 1
            one.subject = _sealed(session, one, "subject", subject)
            one.body = _sealed(session, one, "body", body)


async def approve(
    session: AsyncSession, update: ProgressUpdate, *, by: UUID, if_match: str | None
) -> None:
    """These very words, by this person: If-Match names what they read. Each client gets them as
    they prefer; for who wants to hear them they stay a draft, to be told. Raises UpdateDecided for
    the second of two at once, and PromisesOutcome with the sentence. The keys must be held."""
    each = await _of_each(session, update)
    _require(update, "draft")
    revisions.check(if_match, update.revision)
    require_no_promise(opened(session, update.subject), opened(session, update.body))
    if update.format != "written":
        raise Invalid("The client prefers to hear it: call or meet, then enter what was said.")
    now = await clock.database_now(session)
    for one in each:
        if one.state == "draft" and one.format == "written":
            one.approved_by, one.approved_at = by, now
            one.releases_at = now + _undo_window(session)
            one.report = await _report(session, one)
            one.state, one.revision = "approved", one.revision + 1


async def cancel(session: AsyncSession, update: ProgressUpdate) -> None:
    """Not sent after all, to none of the clients: until it is released. Raises MatterClosed for a
    closing letter: nobody's matter ends in silence."""
    same = await queries.same_words(session, update)
    _require(update, "draft", "approved")
    require_open(await session.get_one(Matter, update.matter_id))
    _cancel([one for one in same if one.state in ("draft", "approved")])


def release(session: AsyncSession, update: ProgressUpdate) -> None:
    """The undo window has passed: from here on it is messaging's to deliver."""
    assert update.approved_by is not None
    assert update.approved_at is not None
    update.state, update.revision = "released", update.revision + 1
    emit(
        session,
        ProgressUpdateApproved(
            update_id=update.update_id,
            matter_id=update.matter_id,
            client_id=update.client_id,
            about=update.about,
            tells_of=update.source_id,
            subject_text=Sealed.model_validate(update.subject),
            body=Sealed.model_validate(update.body),
            report=Sealed.model_validate(update.report) if update.report else None,
            approved_by=update.approved_by,
            approved_at=update.approved_at,
        ),
    )


async def tell_in_person(
    session: AsyncSession,
    update: ProgressUpdate,
    *,
    together: bool,
    channel: Spoken,
    held_at: datetime,
    note: str,
    by: UUID,
) -> None:
    """The client was told in a call or meeting, or all clients of the matter were `together`; the
    note of it counts. To the others it is still owed. The keys must be held."""
    each = await _of_each(session, update)
    _require(update, "draft", "failed")
    for one in each if together else (update,):
        if one.state in ("draft", "failed"):
            sealed = seal(session, one.client_id, one.update_id, "update", "note", note)
            one.approved_by = one.approved_by or by
            one.approved_at = one.approved_at or held_at
            one.note = sealed.model_dump(mode="json")
            await _sent(session, one, channel, held_at, staff_id=by, note=sealed)


async def note_sent(session: AsyncSession, update_id: UUID, at: datetime) -> None:
    """Messaging had it accepted for delivery, also when what it tells of was taken back meanwhile.
    Told once, however often it is heard."""
    update = await queries.locked(session, update_id)
    if update is not None and update.state in ("released", "failed", "cancelled"):
        assert update.approved_by is not None, "only what a person approved is sent"
        await _sent(session, update, "email", at, staff_id=update.approved_by, message_id=update_id)


async def note_failed(session: AsyncSession, update_id: UUID) -> None:
    """It was refused or came back: the client has not heard it."""
    update = await queries.locked(session, update_id)
    if update is not None and update.state in ("released", "sent"):
        update.state, update.sent_at, update.channel = "failed", None, None
        update.revision += 1


async def _sent(
    session: AsyncSession,
    update: ProgressUpdate,
    channel: Literal["email", "phone", "in_person", "video"],
    at: datetime,
    *,
    staff_id: UUID,
    message_id: UUID | None = None,
    note: Sealed | None = None,
) -> None:
    update.state, update.channel, update.sent_at = "sent", channel, at
    update.revision += 1
    await answer_request(session, update.matter_id, update.client_id, at)
    emit(
        session,
        ProgressUpdateSent(
            update_id=update.update_id,
            matter_id=update.matter_id,
            client_id=update.client_id,
            about=update.about,
            channel=channel,
            sent_at=at,
            staff_id=staff_id,
            message_id=message_id,
            note=note,
        ),
    )


async def _draft(
    session: AsyncSession,
    matter: Matter,
    about: UpdateAbout,
    news: Happening | None = None,
    changed: Changed | None = None,
    *,
    note: str,
    by: UUID | None,
) -> ProgressUpdate:
    facts = await queries.facts(session, matter, news=news, changed=changed, note=note)
    words = draft(about, facts)
    update = ProgressUpdate(
        update_id=new_id(),
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        about=about,
        format=await queries.preferred_format(session, matter.client_id),
        # What became of something that was taken back is not taken back with it.
        source_id=news.happening_id if news and news.reverted_at is None else None,
        source_revision=news.revision if news else 1,
        subject={},
        body={},
        drafted_at=await clock.database_now(session),
        drafted_by=by,
    )
    update.subject = _sealed(session, update, "subject", words.subject)
    update.body = _sealed(session, update, "body", words.body)
    session.add(update)
    await session.flush()
    return update


async def _of_each(session: AsyncSession, update: ProgressUpdate) -> list[ProgressUpdate]:
    """The update of each of the matter's clients, this one's and in the same words those of the
    others, made now where there is none yet. Nobody joins or leaves before this transaction
    ends. Raises JoinedMeanwhile."""
    matter = await session.get_one(Matter, update.matter_id)
    await hold(session, matter)
    each = await queries.same_words(session, update)
    theirs = {one.client_id for one in each}
    for client_id in await joint_clients.whom_to_tell(session, matter):
        if client_id not in theirs:
            each.append(await _copy(session, update, client_id))
    return each


async def _copy(session: AsyncSession, update: ProgressUpdate, client_id: UUID) -> ProgressUpdate:
    update.draft_id = update.draft_id or update.update_id
    same = {"matter_id", "about", "source_id", "source_revision", "draft_id"}
    same |= {"drafted_at", "drafted_by"}
    copy = ProgressUpdate(
        update_id=new_id(),
        client_id=client_id,
        format=await queries.preferred_format(session, client_id),
        subject={},
        body={},
        **update.model_dump(include=same),
    )
    copy.subject = _sealed(session, copy, "subject", opened(session, update.subject))
    copy.body = _sealed(session, copy, "body", opened(session, update.body))
    session.add(copy)
    await session.flush()
    return copy


async def _report(session: AsyncSession, update: ProgressUpdate) -> dict[str, object]:
    """Typeset while the update is locked: some 20 ms, and nobody else waits for this row."""
    assert update.approved_at is not None
    matter = await session.get_one(Matter, update.matter_id)
    client = await session.get_one(Client, update.client_id)
    described = await firm.firm(session)
    pdf = report(
        firm=described.name if described else "Your law firm",
        matter=f"{matter.number} {matter.title}",
        subject=opened(session, update.subject),
        body=opened(session, update.body),
        date=day(update.approved_at, ZoneInfo(client.time_zone)),
        at=update.approved_at,
    )
    content = update.client_id, update.update_id, "update", "report", pdf
    return seal(session, *content).model_dump(mode="json")


def _sealed(
    session: AsyncSession, update: ProgressUpdate, field: str, words: str
) -> dict[str, object]:
    content = update.client_id, update.update_id, "update", field, words
    return seal(session, *content).model_dump(mode="json")


def _cancel(updates: Iterable[ProgressUpdate]) -> None:
    for one in updates:
        one.state, one.revision = "cancelled", one.revision + 1


def _require(update: ProgressUpdate, *states: str) -> None:
    if update.state not in states:
        raise UpdateDecided(f"This update is {update.state} already: read it again.")


def _undo_window(session: AsyncSession) -> timedelta:
    settings = session.info["settings"]
    assert isinstance(settings, MattersSettings)
    return timedelta(seconds=settings.matters_undo)
