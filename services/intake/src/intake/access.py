"""Who may see and do what, denied by default: partners all, others of the firm the consultations
that are theirs, a person their own, of every entry of theirs. Foreign, walled off and missing are
one answer, whatever the role."""

from collections.abc import Iterable
from uuid import UUID

from fastapi import Request
from sqlalchemy import ColumnElement, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import intake.consultations.queries as consultations
import intake.directory.queries as directory
from intake.consultations.models import Consultation
from intake.engagements.models import Engagement, Signer
from shared.auth import CallerIdentity
from shared.errors import NotFound
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
    elif not await _is_so(session, row, not_walled_off(caller)):
        raise NotFound(consultations.NOTHING)
    elif permit(TABLE, caller, action) == "team":
        staff_id = await directory.staff_id_of(session, caller)
        theirs = await _is_so(session, row, consultations.seen_by(staff_id, caller.id))
        relations = {"team"} if theirs else set()
    permit(TABLE, caller, action, relations)


async def holding(
    request: Request, caller: CallerIdentity, action: str, consultation_id: UUID
) -> UUID:
    """The client of a consultation that the caller may act on, with the keys of all their entries
    held for the transaction that follows: keys are fetched before it begins."""
    permit(TABLE, caller, action)
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await consultations.consultation(looking, consultation_id)
        await may(looking, caller, action, row)
        theirs = await directory.entries(looking, row.client_id)
    await runtime.keys.hold(*theirs)
    return row.client_id


def not_walled_off(
    caller: CallerIdentity, of: type[Consultation] | type[Engagement] = Consultation
) -> ColumnElement[bool]:
    """Consultations, or agreements, that no wall closes to the caller; a client stands before none.
    A wall around a matter, or around a joint client, closes the consultation that the agreement
    came of, and so all that belongs to it."""
    if caller.role == "client":
        return true()
    closed = directory.closed_to(caller)
    clients = select(closed.c.client_id).where(closed.c.matter_id.is_(None))
    agreed = select(col(Engagement.consultation_id)).correlate(None)
    by_matter = agreed.join(closed, closed.c.matter_id == col(Engagement.matter_id))
    jointly = agreed.join(Signer, col(Signer.engagement_id) == col(Engagement.engagement_id)).where(
        col(Signer.client_id).in_(clients)
    )
    behind = union_all(by_matter, jointly)
    return col(of.client_id).not_in(clients) & col(of.consultation_id).not_in(behind)


async def closed_clients(session: AsyncSession, caller: CallerIdentity) -> frozenset[UUID]:
    """Each entry of the clients who stand behind a wall for somebody of the firm."""
    closed = directory.closed_to(caller)
    found = await session.execute(select(closed.c.client_id).where(closed.c.matter_id.is_(None)))
    return frozenset(found.scalars())


async def require_named(
    session: AsyncSession, caller: CallerIdentity, client_ids: Iterable[UUID | None]
) -> None:
    """Clients whom the caller names stand behind no wall. Raises Invalid, as of one who is not
    there."""
    closed = await closed_clients(session, caller)
    for client_id in client_ids:
        if client_id in closed:
            raise directory.unknown(client_id)


async def _is_so(session: AsyncSession, row: Consultation, condition: ColumnElement[bool]) -> bool:
    found = await session.execute(
        select(col(Consultation.consultation_id)).where(
            col(Consultation.consultation_id) == row.consultation_id, condition
        )
    )
    return found.first() is not None
