"""HTTP in: closing statements of contingent matters."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

from billing.closings import actions, queries
from billing.closings.actions import Decided
from billing.closings.models import ClosingStatement
from billing.directory import queries as directory
from billing.documents import actions as documents
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.terms.rules import PhaseCode
from billing.values import Amount, MoneyShown, Prose, shown
from shared import clock
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.contracts import Sealed
from shared.db import Transaction
from shared.errors import Invalid
from shared.idempotency import IdempotentRoute
from shared.keyring import unseal
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit
from shared.values import Line

router = APIRouter(
    prefix="/v1/closing-statements", tags=["closing statements"], route_class=IdempotentRoute
)


class PaidToOthers(BaseModel):
    """Somebody who is paid out of what was recovered, such as a hospital with a lien."""

    model_config = ConfigDict(extra="forbid")
    to: Line
    amount: Amount


class NewClosing(BaseModel):
    """What was recovered at which stage; nothing, and no stage, for a matter that was lost. The
    matter's expenses are known. `replaces` is the version that this one corrects."""

    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    recovered: Amount
    stage: PhaseCode | None = None
    outcome: Prose
    others: Annotated[list[PaidToOthers], Field(max_length=50)] = []
    replaces: Annotated[int, Field(ge=1)] | None = None


class ClosingShown(BaseModel):
    """`base` is what the share of `percent` was taken of; a negative `to_client` is owed."""

    id: UUID
    version: int
    client_id: UUID
    matter_id: UUID
    stage: str | None
    outcome: str
    recovered: MoneyShown
    expenses: MoneyShown
    base: MoneyShown
    percent: str
    fee: MoneyShown
    deducted: MoneyShown
    others: MoneyShown
    to_client: MoneyShown
    entry_id: UUID | None
    text: str
    commitment: str
    issued_at: datetime


@router.post("", status_code=201)
async def post_closing(
    body: NewClosing, caller: Caller, session: Transaction, request: Request
) -> ClosingShown:
    """Say how a contingent matter ended, what the client receives and how that was counted. The fee
    is billable from now on."""
    permit(POLICY, caller, "close matters")
    await hold_keys(request, directory.client_of(body.matter_id))
    matter = await directory.matter_for(session, POLICY, caller, "close matters", body.matter_id)
    contact = await directory.point_of_contact(
        session, matter.client_id, matter.matter_id, clock.now()
    )
    if contact is None:
        raise Invalid("The matter has no point of contact that is known here yet.")
    if any(one.amount.currency != body.recovered.currency for one in body.others):
        raise Invalid("Give all amounts in one currency.")
    decided = Decided(
        stage=body.stage,
        recovered=body.recovered.minor,
        currency=body.recovered.currency,
        others=[(one.to, one.amount.minor) for one in body.others],
        outcome=body.outcome,
        replaces=body.replaces,
    )
    staff = await directory.timekeeper(session, contact)
    row = await actions.close(session, matter, staff, decided, caller.id)
    return _shown(session, row)


@router.get("")
async def list_closings(
    caller: Caller, session: Transaction, request: Request, paging: PageQuery, matter_id: UUID
) -> Page[ClosingShown]:
    """Of a matter, the one in force last."""
    permit(POLICY, caller, "read bills")
    await hold_keys(request, directory.client_of(matter_id))
    matter = await directory.matter_for(session, POLICY, caller, "read bills", matter_id)
    wanted = select(ClosingStatement).where(col(ClosingStatement.matter_id) == matter_id)
    wanted = one_page(wanted, ClosingStatement.statement_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    await record_access(session, caller, matter.client_id, "list")
    return page(
        found, paging, lambda row: _shown(session, row), lambda row: [str(row.statement_id)]
    )


@router.get("/{statement_id}.pdf")
async def get_pdf(
    statement_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """The document itself, byte for byte what the client was told."""
    row = await _readable(session, request, caller, statement_id)
    content, media_type = await documents.content_of(session, row.content_id)
    return Response(content, media_type=media_type)


@router.get("/{statement_id}")
async def get_closing(
    statement_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ClosingShown:
    return _shown(session, await _readable(session, request, caller, statement_id))


async def _readable(
    session: Transaction, request: Request, caller: CallerIdentity, statement_id: UUID
) -> ClosingStatement:
    permit(POLICY, caller, "read bills")
    await hold_keys(request, queries.client_of(statement_id))
    row = await queries.statement(session, statement_id)
    await directory.permit_for(session, POLICY, caller, "read bills", row.client_id, row.matter_id)
    await record_access(session, caller, row.client_id, "client")
    return row


_AMOUNTS = ("recovered", "expenses", "base", "fee", "deducted", "others", "to_client")


def _shown(session: Transaction, row: ClosingStatement) -> ClosingShown:
    facts = row.model_dump(include=set(ClosingShown.model_fields))
    words = {
        "outcome": unseal(session, Sealed.model_validate(row.outcome)),
        "text": unseal(session, Sealed.model_validate(row.text)),
    }
    amounts = {name: shown(facts[name], row.currency) for name in _AMOUNTS}
    percent = f"{row.percent.normalize():f}"
    return ClosingShown.model_validate(
        facts | words | amounts | {"id": row.statement_id, "percent": percent}
    )
