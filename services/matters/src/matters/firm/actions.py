"""Say what the firm is."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from matters.firm.models import Firm
from shared import revisions
from shared.contracts import FIRM_ID
from shared.contracts.matters import EmergencyContact, FirmChanged
from shared.outbox import emit


async def set_firm(
    session: AsyncSession,
    *,
    name: str,
    time_zone: str,
    calendar_id: UUID | None,
    addresses: Sequence[str],
    emergency: EmergencyContact,
    if_match: str | None,
) -> Firm:
    """The firm as it is from now on; raises PreconditionFailed when it is not what was read."""
    firm = await _locked(session)
    revisions.check(if_match, firm.revision or None)
    firm.name, firm.time_zone, firm.calendar_id = name, time_zone, calendar_id
    firm.addresses, firm.emergency = list(addresses), emergency.model_dump()
    firm.revision += 1
    emit(
        session,
        FirmChanged(
            firm_id=FIRM_ID,
            name=name,
            time_zone=time_zone,
            calendar_id=calendar_id,
            addresses=tuple(addresses),
            emergency=emergency,
            revision=firm.revision,
        ),
    )
    return firm


async def _locked(session: AsyncSession) -> Firm:
    """Two who write at once, also the first time, write one after the other."""
    empty = Firm(firm_id=FIRM_ID).model_dump()
    await session.execute(insert(Firm).values(empty).on_conflict_do_nothing())
    found = await session.execute(select(Firm).with_for_update())
    return found.scalar_one()
