"""HTTP in: who is the point of contact of a client or a matter, and handing over."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from matters import access
from matters.contacts import actions, queries
from matters.contacts.models import PointOfContact
from matters.local_time import PointInTime
from shared import revisions
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.policy import PolicyTable
from shared.revisions import IfMatch

POLICY: PolicyTable = {
    "read points of contact": {
        "partner": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "hand over": {"partner": "any"},
}

router = APIRouter(prefix="/v1", tags=["points of contact"], route_class=IdempotentRoute)


class Handover(BaseModel):
    """`from_at` is now unless a later instant is given; the past cannot be handed over."""

    model_config = ConfigDict(extra="forbid")
    staff_id: UUID
    stand_in_id: UUID | None = None
    from_at: PointInTime | None = None


class ContactShown(BaseModel):
    """`until_at` is null unless a later handover is planned."""

    staff_id: UUID
    stand_in_id: UUID | None
    from_at: datetime
    until_at: datetime | None


@router.get("/clients/{client_id}/point-of-contact")
async def get_contact_of_client(
    client_id: UUID, caller: Caller, session: Transaction, response: Response
) -> ContactShown:
    """The one in force now."""
    await access.client(session, caller, POLICY, "read points of contact", client_id)
    return await _in_force(session, caller, client_id, None, response)


@router.put("/clients/{client_id}/point-of-contact")
async def put_contact_of_client(
    client_id: UUID,
    body: Handover,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> ContactShown:
    """Hand the client over. If-Match is the ETag of the contact in force at that instant."""
    await access.client(session, caller, POLICY, "hand over", client_id)
    return await _hand_over(session, client_id, body, caller, if_match, response)


@router.get("/matters/{matter_id}/point-of-contact")
async def get_contact_of_matter(
    matter_id: UUID, caller: Caller, session: Transaction, response: Response
) -> ContactShown:
    """The one in force now."""
    matter = await access.matter(session, caller, POLICY, "read points of contact", matter_id)
    return await _in_force(session, caller, matter.client_id, matter_id, response)


@router.put("/matters/{matter_id}/point-of-contact")
async def put_contact_of_matter(
    matter_id: UUID,
    body: Handover,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> ContactShown:
    """Hand the matter over. If-Match is the ETag of the contact in force at that instant."""
    await access.matter(session, caller, POLICY, "hand over", matter_id)
    return await _hand_over(session, matter_id, body, caller, if_match, response)


async def _in_force(
    session: Transaction,
    caller: CallerIdentity,
    client_id: UUID,
    matter_id: UUID | None,
    response: Response,
) -> ContactShown:
    found = await queries.in_force(session, matter_id or client_id)
    assert found is not None, "a client or matter is never without a point of contact"
    await record_access(session, caller, client_id, "client")
    return _shown(found, response)


async def _hand_over(
    session: Transaction,
    subject_id: UUID,
    body: Handover,
    caller: CallerIdentity,
    if_match: str | None,
    response: Response,
) -> ContactShown:
    assignment = await actions.hand_over(
        session, subject_id, by=caller.id, if_match=if_match, **body.model_dump()
    )
    return _shown(assignment, response)


def _shown(found: PointOfContact, response: Response) -> ContactShown:
    response.headers["ETag"] = revisions.etag(found.assignment_id)
    return ContactShown(**found.model_dump(include=set(ContactShown.model_fields)))
