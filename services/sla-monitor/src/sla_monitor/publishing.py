"""What others decide or state and clocks follow: calendars and policies by version, who is asked,
and how much messaging has told.

Clocks that run are brought under what is new by the ticker, not here.
"""

from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import shared.clock
from shared.contracts.matters import (
    AbsencePlanned,
    ClientsMerged,
    FirmChanged,
    PointOfContactAssigned,
    StaffChanged,
    StaffRegistered,
    WallLowered,
    WallRaised,
)
from shared.contracts.platform import StreamHeadsStated
from shared.contracts.sla_monitor import CalendarPublished, ClockPolicyPublished, UrgentTerms
from shared.ids import new_id
from shared.keyring import unseal
from shared.outbox import emit
from sla_monitor.calendar import CalendarDraft, publish
from sla_monitor.counting import format_duration
from sla_monitor.models import (
    Absence,
    Calendar,
    ContactAssignment,
    Firm,
    HeadsStatement,
    Kind,
    MergedClient,
    PolicyVersion,
    StaffMember,
    Wall,
)
from sla_monitor.rules import ClockPolicy, LadderStep, Promise


async def publish_calendar(
    session: AsyncSession, draft: CalendarDraft, by: UUID, replaces: Calendar | None = None
) -> Calendar:
    """Keeps a checked calendar, or the next version of one. Raises CalendarRefused."""
    now = shared.clock.now()
    published = publish(draft, now.date())
    row = Calendar(
        calendar_id=replaces.calendar_id if replaces else new_id(),
        version=replaces.version + 1 if replaces else 1,
        name=published.name,
        document=published.model_dump(mode="json"),
        published_at=now,
        published_by=by,
    )
    session.add(row)
    emit(
        session,
        CalendarPublished(
            calendar_id=row.calendar_id,
            calendar_version=row.version,
            name=row.name,
            time_zone=published.time_zone,
        ),
    )
    return row


async def publish_policy(
    session: AsyncSession, kind: Kind, policy: ClockPolicy, version: int, by: UUID
) -> None:
    session.add(
        PolicyVersion(
            kind=kind,
            version=version,
            document=policy.model_dump(mode="json"),
            published_at=shared.clock.now(),
            published_by=by,
        )
    )
    emit(
        session,
        ClockPolicyPublished(
            kind=kind,
            policy_version=version,
            mode=policy.mode.value,
            urgent=UrgentTerms(**_worded(policy.urgent)) if policy.urgent else None,
            **_worded(policy),
        ),
    )


async def note_firm(session: AsyncSession, firm: FirmChanged) -> None:
    """Keeps the newest revision, whatever order they are heard in. ValueError: no such zone."""
    if firm.time_zone not in available_timezones():
        raise ValueError(f"there is no time zone {firm.time_zone!r}")
    known = await session.get(Firm, firm.firm_id)
    if known is None or known.revision < firm.revision:
        await session.merge(
            Firm(
                firm_id=firm.firm_id,
                time_zone=firm.time_zone,
                calendar_id=firm.calendar_id,
                revision=firm.revision,
            )
        )


async def note_staff(session: AsyncSession, entry: StaffRegistered | StaffChanged) -> None:
    await session.merge(
        StaffMember(
            staff_id=entry.staff_id,
            email=unseal(session, entry.email).lower(),
            supervisor_id=entry.supervisor_id,
            stand_in_id=entry.stand_in_id,
            managing_partner=entry.managing_partner,
            active=entry.active if isinstance(entry, StaffChanged) else True,
        )
    )


async def note_contact(session: AsyncSession, assigned: PointOfContactAssigned) -> None:
    await session.merge(
        ContactAssignment(
            assignment_id=assigned.assignment_id,
            client_id=assigned.client_id,
            matter_id=assigned.matter_id,
            staff_id=assigned.staff_id,
            from_at=assigned.from_at,
        )
    )


async def note_absence(session: AsyncSession, planned: AbsencePlanned) -> None:
    """Keeps the newest revision: one that was parked may come last."""
    known = await session.get(Absence, planned.absence_id)
    if known is None or known.revision < planned.revision:
        await session.merge(Absence(**planned.model_dump(include=set(Absence.model_fields))))


async def note_merger(session: AsyncSession, merger: ClientsMerged) -> None:
    """A chain is closed when it is told, in whatever order: who stays is merged into nobody."""
    await session.execute(text("SELECT pg_advisory_xact_lock(10)"))
    further = await session.get(MergedClient, merger.client_id)
    stays = further.client_id if further else merger.client_id
    await session.execute(
        update(MergedClient)
        .where(col(MergedClient.client_id) == merger.merged_id)
        .values(client_id=stays)
    )
    await session.merge(MergedClient(merged_id=merger.merged_id, client_id=stays))


async def note_wall(session: AsyncSession, raised: WallRaised) -> None:
    """One that was lowered stays lowered, whichever is heard first."""
    known = await session.get(Wall, raised.wall_id)
    facts = raised.model_dump(include=set(Wall.model_fields)) | {
        "staff_ids": list(raised.staff_ids)
    }
    await session.merge(Wall(**facts, lowered=known.lowered if known else False))


async def note_wall_lowered(session: AsyncSession, lowered: WallLowered) -> None:
    facts = lowered.model_dump(include={"wall_id", "client_id", "matter_id"})
    await session.merge(Wall(**facts, lowered=True))


async def note_heads(session: AsyncSession, stated: StreamHeadsStated) -> None:
    """The last statement replaces the one before: they travel in one stream, in order."""
    await session.merge(
        HeadsStatement(
            service=stated.service,
            stated_at=stated.stated_at,
            heads=[head.model_dump() for head in stated.heads],
        )
    )


def _worded(promise: Promise) -> dict[str, Any]:
    return {
        "target": format_duration(promise.target),
        "limit": format_duration(promise.limit),
        "warn_at": tuple(format_duration(each) for each in promise.warn_at),
        "ladder": tuple(_rung_text(step) for step in promise.ladder),
    }


def _rung_text(step: LadderStep) -> str:
    """`supervisor@limit+PT4H`: who, and how long after what."""
    return f"{step.to}@{step.at}+{format_duration(step.after)}"
