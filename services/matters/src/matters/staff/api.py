"""HTTP in: the directory of the firm's people."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlmodel import col

from matters.staff import actions
from matters.staff.models import StaffMember
from shared import clock, revisions
from shared.auth import Caller
from shared.contracts import FIRM_ID
from shared.contracts.matters import Role
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.revisions import IfMatch
from shared.values import EmailAddress, Line, PhoneNumber

POLICY: PolicyTable = {
    "read staff": dict.fromkeys(
        ("partner", "attorney", "paralegal", "billing", "compliance", "operations", "integration"),
        "any",
    ),
    "register staff": {"partner": "any", "integration": "any"},
    "change staff": {"partner": "any"},
}

router = APIRouter(prefix="/v1/staff", tags=["staff"], route_class=IdempotentRoute)


class NewStaff(BaseModel):
    """`supervisor_id` hears of what this member leaves undone; `stand_in_id` of absences."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    email: EmailAddress
    role: Role
    phone: PhoneNumber | None = None
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False


class StaffEntry(NewStaff):
    active: bool = True


class StaffShown(BaseModel):
    id: UUID
    name: str
    email: str
    role: Role
    phone: str | None
    supervisor_id: UUID | None
    stand_in_id: UUID | None
    managing_partner: bool
    active: bool


@router.post("", status_code=201)
async def post_staff(
    body: NewStaff, caller: Caller, session: Transaction, request: Request, response: Response
) -> StaffShown:
    permit(POLICY, caller, "register staff")
    await request.state.runtime.keys.hold(FIRM_ID)
    member = StaffMember(staff_id=new_id(), registered_at=clock.now(), **body.model_dump())
    await actions.register(session, member)
    return _with_etag(member, response)


@router.get("")
async def list_staff(
    caller: Caller, session: Transaction, paging: PageQuery, email: EmailAddress | None = None
) -> Page[StaffShown]:
    """Everybody, in the order of registration, also who is not active any more."""
    permit(POLICY, caller, "read staff")
    wanted = one_page(select(StaffMember), StaffMember.staff_id, paging)
    if email is not None:
        wanted = wanted.where(col(StaffMember.email) == email)
    found = (await session.execute(wanted)).scalars().all()
    return page(found, paging, _shown, lambda row: [str(row.staff_id)])


@router.get("/{staff_id}")
async def get_staff(
    staff_id: UUID, caller: Caller, session: Transaction, response: Response
) -> StaffShown:
    permit(POLICY, caller, "read staff")
    member = await session.get(StaffMember, staff_id)
    if member is None:
        raise NotFound("There is no such member of staff.")
    return _with_etag(member, response)


@router.put("/{staff_id}")
async def put_staff(
    staff_id: UUID,
    body: StaffEntry,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> StaffShown:
    """Replace the entry: what is left out is unset. Who is a point of contact stays active."""
    permit(POLICY, caller, "change staff")
    await request.state.runtime.keys.hold(FIRM_ID)
    member = await actions.change(session, staff_id, if_match=if_match, **body.model_dump())
    return _with_etag(member, response)


def _with_etag(member: StaffMember, response: Response) -> StaffShown:
    response.headers["ETag"] = revisions.etag(member.revision)
    return _shown(member)


def _shown(member: StaffMember) -> StaffShown:
    return StaffShown(
        id=member.staff_id,
        **member.model_dump(exclude={"staff_id", "revision", "registered_at"}),
    )
