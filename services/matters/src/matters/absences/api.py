"""HTTP in: planned absences, as whole days of the firm's zone."""

from datetime import date, datetime, timedelta
from typing import Annotated, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlmodel import col

import matters.firm.queries as firm
import matters.staff.queries as staff
from matters.absences import actions
from matters.absences.models import Absence
from matters.local_time import beginning_of
from shared import clock, revisions
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import Forbidden, Invalid
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.revisions import IfMatch

STAFF = ("partner", "attorney", "paralegal", "billing", "compliance", "operations")
POLICY: PolicyTable = {
    "read absences": dict.fromkeys((*STAFF, "integration"), "any"),
    "plan absences": {"partner": "any", "operations": "any"},
    "plan one's own absences": dict.fromkeys(STAFF, "any"),
}

router = APIRouter(prefix="/v1/absences", tags=["absences"], route_class=IdempotentRoute)


Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]


class Away(BaseModel):
    """From the beginning of the first day to the end of the last."""

    model_config = ConfigDict(extra="forbid")
    stand_in_id: UUID
    first_day: Day
    last_day: Day

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.first_day <= self.last_day <= self.first_day + timedelta(days=730):
            raise ValueError("the last day is not before the first, and within two years of it")
        return self


class NewAbsence(Away):
    staff_id: UUID


class AbsenceShown(BaseModel):
    id: UUID
    staff_id: UUID
    stand_in_id: UUID
    from_at: datetime
    until_at: datetime
    cancelled_at: datetime | None


@router.post("", status_code=201)
async def post_absence(
    body: NewAbsence, caller: Caller, session: Transaction, response: Response
) -> AbsenceShown:
    """They are away, and who stands in acts for them: not somebody who is away too."""
    await _permit(session, caller, body.staff_id)
    from_at, until_at = await _instants(session, body)
    absence = Absence(
        absence_id=new_id(),
        staff_id=body.staff_id,
        stand_in_id=body.stand_in_id,
        from_at=from_at,
        until_at=until_at,
        planned_by=caller.id,
    )
    return _shown(await actions.plan(session, absence), response)


@router.get("")
async def list_absences(
    caller: Caller, session: Transaction, paging: PageQuery, staff_id: UUID | None = None
) -> Page[AbsenceShown]:
    """In the order of planning, also past and cancelled ones."""
    permit(POLICY, caller, "read absences")
    wanted = one_page(select(Absence), Absence.absence_id, paging)
    if staff_id is not None:
        wanted = wanted.where(col(Absence.staff_id) == staff_id)
    found = (await session.execute(wanted)).scalars().all()
    return page(found, paging, _shown, lambda row: [str(row.absence_id)])


@router.put("/{absence_id}")
async def put_absence(
    absence_id: UUID,
    body: Away,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> AbsenceShown:
    await _permit(session, caller, await _whose(session, absence_id))
    from_at, until_at = await _instants(session, body)
    absence = await actions.change(
        session,
        absence_id,
        stand_in_id=body.stand_in_id,
        from_at=from_at,
        until_at=until_at,
        if_match=if_match,
    )
    return _shown(absence, response)


@router.delete("/{absence_id}", status_code=204)
async def delete_absence(absence_id: UUID, caller: Caller, session: Transaction) -> None:
    """They are there after all; the plan stays on the record as cancelled."""
    await _permit(session, caller, await _whose(session, absence_id))
    await actions.cancel(session, absence_id)


async def _permit(session: Transaction, caller: CallerIdentity, staff_id: UUID | None) -> None:
    """Everybody plans their own."""
    permit(POLICY, caller, "plan one's own absences")
    if caller.role in POLICY["plan absences"]:
        return
    own = await staff.with_email(session, caller.email)
    if own is None or own.staff_id != staff_id:
        raise Forbidden("Only one's own absences, unless one is a partner or of operations.")


async def _whose(session: Transaction, absence_id: UUID) -> UUID | None:
    absence = await session.get(Absence, absence_id)
    return absence.staff_id if absence else None


async def _instants(session: Transaction, body: Away) -> tuple[datetime, datetime]:
    zone = ZoneInfo(await firm.time_zone(session))
    from_at = beginning_of(body.first_day, zone)
    until_at = beginning_of(body.last_day + timedelta(days=1), zone)
    if until_at <= clock.now():
        raise Invalid("That is past: plan what lies ahead.")
    return from_at, until_at


def _shown(absence: Absence, response: Response | None = None) -> AbsenceShown:
    if response is not None:
        response.headers["ETag"] = revisions.etag(absence.revision)
    left_out = {"absence_id", "revision", "planned_by"}
    return AbsenceShown(id=absence.absence_id, **absence.model_dump(exclude=left_out))
