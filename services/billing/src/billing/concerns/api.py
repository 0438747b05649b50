"""HTTP in: concerns about bills."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

from billing.concerns import actions, queries, questions
from billing.concerns.models import BillingConcern, BillQuestion
from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.estimates import actions as estimates
from billing.invoices import doors
from billing.invoices import queries as invoices
from billing.invoices.models import Invoice
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.values import Amount, Day, MoneyShown, Prose, maybe_shown
from shared import clock
from shared.accesses import record_access, record_accesses
from shared.auth import Caller, CallerIdentity
from shared.contracts import Sealed
from shared.contracts.billing import ConcernKind
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.keyring import unseal
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit

router = APIRouter(prefix="/v1/billing-concerns", tags=["concerns"], route_class=IdempotentRoute)

LineNumber = Annotated[int, Field(ge=1, le=100_000)]


class NewConcern(BaseModel):
    """From an invoice, or some lines of it, or a matter as a whole. With `disputes` the amount is
    contested. Staff say on which channel it came, and when (`raised_at`), or name the client's
    message (`message_id`), which counts from when it was received."""

    model_config = ConfigDict(extra="forbid")
    matter_id: UUID | None = None
    invoice_id: UUID | None = None
    lines: Annotated[list[LineNumber], Field(max_length=1000)] = []
    kind: ConcernKind
    disputes: bool = False
    text: Prose
    channel: Literal["email", "phone", "staff"] | None = None
    raised_at: AwareDatetime | None = None
    message_id: UUID | None = None


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
    """`arbitration_served_on`: when the client was served the form that a profile of the terms asks
    for before a dispute."""

    model_config = ConfigDict(extra="forbid")
    outcome: Literal["explanation", "credit", "dispute"]
    text: Prose
    credit: Annotated[list[CreditedLine], Field(max_length=1000)] = []
    arbitration_served_on: Day | None = None


class Settlement(BaseModel):
    """How those who had to decide decided, as the client is told; with what is credited by it."""

    model_config = ConfigDict(extra="forbid")
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
    arbitration_form: str | None
    arbitration_until: date | None
    settlement: str | None
    message_id: UUID | None
    raised_at: datetime
    answer_by: datetime | None
    answer_at_latest: datetime | None
    answered_at: datetime | None
    resolved_at: datetime | None
    settled_at: datetime | None


class QuestionShown(BaseModel):
    """A client's message about bills, to be read in messaging. `invoice_id` is the newest bill that
    they had when they wrote."""

    message_id: UUID
    matter_id: UUID
    invoice_id: UUID | None
    received_at: datetime


@router.post("", status_code=201)
async def post_concern(
    body: NewConcern, caller: Caller, session: Transaction, request: Request
) -> ConcernShown:
    """Raise a concern: by the client, or by staff for a client who wrote or called."""
    permit(POLICY, caller, "raise concerns")
    by_client = caller.role == "client"
    if by_client and (body.channel or body.raised_at or body.message_id):
        raise Invalid("A client's own concern comes by the portal, now.")
    raised_at = body.raised_at or await _received(session, body) or clock.now()
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
        channel="portal" if by_client else body.channel or _channel(body),
        words=body.text,
        raised_at=raised_at,
        message_id=body.message_id,
        by=caller.id,
    )
    return await _shown(session, concern)


@router.get("/questions")
async def list_questions(
    caller: Caller, session: Transaction, paging: PageQuery, matter_id: UUID
) -> Page[QuestionShown]:
    """What clients answered to letters about a matter's bills and nobody has read as a concern yet,
    in the order of writing."""
    matter = await directory.matter_for(session, POLICY, caller, "answer concerns", matter_id)
    wanted = select(BillQuestion).where(
        col(BillQuestion.matter_id) == matter_id,
        col(BillQuestion.concern_id).is_(None),
        col(BillQuestion.dismissed_at).is_(None),
    )
    wanted = one_page(wanted, BillQuestion.message_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    await record_access(session, caller, matter.client_id, "list")
    return page(found, paging, _question, lambda row: [str(row.message_id)])


@router.post("/questions/{message_id}/dismissal", status_code=201)
async def post_dismissal(message_id: UUID, caller: Caller, session: Transaction) -> QuestionShown:
    """It was no concern: a word of thanks, or about something else."""
    permit(POLICY, caller, "answer concerns")
    found = await session.get(BillQuestion, message_id)
    if found is None:
        raise NotFound(directory.NOTHING_HERE)
    await directory.matter_for(session, POLICY, caller, "answer concerns", found.matter_id)
    return _question(await questions.dismiss(session, message_id))


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
    await actions.resolve(
        session,
        concern,
        invoice,
        outcome=body.outcome,
        credit=_amounts(invoice, body.credit),
        words=body.text,
        served_on=body.arbitration_served_on,
        by=caller.id,
    )
    return await _shown(session, concern)


@router.post("/{concern_id}/settlement", status_code=201)
async def post_settlement(
    concern_id: UUID, body: Settlement, caller: Caller, session: Transaction, request: Request
) -> ConcernShown:
    """A dispute was decided elsewhere: the disputed amount is no longer set apart, and the client
    is told how it ended."""
    permit(POLICY, caller, "credit")
    concern, invoice = await _locked(session, request, caller, concern_id)
    credit = _amounts(invoice, body.credit)
    await actions.settle_dispute(
        session, concern, invoice, credit=credit, words=body.text, by=caller.id
    )
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
    wanted = select(BillingConcern).where(
        col(BillingConcern.client_id).in_(directory.entries_of(client_id)),
        directory.not_walled_off(caller, BillingConcern),
    )
    if matter_id is not None:
        wanted = wanted.where(col(BillingConcern.matter_id) == matter_id)
    wanted = one_page(wanted, BillingConcern.concern_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    read = {client_id, *(one.client_id for one in found[: paging.limit])}
    await record_accesses(session, caller, read, "list")
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


def _amounts(invoice: Invoice | None, credit: Sequence[CreditedLine]) -> dict[int, int]:
    if credit and invoice is None:
        raise Invalid("A credit is of an invoice: the concern names none.")
    for one in credit:
        assert invoice is not None
        doors.in_its_currency(invoice, one.amount)
    amounts = {one.line: one.amount.minor for one in credit}
    if len(amounts) < len(credit):
        raise Invalid("Name each line once.")
    return amounts


def _channel(body: NewConcern) -> actions.Channel:
    return "email" if body.message_id else "staff"


async def _received(session: Transaction, body: NewConcern) -> datetime | None:
    found = await session.get(BillQuestion, body.message_id) if body.message_id else None
    return found.received_at if found else None


def _question(row: BillQuestion) -> QuestionShown:
    return QuestionShown.model_validate(row.model_dump(include=set(QuestionShown.model_fields)))


async def _shown(session: Transaction, concern: BillingConcern) -> ConcernShown:
    promised = await queries.promised(session, concern.concern_id)
    words = {
        name: unseal(session, Sealed.model_validate(sealed)) if sealed else None
        for name, sealed in (
            ("text", concern.text),
            ("answer", concern.answer),
            ("conclusion", concern.conclusion),
            ("settlement", concern.settlement),
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
