"""Open matters."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import matters.contacts.actions as contacts
import matters.firm.queries as firm
from matters.matters.models import Matter
from shared import clock
from shared.contracts.matters import MatterOpened
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

# The row is locked to the end of the transaction: a number that is rolled back is given again.
_NEXT_NUMBER = text("""
    INSERT INTO matter_numbers (year, last_number) VALUES (:year, 1)
    ON CONFLICT (year) DO UPDATE SET last_number = matter_numbers.last_number + 1
    RETURNING last_number
""")


async def open_matter(
    session: AsyncSession,
    *,
    client_id: UUID,
    title: str,
    practice_area: str,
    reason: str,
    point_of_contact_id: UUID,
    by: UUID,
    matter_id: UUID | None = None,
    opened_at: datetime | None = None,
    engagement_id: UUID | None = None,
) -> Matter:
    """By a signed engagement, or by a partner's reason, which is sealed in the event. The client's
    key must be held."""
    matter_id, opened_at = matter_id or new_id(), opened_at or await clock.database_now(session)
    await contacts.require_may_answer(session, point_of_contact_id, client_id, matter_id)
    year = opened_at.astimezone(ZoneInfo(await firm.time_zone(session))).year
    # Late, for from here to the commit all others who open a matter wait.
    last = (await session.execute(_NEXT_NUMBER, {"year": year})).scalar_one()
    matter = Matter(
        matter_id=matter_id,
        client_id=client_id,
        number=f"{year}-{last:04d}",
        title=title,
        practice_area=practice_area,
        opened_at=opened_at,
        engagement_id=engagement_id,
    )
    session.add(matter)
    await session.flush()
    emit(
        session,
        MatterOpened(
            matter_id=matter_id,
            client_id=client_id,
            number=matter.number,
            title=seal(session, client_id, matter_id, "matter", "title", title),
            practice_area=practice_area,
            reason=seal(session, client_id, matter_id, "matter", "reason", reason),
            opened_at=opened_at,
            engagement_id=engagement_id,
        ),
    )
    contacts.assign_first(
        session,
        client_id=client_id,
        matter_id=matter_id,
        staff_id=point_of_contact_id,
        from_at=opened_at,
        by=by,
    )
    return matter
