"""HTTP in: concerns about bills."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

from billing.concerns import actions, queries
from billing.concerns.models import BillingConcern
from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.estimates import actions as estimates
from billing.invoices import queries as invoices
from billing.invoices.models import Invoice
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.values import Amount, MoneyShown, Prose, maybe_shown
from shared import clock
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.contracts import Sealed
from shared.contracts.billing import ConcernKind
from shared.db import Transaction
from shared.errors import Invalid
from shared.idempotency import IdempotentRoute
from shared.keyring import unseal
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit

router = APIRouter(prefix="/v1/billing-concerns", tags=["concerns"], route_class=IdempotentRoute)

LineNumber = Annotated[int, Field(ge=1, le=100_000)]


class NewConcern(BaseModel):
    """From an invoice, or some lines of it, or a matter as a whole. With `disputes` the amount is
    contested. Staff say on which channel it came, and when (`raised_at`)."""

    model_config = ConfigDict(extra="forbid")
    matter_id: UUID | None = None
    invoice_id: UUID | None = None
    lines: Annotated[list[LineNumber], Field(max_length=1000)] = []
    kind: ConcernKind
    disputes: bool = False
    text: Prose
    channel: Literal["email", "phone", "staff"] | None = None
    raised_at: AwareDatetime | None = None


class Answer(BaseModel):
    """`acknowledged` says that somebody is on it; only `answered` keeps the promise."""

    model_config = ConfigDict(extra="forbid")
    step: Literal["acknowledged", "answered"] = "answered"
    text: Prose


class CreditedLine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    line: LineNumber
    amount: Amount


class Resolution(BaseModel):
    model_config = ConfigDict(extra="forbid")
    outcome: Literal["explanation", "credit", "dispute"]
    text: Prose
    credit: Annotated[list[CreditedLine], Field(max_length=1000)] = []


class ConcernShown(BaseModel):
    """`answer_by` is what the client was promised, `answer_at_latest` its limit; null for a moment
    after it was raised."""

    id: UUID
    client_id: UUID
    matter_id: UUID
    invoice_id: UUID | None
    lines: list[int]
    kind: ConcernKind
    channel: str
    state: Literal["raised", "acknowledged", "answered", "resolved"]
    disputed: MoneyShown | None
    owner_id: UUID | None
    text: str
    answer: str | None
    outcome: str | None
    conclusion: str | None
    credit_note_id: UUID | None
    arbitration_until: date | None
    raised_at: datetime
    answer_by: datetime | None
    answer_at_latest: datetime | None
    answered_at: datetime | None
    resolved_at: datetime | None


@router.post("", status_code=201)
async def post_concern(
    body: NewConcern, caller: Caller, session: Transaction, request: Request
) -> ConcernShown:
    """Raise a concern: by the client, or by staff for a client who wrote or called."""
    permit(POLICY, caller, "raise concerns")
    by_client = caller.role == "client"
    if by_client and (body.channel or body.raised_at):
        raise Invalid("A client's own concern comes by the portal, now.")
    raised_at = body.raised_at or clock.now()
    if raised_at > clock.now():
        raise Invalid("A concern is recorded once it was raised.")
    matter, invoice = await _about(session, request, caller, body)
    concern = await actions.raise_concern(
        session,
        matter,
        invoice=invoice,
        lines=body.lines,
        disputes=body.disputes,
        kind=body.kind,
        channel="portal" if by_client else body.channel or "staff",
        words=body.text,
        raised_at=raised_at,
        by=caller.id,
    )
    return await _shown(session, concern)


@router.post("/{concern_id}/answers", status_code=201)
async def post_answer(
    concern_id: UUID, body: Answer, caller: Caller, session: Transaction, request: Request
) -> ConcernShown:
    """A person's words; the client receives them by mail and sees them here."""
    concern, _ = await _locked(session, request, caller, concern_id)
    await actions.answer(session, concern, body.step, body.text, caller.id)
    return await _shown(session, concern)


@router.post("/{concern_id}/resolution", status_code=201)
async def post_resolution(
    concern_id: UUID, body: Resolution, caller: Caller, session: Transaction, request: Request
) -> ConcernShown:
    """It ends in an explanation, a credit note, or a dispute that others decide."""
    concern, invoice = await _locked(session, request, caller, concern_id)
    if body.outcome == "credit":
        permit(POLICY, caller, "credit")
    for one in body.credit:
        if invoice is None or one.amount.currency != invoice.currency:
            raise Invalid("Give the credited amounts in the invoice's currency.")
    await actions.resolve(
        session,
        concern,
        invoice,
        outcome=body.outcome,
        credit={one.line: one.amount.minor for one in body.credit},
        words=body.text,
        by=caller.id,
    )
    return await _shown(session, concern)


@router.post("/{concern_id}/settlement", status_code=201)
async def post_settlement(
    concern_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ConcernShown:
    """A dispute was decided elsewhere: the disputed amount is no longer set apart."""
    permit(POLICY, caller, "credit")
    concern, invoice = await _locked(session, request, caller, concern_id)
    if invoice is None:
        raise Invalid("Nothing was disputed.")
    await actions.settle_dispute(session, concern, invoice, caller.id)
    return await _shown(session, concern)


@router.get("")
async def list_concerns(
    caller: Caller,
    session: Transaction,
    request: Request,
    paging: PageQuery,
    client_id: UUID,
    matter_id: UUID | None = None,
) -> Page[ConcernShown]:
    """Of a client, in the order of raising."""
    permit(POLICY, caller, "read bills")
    await hold_keys(request, client_id)
    await directory.permit_for(session, POLICY, caller, "read bills", client_id, matter_id)
    wanted = select(BillingConcern).where(col(BillingConcern.client_id) == client_id)
    if matter_id is not None:
        wanted = wanted.where(col(BillingConcern.matter_id) == matter_id)
    wanted = one_page(wanted, BillingConcern.concern_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    await record_access(session, caller, client_id, "list")
    shown = {one.concern_id: await _shown(session, one) for one in found[: paging.limit]}
    return page(found, paging, lambda row: shown[row.concern_id], lambda row: [str(row.concern_id)])


@router.get("/{concern_id}")
async def get_concern(
    concern_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ConcernShown:
    permit(POLICY, caller, "read bills")
    await hold_keys(request, queries.client_of(concern_id))
    found = await queries.concern(session, concern_id)
    await directory.permit_for(
        session, POLICY, caller, "read bills", found.client_id, found.matter_id
    )
    await record_access(session, caller, found.client_id, "client")
    return await _shown(session, found)


async def _about(
    session: Transaction, request: Request, caller: CallerIdentity, body: NewConcern
) -> tuple[BilledMatter, Invoice | None]:
    """What the concern is about: a matter, and an invoice of it if one is meant, locked."""
    if (body.invoice_id is None) == (body.matter_id is None):
        raise Invalid("Say what it is about: either an invoice or a matter.")
    matter_id = body.matter_id
    if body.invoice_id is not None:
        await hold_keys(request, invoices.client_of(body.invoice_id))
        matter_id = (await invoices.invoice(session, body.invoice_id)).matter_id
    assert matter_id is not None, "an invoice is of a matter"
    if body.invoice_id is None:
        await hold_keys(request, directory.client_of(matter_id))
    matter = await directory.matter_for(session, POLICY, caller, "raise concerns", matter_id)
    await estimates.lock(session, matter_id)
    if body.invoice_id is None:
        return matter, None
    return matter, await invoices.invoice(session, body.invoice_id, lock=True)


async def _locked(
    session: Transaction, request: Request, caller: CallerIdentity, concern_id: UUID
) -> tuple[BillingConcern, Invoice | None]:
    """In the order of all locks: the matter's estimate, the invoice, then the concern."""
    permit(POLICY, caller, "answer concerns")
    await hold_keys(request, queries.client_of(concern_id))
    found = await queries.concern(session, concern_id)
    await directory.permit_for(
        session, POLICY, caller, "answer concerns", found.client_id, found.matter_id
    )
    await estimates.lock(session, found.matter_id)
    invoice = (
        await invoices.invoice(session, found.invoice_id, lock=True) if found.invoice_id else None
    )
    return await queries.concern(session, concern_id, lock=True), invoice


async def _shown(session: Transaction, concern: BillingConcern) -> ConcernShown:
    promised = await queries.promised(session, concern.concern_id)
    words = {
        name: unseal(session, Sealed.model_validate(sealed)) if sealed else None
        for name, sealed in (
            ("text", concern.text),
            ("answer", concern.answer),
            ("conclusion", concern.conclusion),
        )
    }
    facts = concern.model_dump(include=set(ConcernShown.model_fields))
    return ConcernShown.model_validate(
        facts
        | words
        | {
            "id": concern.concern_id,
            "disputed": maybe_shown(concern.disputed, concern.currency),
            "answer_by": promised.target_at if promised else None,
            "answer_at_latest": promised.limit_at if promised else None,
        }
    )
