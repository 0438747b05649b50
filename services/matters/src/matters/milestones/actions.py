"""Enter what happened, take it back, and tell it when its undo window has passed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import matters.updates.actions as updates
import matters.updates.queries as written
from matters.matters.models import Matter
from matters.matters.queries import hold, hold_open
from matters.milestones import queries
from matters.milestones.models import Happening, Kind, PlanVersion
from matters.milestones.rules import Plan
from matters.settings import MattersSettings
from matters.updates.models import State
from shared import clock
from shared.contracts import Sealed
from shared.contracts.matters import (
    DeadlineScheduled,
    DevelopmentRecorded,
    MilestoneReached,
    MilestoneReverted,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

UNRELEASED: tuple[State, ...] = ("draft", "approved")


class PublishedMeanwhile(Refusal):
    """Somebody else made the next version of this plan at the same time: read it, then write."""


class AlreadyReached(Refusal):
    """The matter reached this milestone before: revert that one first, if it was a mistake."""


class AlreadyReverted(Refusal):
    """Somebody took this back before."""


class AlreadyMet(Refusal):
    """This deadline was met before."""


class AlreadyTold(Refusal):
    """Others were told of it: enter what is right now, and tell the client."""


async def publish_plan(
    session: AsyncSession, area: str, plan: Plan, *, version: int, by: UUID
) -> None:
    """The next version; matters see it from their next milestone on. Raises PublishedMeanwhile for
    the second of two at once."""
    session.add(
        PlanVersion(
            area=area,
            version=version,
            document=plan.model_dump(mode="json"),
            published_at=clock.now(),
            published_by=by,
        )
    )
    try:
        await session.flush()
    except IntegrityError as error:
        raise PublishedMeanwhile("Somebody else made the next version: read it.") from error


async def reach(
    session: AsyncSession, matter: Matter, slug: str, *, at: datetime, note: str, by: UUID
) -> Happening:
    """Raises AlreadyReached, also for the second of two at once. The client's key must be held."""
    found = await queries.plan(session, matter.practice_area)
    if found is None or found[1].find(slug) is None:
        raise Invalid(f"The plan of {matter.practice_area} has no milestone {slug}.")
    happening = await _enter(session, matter, "milestone", at=at, words=note, by=by)
    happening.plan, happening.plan_version, happening.slug = matter.practice_area, found[0], slug
    try:
        await session.flush()
    except IntegrityError as error:
        raise AlreadyReached("The matter reached this milestone before.") from error
    return happening


async def record_development(
    session: AsyncSession,
    matter: Matter,
    *,
    summary: str,
    significant: bool,
    at: datetime,
    by: UUID,
) -> Happening:
    happening = await _enter(session, matter, "development", at=at, words=summary, by=by)
    happening.significant = significant
    return happening


async def schedule_deadline(
    session: AsyncSession, matter: Matter, *, title: str, due_at: datetime, by: UUID
) -> Happening:
    return await _enter(session, matter, "deadline", at=due_at, words=title, by=by)


async def move_deadline(session: AsyncSession, happening: Happening, due_at: datetime) -> None:
    """What was written of the old date is not sent. Raises MatterClosed and AlreadyMet."""
    await hold_open(session, await session.get_one(Matter, happening.matter_id))
    _require_unmet(happening)
    await updates.cancel_of(session, happening.happening_id, states=UNRELEASED)
    happening.at = due_at
    _again(session, happening)


async def meet_deadline(session: AsyncSession, happening: Happening, met_at: datetime) -> None:
    """It was done in time or late: nobody is reminded any more, nor told that it lies ahead. Raises
    AlreadyMet."""
    _require_unmet(happening)
    await updates.cancel_of(session, happening.happening_id, states=UNRELEASED)
    happening.met_at = met_at
    _again(session, happening)


async def revert(session: AsyncSession, happening: Happening, *, reason: str) -> None:
    """Before it is told nothing of it is ever told. After, a milestone is told to be reverted and
    a deadline to be called off; what it would have sent is cancelled, and to a client who read it
    that is drafted. Raises AlreadyMet. The keys must be held."""
    if happening.reverted_at is not None:
        raise AlreadyReverted("Somebody took this back before.")
    _require_unmet(happening)
    if happening.told_at is not None and happening.kind == "development":
        raise AlreadyTold("Others were told of it: enter what is right now, and tell the client.")
    happening.reverted_at = await clock.database_now(session)
    await updates.cancel_of(session, happening.happening_id, states=(*UNRELEASED, "released"))
    if happening.told_at is None:
        happening.told_revision = happening.revision
    elif happening.kind == "deadline":
        _again(session, happening)
    else:
        content = happening.client_id, happening.happening_id, "milestone", "reverted", reason
        emit(
            session,
            MilestoneReverted(
                milestone_id=happening.happening_id,
                matter_id=happening.matter_id,
                client_id=happening.client_id,
                slug=happening.slug,
                reason=seal(session, *content),
                reverted_at=happening.reverted_at,
            ),
        )
        if await written.was_sent(session, happening.happening_id):
            await updates.draft_of(session, happening, "mistaken")


async def tell(session: AsyncSession, happening: Happening) -> None:
    """The undo window has passed: others hear it, and the client's update is drafted; of a deadline
    again when it moved, and when a date that the client knows was called off."""
    matter = await session.get_one(Matter, happening.matter_id)
    await hold(session, matter)
    happening.told_revision = happening.revision
    lies_ahead = happening.reverted_at is None and happening.met_at is None
    if happening.kind == "deadline" and lies_ahead and matter.closed_at is not None:
        return  # others forgot the matter's deadlines when it closed: nobody is to be reminded
    happening.told_at = happening.told_at or await clock.database_now(session)
    emit(session, _told(happening))
    if not happening.significant or happening.met_at is not None:
        return
    known = await written.was_sent(session, happening.happening_id)
    if happening.reverted_at is None:
        await updates.draft_of(session, happening, "moved" if known else None)
    elif known:
        await updates.draft_of(session, happening, "called_off")


async def never_tell(session: AsyncSession, happening: Happening) -> None:
    """The client's key was destroyed meanwhile, and comes never again: there is nobody to tell."""
    happening.reverted_at = await clock.database_now(session)
    happening.told_revision = happening.revision


async def _enter(
    session: AsyncSession, matter: Matter, kind: Kind, *, at: datetime, words: str, by: UUID
) -> Happening:
    await hold_open(session, matter)
    now, happening_id = await clock.database_now(session), new_id()
    content = matter.client_id, happening_id, kind, "words", words
    happening = Happening(
        happening_id=happening_id,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        kind=kind,
        at=at,
        words=seal(session, *content).model_dump(mode="json") if words else None,
        marked_by=by,
        marked_at=now,
        tells_at=now + _undo_window(session),
    )
    session.add(happening)
    return happening


def _require_unmet(happening: Happening) -> None:
    if happening.met_at is not None:
        raise AlreadyMet("This deadline was met before: read it again.")


def _again(session: AsyncSession, happening: Happening) -> None:
    """What changed has an undo window of its own."""
    happening.revision += 1
    happening.tells_at = clock.now() + _undo_window(session)


def _undo_window(session: AsyncSession) -> timedelta:
    settings = session.info["settings"]
    assert isinstance(settings, MattersSettings)
    return timedelta(seconds=settings.matters_undo)


def _told(happening: Happening) -> MilestoneReached | DevelopmentRecorded | DeadlineScheduled:
    words = Sealed.model_validate(happening.words) if happening.words else None
    of: dict[str, Any] = {"matter_id": happening.matter_id, "client_id": happening.client_id}
    if happening.kind == "milestone":
        of |= happening.model_dump(include={"plan", "plan_version", "slug"})
        return MilestoneReached(
            milestone_id=happening.happening_id, reached_at=happening.at, note=words, **of
        )
    if happening.kind == "development":
        of |= {"significant": happening.significant, "happened_at": happening.at}
        return DevelopmentRecorded(development_id=happening.happening_id, summary=words, **of)
    of |= {"revision": happening.revision, "cancelled": happening.reverted_at is not None}
    of |= {"met_at": happening.met_at}
    return DeadlineScheduled(
        deadline_id=happening.happening_id, title=words, due_at=happening.at, **of
    )
