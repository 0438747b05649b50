"""HTTP in: the firm."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from matters.firm import actions, queries
from matters.firm.models import Firm
from shared import revisions
from shared.auth import Caller
from shared.contracts.matters import EmergencyContact
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.policy import PolicyTable, permit
from shared.revisions import IfMatch
from shared.values import EmailAddress, Line, Prose, TimeZone

POLICY: PolicyTable = {
    "read the firm": dict.fromkeys(
        (
            "partner",
            "attorney",
            "paralegal",
            "billing",
            "compliance",
            "operations",
            "client",
            "integration",
        ),
        "any",
    ),
    "change the firm": {"partner": "any", "operations": "any"},
}

router = APIRouter(tags=["firm"], route_class=IdempotentRoute)


class Emergency(BaseModel):
    """What a client in an emergency is told, in every acknowledgment."""

    model_config = ConfigDict(extra="forbid")
    phone: Line | Literal[""] = ""
    email: EmailAddress | Literal[""] = ""
    text: Prose = ""


class FirmDescribed(BaseModel):
    """`addresses`: where clients write to; the first is the sender of what the firm sends."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    time_zone: TimeZone
    calendar_id: UUID | None = None
    addresses: Annotated[list[EmailAddress], Field(max_length=50)] = []
    emergency: Emergency = Emergency()


@router.get("/v1/firm")
async def get_firm(caller: Caller, session: Transaction, response: Response) -> FirmDescribed:
    permit(POLICY, caller, "read the firm")
    firm = await queries.firm(session)
    if firm is None:
        raise NotFound("The firm is not described yet: PUT /v1/firm does it.")
    return _shown(firm, response)


@router.put("/v1/firm", responses={201: {"model": FirmDescribed, "description": "the first time"}})
async def put_firm(
    body: FirmDescribed,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> FirmDescribed:
    """Say what the firm is, the first time or anew. The calendar is one of /v1/calendars."""
    permit(POLICY, caller, "change the firm")
    firm = await actions.set_firm(
        session,
        name=body.name,
        time_zone=body.time_zone,
        calendar_id=body.calendar_id,
        addresses=list(dict.fromkeys(body.addresses)),
        emergency=EmergencyContact(**body.emergency.model_dump()),
        if_match=if_match,
    )
    response.status_code = 201 if firm.revision == 1 else 200
    return _shown(firm, response)


def _shown(firm: Firm, response: Response) -> FirmDescribed:
    response.headers["ETag"] = revisions.etag(firm.revision)
    return FirmDescribed.model_validate(firm.model_dump(exclude={"firm_id", "revision"}))
