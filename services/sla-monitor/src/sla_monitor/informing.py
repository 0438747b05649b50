"""Clocks of matters: a client hears of a matter again in time, though there be no news, and
decides and brings in time what they are asked for. Silence is the breach.

Each client of a matter has one open update clock, which a meaningful contact with them meets; the
next opens at that very instant. What must be heard sooner makes it urgent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.contracts.matters import (
    DecisionQuestioned,
    JointClientJoined,
    JointClientLeft,
    StrategyQuestioned,
)
from shared.ids import new_id
from shared.outbox import emit
from sla_monitor import queries, telling
from sla_monitor.clocks import cancel, meet, pin, settle, tell_again
from sla_monitor.models import ClientContact, Clock, Kind, UpdatePrompt

AT_LEAST = timedelta(seconds=1)  # a time to reply that is past when it is named
AT_MOST = timedelta(days=9 * 365)  # a clock that cannot be counted would stop all of its client's


async def follow_matter(
    session: AsyncSession, matter_id: UUID, client_id: UUID, opened_at: datetime
) -> None:
    """From its opening, or from a contact that was heard of before it was."""
    await _follow(session, matter_id, matter_id, client_id, opened_at, within=None)


async def follow_joint_client(session: AsyncSession, event: JointClientJoined) -> None:
    """They are owed from then on what the matter's client is, in the cadence promised for it."""
    open_clocks = await queries.update_clocks(session, event.matter_id)
    within = open_clocks[0].within if open_clocks else None
    joint = event.membership_id, event.matter_id, event.joint_client_id, event.joined_at
    await _follow(session, *joint, within=within)


async def leave(session: AsyncSession, event: JointClientLeft) -> None:
    """Nothing is owed to them in this matter any more; the matter's client hears on."""
    clock = await queries.open_update_clock(session, event.membership_id)
    if clock is not None:
        cancel(session, clock, event.left_at, "joint-client-left")


async def promise_cadence(session: AsyncSession, matter_id: UUID, within: timedelta | None) -> None:
    """A cadence of its own; None is the policy's. What was breached stays so."""
    for clock in await queries.update_clocks(session, matter_id):
        if clock.within != within:
            clock.within = within
            await _settle_told(session, clock)


async def inform(
    session: AsyncSession, matter_id: UUID, client_id: UUID, at: datetime, cause_id: UUID
) -> None:
    """This client heard of the matter from a person, which is no word to the others of it. What is
    heard of late counts from its own instant; what came before the last contact changes nothing."""
    await _remember(session, matter_id, client_id, at, cause_id)
    clock = await queries.update_clock_of(session, matter_id, client_id)
    if clock is None or at <= clock.opened_at:
        return
    assert clock.client_id is not None, "a matter has a client"
    await meet(session, clock, at, cause_id)
    await session.flush()  # one open clock per client of a matter: the old one first
    # What came after this contact, which may be heard of late, is owed still.
    later = await queries.first_prompt(session, matter_id, client_id, after=at)
    await _open(
        session,
        "update",
        clock.conversation_id,
        clock.client_id,
        matter_id,
        at,
        within=clock.within,
        urgent_at=later,
    )


async def prompt(
    session: AsyncSession, matter_id: UUID, at: datetime, cause_id: UUID, *, by: UUID | None = None
) -> None:
    """Something happened that the clients must hear, or one asked (`by`): it is owed sooner. The
    first of several counts."""
    row = {"cause_id": cause_id, "matter_id": matter_id, "client_id": by, "prompted_at": at}
    await session.execute(insert(UpdatePrompt).values(row).on_conflict_do_nothing())
    if by is None:
        prompted = await queries.update_clocks(session, matter_id)
    else:
        asked = await queries.update_clock_of(session, matter_id, by)
        prompted = [asked] if asked else []
    for clock in prompted:
        if at > clock.opened_at and not (clock.urgent_at and clock.urgent_at <= at):
            clock.urgent_at = at
            await _settle_told(session, clock)


async def unprompt(session: AsyncSession, matter_id: UUID, cause_id: UUID) -> None:
    """It did not happen after all: nothing is owed sooner because of it. What was breached stays
    so."""
    gone = await session.get(UpdatePrompt, cause_id, with_for_update=True)
    if gone is None:
        return
    await session.delete(gone)
    await session.flush()
    for clock in await queries.update_clocks(session, matter_id):
        if clock.urgent_at == gone.prompted_at and clock.client_id is not None:
            of = matter_id, clock.client_id
            clock.urgent_at = await queries.first_prompt(session, *of, after=clock.opened_at)
            await _settle_told(session, clock)


async def ask_client(
    session: AsyncSession,
    kind: Kind,
    subject_id: UUID,
    client_id: UUID,
    matter_id: UUID | None,
    asked_at: datetime,
    reply_by: datetime,
) -> None:
    """A decision, or documents and facts, by a time that the firm named. Asked once, however often
    it is heard."""
    if await queries.clock_of(session, kind, subject_id) is None:
        within = min(max(reply_by - asked_at, AT_LEAST), AT_MOST)
        await _open(session, kind, subject_id, client_id, matter_id, asked_at, within=within)


async def await_answer(
    session: AsyncSession, event: DecisionQuestioned | StrategyQuestioned
) -> None:
    """An answer is owed to a client's question, as the policy says. Asked once, however often it is
    heard."""
    if await queries.clock_of(session, "question", event.question_id) is None:
        of = event.question_id, event.client_id, event.matter_id, event.asked_at
        await _open(session, "question", *of)


async def hear_answer(session: AsyncSession, kind: Kind, subject_id: UUID, at: datetime) -> None:
    """The client gave all that they were asked for, or was given the answer that they asked for."""
    clock = await queries.clock_of(session, kind, subject_id)
    if clock is not None:
        await meet(session, clock, at, subject_id)


async def withdraw(session: AsyncSession, decision_id: UUID, at: datetime) -> None:
    clock = await queries.clock_of(session, "decision", decision_id)
    if clock is not None:
        cancel(session, clock, at, "decision-withdrawn")


async def close_matter(
    session: AsyncSession, matter_id: UUID, at: datetime, given_up: Sequence[UUID]
) -> None:
    """Nothing is owed in it any more; a clock of a message ends where somebody gave it up."""
    updates = await queries.update_clocks(session, matter_id)
    asked = await queries.asked_clocks(session, matter_id)
    named = await queries.clocks_named(session, given_up)
    for clock in (*updates, *asked, *named):
        cancel(session, clock, at, "matter-closed")


async def _follow(
    session: AsyncSession,
    subject_id: UUID,
    matter_id: UUID,
    client_id: UUID,
    since: datetime,
    *,
    within: timedelta | None,
) -> None:
    if await queries.open_update_clock(session, subject_id):
        return
    early = await queries.last_contact(session, matter_id, client_id)
    since = max(since, early) if early else since
    await _open(session, "update", subject_id, client_id, matter_id, since, within=within)


async def _open(
    session: AsyncSession,
    kind: Kind,
    subject_id: UUID,
    client_id: UUID,
    matter_id: UUID | None,
    opened_at: datetime,
    *,
    within: timedelta | None = None,
    urgent_at: datetime | None = None,
) -> None:
    terms = await queries.current_terms(session, kind)
    clock = Clock(
        clock_id=new_id(),
        kind=kind,
        conversation_id=subject_id,
        client_id=client_id,
        matter_id=matter_id,
        opened_at=opened_at,
        urgent_at=urgent_at,
        within=within,
        policy_version=terms.policy_version,
        calendar_version=terms.calendar_version,
        time_zone=terms.calendar.time_zone,
        messages=[],
        pauses=[],
        firings=[],
    )
    pin(clock, terms)
    settle(clock, terms)
    session.add(clock)
    emit(session, telling.due(clock, terms))


async def _settle_told(session: AsyncSession, clock: Clock) -> None:
    terms = await queries.pinned_terms(session, clock)
    settle(clock, terms)
    tell_again(session, clock, terms)


async def _remember(
    session: AsyncSession, matter_id: UUID, client_id: UUID, at: datetime, cause_id: UUID
) -> None:
    who = {"matter_id": matter_id, "client_id": client_id}
    row = who | {"contacted_at": at, "cause_id": cause_id}
    kept = insert(ClientContact).values(row)
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=["matter_id", "client_id"],
            set_=row,
            where=col(ClientContact.contacted_at) < at,
        )
    )
