"""Ask, take what arrives, waive what is not needed, and chase what is missing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import intake.consultations.queries as consultations
import intake.files.queries as files
import intake.links.actions as links
from intake.files.models import File
from intake.information import queries, rules
from intake.information.models import Checklist, InformationItem, InformationRequest, Kind
from intake.settings import MOST_TOLD, IntakeSettings
from shared import clock
from shared.contracts import Sealed
from shared.contracts.intake import (
    InformationProvided,
    InformationRequested,
    InformationWaived,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

LINK_OPEN_AFTER_DUE = timedelta(days=60)
TITLE = "What we need from you"


class ChecklistPublishedMeanwhile(Refusal):
    """Somebody else published a version of this checklist at the same time."""


class AlreadySettled(Refusal):
    """This item was provided or waived already."""


class Asked(NamedTuple):
    """`days`: within so many of asking, and never later than the whole request."""

    kind: Kind
    text: str
    days: int | None = None


async def publish(
    session: AsyncSession,
    checklist: str,
    practice_area: str,
    items: Sequence[Asked],
    *,
    by: UUID,
) -> Checklist:
    row = Checklist(
        checklist=checklist,
        version=await queries.published(session, checklist) + 1,
        practice_area=practice_area,
        items=[one._asdict() for one in items],
        published_at=clock.now(),
        published_by=by,
    )
    added = await session.execute(
        insert(Checklist)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(Checklist.version))
    )
    if added.scalar_one_or_none() is None:
        raise ChecklistPublishedMeanwhile("Somebody else published one just now: read it first.")
    return row


async def ask(
    session: AsyncSession,
    consultation_id: UUID,
    *,
    checklist: str,
    more: Sequence[Asked],
    due_at: datetime,
    by: UUID,
) -> InformationRequest:
    """By the newest version of a checklist, and what else is asked; a letter goes out."""
    consultation = await consultations.consultation(session, consultation_id)
    if consultation.name is None or consultation.email is None:
        raise Invalid("What we knew of this person was erased.")
    if due_at <= clock.now():
        raise Invalid("due_at must lie in the future.")
    by_list = await queries.newest(session, checklist)
    row = InformationRequest(
        request_id=new_id(),
        consultation_id=consultation_id,
        client_id=consultation.client_id,
        checklist=checklist,
        checklist_version=by_list.version,
        name=consultation.name,
        email=consultation.email,
        requested_by=by,
        requested_at=clock.now(),
        due_at=due_at,
    )
    session.add(row)
    await session.flush()
    wanted = [*(Asked(**one) for one in by_list.items), *more]
    items = [_item(session, row, position, one) for position, one in enumerate(wanted)]
    session.add_all(items)
    row.remind_at = rules.after_quiet_hours(min(_dues(row, items)), consultation.time_zone)
    told = orjson.dumps([one._asdict() for one in wanted]).decode()
    if len(told.encode()) > MOST_TOLD:
        raise Invalid(f"All that is asked has more than {MOST_TOLD} bytes: ask in two requests.")
    emit(
        session,
        InformationRequested(
            request_id=row.request_id,
            client_id=row.client_id,
            consultation_id=consultation_id,
            checklist=checklist,
            checklist_version=by_list.version,
            items=tuple(one.item_id for one in items),
            asked=seal(session, row.client_id, row.request_id, "information", "asked", told),
            requested_by=by,
            requested_at=row.requested_at,
            due_at=due_at,
        ),
    )
    await _send_link(session, row, "information")
    return row


async def provide(
    session: AsyncSession,
    request_id: UUID,
    item_id: UUID,
    *,
    file: File | None = None,
    answer: str | None = None,
) -> InformationItem:
    """A file that is complete, or words."""
    row, one = await _open_item(session, request_id, item_id)
    sealed = _sealed(session, row, one, "answer", answer) if answer else None
    one.state, one.settled_at = "provided", clock.now()
    one.file_id = file.file_id if file else None
    one.answer = sealed.model_dump(mode="json") if sealed else None
    await session.flush()
    emit(
        session,
        InformationProvided(
            request_id=request_id,
            item_id=item_id,
            client_id=row.client_id,
            file=files.reference(file) if file else None,
            file_name=Sealed.model_validate(file.name) if file else None,
            media_type=file.media_type if file else None,
            text=sealed,
            provided_at=one.settled_at,
            complete=await _complete(session, row),
        ),
    )
    return one


async def waive(
    session: AsyncSession, request_id: UUID, item_id: UUID, *, reasons: str, by: UUID
) -> InformationItem:
    """Not needed any more, and why."""
    row, one = await _open_item(session, request_id, item_id)
    sealed = _sealed(session, row, one, "reasons", reasons)
    one.state, one.settled_at, one.waived_by = "waived", clock.now(), by
    one.reasons = sealed.model_dump(mode="json")
    await session.flush()
    emit(
        session,
        InformationWaived(
            request_id=request_id,
            item_id=item_id,
            client_id=row.client_id,
            reasons=sealed,
            waived_by=by,
            waived_at=one.settled_at,
            complete=await _complete(session, row),
        ),
    )
    return one


async def waive_all(
    session: AsyncSession, consultation_id: UUID, *, reasons: str, by: UUID
) -> None:
    """Nothing comes of the consultation: nobody is chased any more, and the links close."""
    for row in await queries.requests_of(session, consultation_id):
        for one in await queries.items(session, row.request_id):
            if one.state == "open":
                await waive(session, row.request_id, one.item_id, reasons=reasons, by=by)
        await links.revoke(session, row.request_id)


async def remind(session: AsyncSession, row: InformationRequest, zone: str) -> None:
    """A letter with a new link; the next comes after a while, or sooner when more falls due. Nobody
    is chased for what is not due yet. The client's key must be held."""
    settings: IntakeSettings = session.info["settings"]
    now, dues = clock.now(), _dues(row, await queries.items(session, row.request_id))
    if min(dues) > now:
        row.remind_at = rules.after_quiet_hours(min(dues), zone)
        return
    row.reminders += 1
    every = timedelta(days=settings.intake_remind_every_days)
    row.remind_at = rules.after_quiet_hours(rules.next_reminder(dues, now, every), zone)
    await links.revoke(session, row.request_id)
    await _send_link(session, row, "reminder")


def _dues(row: InformationRequest, items: Sequence[InformationItem]) -> list[datetime]:
    """Of what is still open; of the request, when nothing is."""
    return [one.due_at or row.due_at for one in items if one.state == "open"] or [row.due_at]


async def _send_link(session: AsyncSession, row: InformationRequest, purpose: str) -> None:
    await links.issue(
        session,
        purpose="reminder" if purpose == "reminder" else "information",
        subject_id=row.request_id,
        client_id=row.client_id,
        name=row.name,
        email=row.email,
        title=TITLE,
        expires_at=max(row.due_at, clock.now()) + LINK_OPEN_AFTER_DUE,
    )


async def _open_item(
    session: AsyncSession, request_id: UUID, item_id: UUID
) -> tuple[InformationRequest, InformationItem]:
    row = await queries.request(session, request_id, locked=True)
    one = await queries.item(session, request_id, item_id)
    await session.refresh(one)
    if one.state != "open":
        raise AlreadySettled(f"This item is {one.state} already.")
    return row, one


async def _complete(session: AsyncSession, row: InformationRequest) -> bool:
    """Whether nothing is open any more; then nobody is reminded."""
    done = all(one.state != "open" for one in await queries.items(session, row.request_id))
    if done:
        row.remind_at = None
    return done


def _item(
    session: AsyncSession, row: InformationRequest, position: int, asked: Asked
) -> InformationItem:
    item_id = new_id()
    sealed = seal(session, row.client_id, item_id, "information", "asked", asked.text)
    return InformationItem(
        item_id=item_id,
        request_id=row.request_id,
        position=position,
        kind=asked.kind,
        asked=sealed.model_dump(mode="json"),
        due_at=min(row.requested_at + timedelta(days=asked.days), row.due_at)
        if asked.days
        else row.due_at,
    )


def _sealed(
    session: AsyncSession, row: InformationRequest, one: InformationItem, field: str, value: str
) -> Sealed:
    return seal(session, row.client_id, one.item_id, "information", field, value)
