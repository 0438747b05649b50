"""Reminders of deadlines: matters says what is due, sla-monitor when to remind, and who must act
reads both in one mail, once for each step."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from messaging.notices.actions import Subject, tell
from messaging.notices.cases import acting_person, case_of
from messaging.outbound.postponed import NotYetKnown
from messaging.updates import texts
from messaging.updates.actions import conversation_of
from messaging.updates.models import Deadline
from shared import clock
from shared.contracts import Sealed
from shared.contracts.matters import DeadlineScheduled
from shared.contracts.sla_monitor import DeadlineReminderDue
from shared.keyring import unseal


async def keep(session: AsyncSession, event: DeadlineScheduled) -> None:
    """The newest revision counts, whichever is heard last."""
    row = {
        "deadline_id": event.deadline_id,
        "revision": event.revision,
        "title": event.title.model_dump(mode="json"),
        "due_at": event.due_at,
        "cancelled": event.cancelled or event.met_at is not None,
    }
    newer = col(Deadline.revision) < event.revision
    await session.execute(
        insert(Deadline)
        .values(row)
        .on_conflict_do_update(index_elements=["deadline_id"], set_=row, where=newer)
    )


async def remind(session: AsyncSession, event: DeadlineReminderDue) -> None:
    """Nobody, where it was moved or called off meanwhile, or is over. Raises NotYetKnown."""
    known = await session.get(Deadline, event.deadline_id)
    if known is None or known.revision < event.revision:
        raise NotYetKnown(f"deadline {event.deadline_id}, revision {event.revision}")
    now = clock.now()
    if known.revision > event.revision or known.cancelled or known.due_at <= now:
        return
    case = await case_of(session, event.client_id, event.matter_id, now)
    staff = await acting_person(session, event.staff_id, now) if event.staff_id else case.contact
    title = unseal(session, Sealed.model_validate(known.title))
    assert case.matter is not None, "a deadline is of a matter"
    await tell(
        session,
        case.house,
        staff,
        purpose=f"deadline/{event.deadline_id}/{event.revision}/{event.working_days}",
        about="deadline",
        of=Subject(
            conversation_id=conversation_of(event.client_id, event.matter_id),
            client_id=event.client_id,
            matter_id=event.matter_id,
        ),
        title=texts.deadline_subject(event.working_days, case.matter),
        blocks=texts.deadline(
            title, case.client.name, case.matter, known.due_at, event.working_days, case.house.zone
        ),
    )
