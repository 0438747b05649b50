"""Take a request, give it a time, note what was said, or decline it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

import intake.conflicts.actions as conflicts
import intake.conflicts.queries as conflict_checks
import intake.directory.queries as directory
import intake.engagements.queries as engagements
import intake.information.actions as information
import intake.letters.actions as letters
import intake.names.actions as names
from intake.consultations import queries
from intake.consultations.models import Consultation, Party, PartyRole
from intake.consultations.room import CallInstead
from intake.documents.dates import day
from intake.letters.texts import non_engagement
from intake.names.rules import Kind
from intake.settings import IntakeSettings
from shared import clock
from shared.contracts import Sealed
from shared.contracts.intake import (
    ConsultationChannel,
    ConsultationDeclined,
    ConsultationHeld,
    ConsultationRequested,
    ConsultationScheduled,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

AN_HOUR = timedelta(hours=1)
MOST_NAMES = 100


class ConsultationMovedOn(Refusal):
    """It is no longer in the state that this asks for: read it anew."""


class AgreementInTheWay(Refusal):
    """An agreement came of this consultation, so it cannot be declined any more."""


class Named(NamedTuple):
    """A party as it was entered."""

    role: PartyRole
    kind: Kind
    name: str
    also: Sequence[str] = ()


async def request(
    session: AsyncSession, row: Consultation, *, also: Sequence[str], others: Sequence[Named]
) -> Consultation:
    """Somebody asks. Their names are compared in the same transaction: there is no consultation
    without a check. The client's key must be held."""
    await session.execute(conflicts.ONE_AT_A_TIME)
    row.point_of_contact_id = row.point_of_contact_id or await directory.point_of_contact(
        session, row.client_id
    )
    if not row.known_client:
        row.erase_at = _erased_at(session)
    session.add(row)
    assert row.name is not None
    await _keep_parties(session, row, [Named("client", row.kind, row.name, also), *others])
    emit(session, _requested(session, row))
    await conflicts.run(session, row)
    return row


async def add_parties(
    session: AsyncSession, consultation_id: UUID, others: Sequence[Named]
) -> Consultation:
    """More became known: the check runs again, also when something was decided before."""
    await session.execute(conflicts.ONE_AT_A_TIME)
    row = await queries.consultation(session, consultation_id, locked=True)
    _require(row, "requested", "scheduled", "held")
    await _keep_parties(session, row, others)
    await conflicts.run(session, row)
    return row


async def schedule(
    session: AsyncSession,
    consultation_id: UUID,
    *,
    staff_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    channel: ConsultationChannel,
    place: str,
) -> Consultation:
    """Give it a time, or another. Raises ConflictStands: nobody is heard before."""
    row = await queries.consultation(session, consultation_id, locked=True)
    _require(row, "requested", "scheduled")
    await conflict_checks.require_none(session, consultation_id)
    await directory.active_staff(session, staff_id)
    if starts_at <= clock.now():
        raise Invalid("The consultation must begin in the future.")
    moved = row.state == "scheduled" or row.sequence > 0
    row.sequence += 1 if moved else 0
    row.state, row.staff_id, row.channel = "scheduled", staff_id, channel
    row.starts_at, row.ends_at, row.place = starts_at, ends_at, place
    emit(session, _scheduled(session, row, cancelled=False))
    return row


async def call_off(session: AsyncSession, consultation_id: UUID) -> Consultation:
    """The time is cancelled; the request stays."""
    row = await queries.consultation(session, consultation_id, locked=True)
    _require(row, "scheduled")
    row.sequence += 1
    emit(session, _scheduled(session, row, cancelled=True))
    row.state = "requested"
    return row


async def hold(
    session: AsyncSession,
    consultation_id: UUID,
    *,
    staff_id: UUID,
    channel: ConsultationChannel,
    held_at: datetime,
    note: dict[str, object],
) -> Consultation:
    """It took place, and this was said. Raises ConflictStands."""
    row = await queries.consultation(session, consultation_id, locked=True)
    _require(row, "requested", "scheduled")
    await conflict_checks.require_none(session, consultation_id)
    await directory.active_staff(session, staff_id)
    if held_at > clock.now():
        raise Invalid("held_at lies in the future.")
    sealed = _sealed(session, row, "note", orjson.dumps(note).decode())
    row.state, row.staff_id, row.channel, row.held_at = "held", staff_id, channel, held_at
    row.note = sealed.model_dump(mode="json")
    emit(
        session,
        ConsultationHeld(
            consultation_id=row.consultation_id,
            client_id=row.client_id,
            staff_id=staff_id,
            channel=channel,
            held_at=held_at,
            note=sealed,
        ),
    )
    return row


async def decline(
    session: AsyncSession, consultation_id: UUID, *, by_firm: bool, reasons: str, by: UUID
) -> Consultation:
    """The firm will not act, or the person does not go on. What was told in confidence is erased
    when nobody needs it any more; the names stay for later checks."""
    row = await queries.consultation(session, consultation_id, locked=True)
    _require(row, "requested", "scheduled", "held")
    if await engagements.alive(session, consultation_id, None):
        raise AgreementInTheWay("There is an agreement: withdraw or end that first.")
    if row.state == "scheduled":
        row.sequence += 1
        emit(session, _scheduled(session, row, cancelled=True))
    await information.waive_all(session, consultation_id, reasons=reasons, by=by)
    now = clock.now()
    sealed = _sealed(session, row, "reasons", reasons)
    row.state, row.declined_at = "declined", now
    row.declined_by = "firm" if by_firm else "client"
    row.reasons = sealed.model_dump(mode="json")
    if not row.known_client:
        row.erase_at = _erased_at(session)
    emit(
        session,
        ConsultationDeclined(
            consultation_id=row.consultation_id,
            client_id=row.client_id,
            by="firm" if by_firm else "client",
            reasons=sealed,
            declined_by=by,
            declined_at=now,
        ),
    )
    assert row.name is not None
    assert row.email is not None
    wording = non_engagement(
        by_firm=by_firm,
        dates=queries.limitation_dates(session, row),
        erased_on=day(row.erase_at, row.time_zone) if row.erase_at else None,
    )
    await letters.send(
        session,
        wording,
        client_id=row.client_id,
        subject_id=row.consultation_id,
        name=row.name,
        email=row.email,
    )
    return row


async def keep_for_good(session: AsyncSession, consultation_id: UUID) -> None:
    """An engagement came of it: what was said belongs to the client's file."""
    row = await queries.consultation(session, consultation_id, locked=True)
    row.erase_at = None


def _erased_at(session: AsyncSession) -> datetime:
    """When what somebody told us goes, unless they become a client."""
    settings: IntakeSettings = session.info["settings"]
    return clock.now() + timedelta(days=settings.intake_prospects_kept_days)


async def require_room(session: AsyncSession) -> None:
    """Raises CallInstead. Asked before a key is made: a flood must cost next to nothing."""
    settings: IntakeSettings = session.info["settings"]
    oldest = await queries.oldest_of(
        session, settings.intake_requests_an_hour, since=clock.now() - AN_HOUR
    )
    if oldest is not None:
        raise CallInstead(until=oldest + AN_HOUR)


async def _keep_parties(session: AsyncSession, row: Consultation, named: Sequence[Named]) -> None:
    known = await queries.parties(session, row.consultation_id)
    counts = [1 + len(one.also) for one in known] + [1 + len(one.also) for one in named]
    if sum(counts) > MOST_NAMES:
        raise Invalid(f"A consultation has at most {MOST_NAMES} names.")
    for one in named:
        party_id = row.client_id if one.role == "client" else new_id()
        await _keep_party(session, row, one, party_id)


async def _keep_party(
    session: AsyncSession, row: Consultation, one: Named, subject_id: UUID
) -> None:
    session.add(
        Party(
            party_id=new_id(),
            consultation_id=row.consultation_id,
            role=one.role,
            kind=one.kind,
            name=one.name,
            also=list(one.also),
            added_at=clock.now(),
        )
    )
    await session.flush()
    await names.keep(
        session,
        subject_id=subject_id,
        client_id=row.client_id,
        consultation_id=row.consultation_id,
        role="prospect" if one.role == "client" else one.role,
        kind=one.kind,
        written=[one.name, *one.also],
    )


def _require(row: Consultation, *states: str) -> None:
    if row.state not in states:
        raise ConsultationMovedOn(f"The consultation is {row.state}, not {' or '.join(states)}.")


def _sealed(session: AsyncSession, row: Consultation, field: str, value: str) -> Sealed:
    return seal(session, row.client_id, row.consultation_id, "consultation", field, value)


def _requested(session: AsyncSession, row: Consultation) -> ConsultationRequested:
    assert row.name is not None
    assert row.email is not None
    return ConsultationRequested(
        consultation_id=row.consultation_id,
        client_id=row.client_id,
        known_client=row.known_client,
        source=row.source,
        name=_sealed(session, row, "name", row.name),
        email=_sealed(session, row, "email", row.email),
        phone=_sealed(session, row, "phone", row.phone) if row.phone else None,
        time_zone=row.time_zone,
        practice_area=row.practice_area,
        point_of_contact_id=row.point_of_contact_id,
        requested_at=row.requested_at,
    )


def _scheduled(
    session: AsyncSession, row: Consultation, *, cancelled: bool
) -> ConsultationScheduled:
    assert row.staff_id is not None
    assert row.starts_at is not None
    assert row.ends_at is not None
    assert row.channel is not None
    return ConsultationScheduled(
        consultation_id=row.consultation_id,
        client_id=row.client_id,
        sequence=row.sequence,
        cancelled=cancelled,
        staff_id=row.staff_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        channel=row.channel,
        place=_sealed(session, row, "place", row.place or ""),
        name=_sealed(session, row, "name", row.name or ""),
        email=_sealed(session, row, "email", row.email or ""),
    )
