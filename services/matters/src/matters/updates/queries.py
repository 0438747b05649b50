"""Updates of a matter, and the facts that a draft is made of."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

import matters.contacts.queries as contacts
import matters.joint_clients.queries as joint_clients
import matters.milestones.queries as milestones
from matters.clients.models import Client
from matters.matters.models import Matter
from matters.milestones.models import Happening
from matters.sealed import opened
from matters.staff.models import StaffMember
from matters.updates.models import Format, ProgressUpdate, State, UpdateRequest
from matters.updates.rules import Changed, Facts, Named, enumerated, wished_format
from shared import clock

MOST_NEWS, MOST_DATES = 6, 4


def light(*, bodies: bool) -> Select[ProgressUpdate]:
    """Rows without their reports, and without `bodies`: what is long is read where it is shown."""
    long = ("report",) if bodies else ("report", "body")
    return select(ProgressUpdate).options(
        *(defer(inspect(ProgressUpdate).attrs[name].class_attribute) for name in long)
    )


async def locked(session: AsyncSession, update_id: UUID) -> ProgressUpdate | None:
    return await session.get(ProgressUpdate, update_id, with_for_update=True)


async def same_words(session: AsyncSession, update: ProgressUpdate) -> list[ProgressUpdate]:
    """This update, and those of the same draft for the matter's other clients, locked in one
    order and as they are now."""
    its = col(ProgressUpdate.update_id) == update.update_id
    if update.draft_id is not None:
        its |= col(ProgressUpdate.draft_id) == update.draft_id
    found = await session.execute(
        select(ProgressUpdate)
        .where(its)
        .order_by(col(ProgressUpdate.update_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found.scalars())


async def open_request(
    session: AsyncSession, matter_id: UUID, client_id: UUID
) -> UpdateRequest | None:
    found = await session.execute(
        select(UpdateRequest)
        .where(
            col(UpdateRequest.matter_id) == matter_id,
            col(UpdateRequest.client_id) == client_id,
            col(UpdateRequest.answered_at).is_(None),
        )
        .with_for_update()
    )
    return found.scalar_one_or_none()


async def unreleased(
    session: AsyncSession, until: datetime, limit: int
) -> Sequence[ProgressUpdate]:
    """Approved ones whose undo window has passed; others' are left out."""
    found = await session.execute(
        select(ProgressUpdate)
        .where(col(ProgressUpdate.state) == "approved", col(ProgressUpdate.releases_at) <= until)
        .order_by(col(ProgressUpdate.releases_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.scalars().all()


async def was_sent(session: AsyncSession, happening_id: UUID) -> bool:
    """Whether a client was told of it, or is about to be."""
    found = await session.execute(
        select(
            exists().where(
                col(ProgressUpdate.source_id) == happening_id,
                col(ProgressUpdate.state).in_(("released", "sent")),
            )
        )
    )
    return bool(found.scalar_one())


async def unsent(
    session: AsyncSession, *which: ColumnElement[bool], states: Collection[State]
) -> Sequence[ProgressUpdate]:
    """Those of these that are in one of these states, locked."""
    found = await session.execute(
        select(ProgressUpdate)
        .where(*which, col(ProgressUpdate.state).in_(states))
        .order_by(col(ProgressUpdate.update_id))
        .with_for_update()
    )
    return found.scalars().all()


async def names(session: AsyncSession, matter: Matter) -> str:
    """What the clients of a matter are called together: `Ada Marsh and Marc Marsh`."""
    ids = await joint_clients.clients_of(session, matter)
    found = await session.execute(
        select(col(Client.client_id), col(Client.name)).where(col(Client.client_id).in_(ids))
    )
    called = {client_id: name for client_id, name in found}
    return enumerated([called[one] for one in ids])


async def preferred_format(session: AsyncSession, client_id: UUID) -> Format:
    client = await session.get_one(Client, client_id)
    return wished_format(client.preferences.get("updates"))


async def facts(
    session: AsyncSession,
    matter: Matter,
    *,
    news: Happening | None = None,
    changed: Changed | None = None,
    note: str = "",
) -> Facts:
    """What a draft says, from what is known now. The client's key must be held."""
    client = await session.get_one(Client, matter.client_id)
    contact = await contacts.in_force(session, matter.matter_id)
    assert contact is not None, "a matter is never without a point of contact"
    author = await session.get_one(StaffMember, contact.staff_id)
    happened = await milestones.happenings(session, matter.matter_id)
    told_at = await _last_told(session, matter.matter_id)
    plan = await milestones.plan(session, matter.practice_area)
    reached = {one.slug for one in happened if one.slug}
    since = [one for one in happened if one.told_at and (told_at is None or one.told_at > told_at)]
    shown = [one for one in since if one.kind != "deadline"][-MOST_NEWS:]
    told = [await _named(session, news, changed)] if news else None
    due = await milestones.ahead(session, matter.matter_id, clock.now())
    ahead = [one for one in due if one.told_at and one is not news]
    next_one = plan[1].after(reached) if plan and reached else None
    return Facts(
        client=await names(session, matter),
        contact=author.name,
        matter=matter.title,
        zone=ZoneInfo(client.time_zone),
        news=told or [await _named(session, one) for one in shown],
        note=note,
        coming=Named(name=next_one.name, meaning=next_one.meaning) if next_one else None,
        upcoming=[await _named(session, one) for one in ahead[:MOST_DATES]],
        last_told=told_at,
    )


async def _named(
    session: AsyncSession, happening: Happening, changed: Changed | None = None
) -> Named:
    """By the plan under which it was reached, whatever was published since."""
    words = opened(session, happening.words) if happening.words else ""
    if happening.slug is None:
        named = Named(name=words, at=happening.at, to_the_minute=happening.kind == "deadline")
        return named.but(changed) if changed else named
    assert happening.plan is not None
    assert happening.plan_version is not None
    plan = await milestones.plan_version(session, happening.plan, happening.plan_version)
    milestone = plan.find(happening.slug) if plan else None
    assert milestone is not None, "what was reached stood in its plan, and versions never change"
    meaning = "\n".join(part for part in (milestone.meaning, words) if part)
    named = Named(name=milestone.name, meaning=meaning, at=happening.at)
    return named.but(changed) if changed else named


async def _last_told(session: AsyncSession, matter_id: UUID) -> datetime | None:
    found = await session.execute(
        select(func.max(ProgressUpdate.sent_at)).where(col(ProgressUpdate.matter_id) == matter_id)
    )
    return found.scalar_one()
