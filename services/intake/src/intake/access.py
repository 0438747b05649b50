"""Who may see and do what, denied by default: partners all, others of the firm the consultations
that are theirs, a person their own, of every entry of theirs. Foreign and missing are one
answer."""

from uuid import UUID

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import intake.consultations.queries as consultations
import intake.directory.queries as directory
from intake.consultations.models import Consultation
from shared.auth import CallerIdentity
from shared.policy import PolicyTable, Relation, permit
from shared.runtime import Runtime

TEAM: dict[str, Relation] = {"partner": "any", "attorney": "team", "paralegal": "team"}
STAFF: dict[str, Relation] = {"partner": "any", "attorney": "any", "paralegal": "any"}
PARTNERS: dict[str, Relation] = {"partner": "any"}

TABLE: PolicyTable = {
    "take consultations": STAFF | {"integration": "any"},
    "read consultations": TEAM | {"compliance": "any", "client": "self"},
    "work on consultations": TEAM,
    "read conflict checks": PARTNERS | {"compliance": "any"},
    "decide conflicts": PARTNERS,
    "declare interests": STAFF | {"compliance": "any"},
    "read engagements": TEAM | {"compliance": "any", "client": "self"},
    "draft engagements": TEAM,
    "approve engagements": PARTNERS,
    "write templates": PARTNERS,
    "read templates": STAFF | {"compliance": "any"},
    "ask for information": TEAM,
    "read information": TEAM | {"compliance": "any", "client": "self"},
    "provide information": TEAM | {"client": "self"},
}


async def may(
    session: AsyncSession, caller: CallerIdentity, action: str, row: Consultation
) -> None:
    """Raises Forbidden or NotFound."""
    relations: set[Relation] = set()
    if caller.role == "client":
        own = await directory.entries(session, caller.client_id)
        relations = {"self"} if row.client_id in own else set()
    elif permit(TABLE, caller, action) == "team" and await _is_theirs(session, caller, row):
        relations = {"team"}
    permit(TABLE, caller, action, relations)


async def holding(
    request: Request, caller: CallerIdentity, action: str, consultation_id: UUID
) -> UUID:
    """The client of a consultation that the caller may act on, with the client's key held for the
    transaction that follows: keys are fetched before it begins."""
    permit(TABLE, caller, action)
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await consultations.consultation(looking, consultation_id)
        await may(looking, caller, action, row)
    await runtime.keys.hold(row.client_id)
    return row.client_id


async def _is_theirs(session: AsyncSession, caller: CallerIdentity, row: Consultation) -> bool:
    staff_id = await directory.staff_id_of(session, caller)
    theirs = consultations.seen_by(staff_id, caller.id)
    found = await session.execute(
        select(col(Consultation.consultation_id)).where(
            col(Consultation.consultation_id) == row.consultation_id, theirs
        )
    )
    return found.first() is not None
