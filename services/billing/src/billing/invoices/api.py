"""HTTP in: invoices, credit notes and how receivers of LEDES want theirs."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlmodel import col

from billing import money
from billing.directory import queries as directory
from billing.invoices import actions, doors, ledes, paper, preflight, queries
from billing.invoices.ledes import LedesProfile
from billing.invoices.models import Invoice, ReceiverProfile
from billing.invoices.views import (
    CreditShown,
    Discount,
    FindingShown,
    InvoiceShown,
    InvoiceSummary,
    NewCredit,
    NewInvoice,
    State,
    WriteDown,
    credit_shown,
    invoice_shown,
    summary,
)
from billing.keys import hold_keys
from billing.policy import POLICY
from shared import revisions
from shared.accesses import record_access, record_accesses
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import Invalid, NotFound, Refusal
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit
from shared.revisions import IfMatch

router = APIRouter(prefix="/v1", tags=["invoices"], route_class=IdempotentRoute)


class LedesRefused(Refusal):
    """The receiver's checks would refuse the file; `findings` says what to mend first."""


@router.post("/invoices", status_code=201)
async def post_invoice(
    body: NewInvoice, caller: Caller, session: Transaction, request: Request, response: Response
) -> InvoiceShown:
    """Draft an invoice of all that is billable. Nobody else can invoice the same work meanwhile."""
    permit(POLICY, caller, "draft invoices")
    await hold_keys(request, directory.client_of(body.matter_id))
    matter = await directory.matter_for(session, POLICY, caller, "draft invoices", body.matter_id)
    approver = await directory.timekeeper(session, body.approver_id)
    drafted = await actions.draft(
        session,
        matter,
        approver=approver,
        period_to=body.period_to,
        period_from=body.period_from,
        by=caller.id,
    )
    return await _shown(session, drafted.invoice_id, response)


@router.post("/invoices/{invoice_id}/write-downs", status_code=201)
async def post_write_down(
    invoice_id: UUID,
    body: WriteDown,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> InvoiceShown:
    """Less for one line, with the reason, which the client reads. An approval is taken back."""
    invoice = await doors.locked(session, request, caller, "draft invoices", invoice_id, if_match)
    doors.in_its_currency(invoice, body.less)
    await actions.write_down(session, invoice, body.line, body.less.minor, body.reason)
    return await _shown(session, invoice_id, response)


@router.post("/invoices/{invoice_id}/discounts", status_code=201)
async def post_discount(
    invoice_id: UUID,
    body: Discount,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> InvoiceShown:
    """Less for the whole invoice, as a line of its own. An approval is taken back."""
    invoice = await doors.locked(session, request, caller, "draft invoices", invoice_id, if_match)
    if body.less is not None:
        doors.in_its_currency(invoice, body.less)
        amount = body.less.minor
    else:
        assert body.percent is not None
        amount = money.share(invoice.fees + invoice.expenses, body.percent)
    await actions.discount(session, invoice, amount, body.reason)
    return await _shown(session, invoice_id, response)


@router.delete("/invoices/{invoice_id}/lines/{number}")
async def delete_line(
    invoice_id: UUID,
    number: int,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> InvoiceShown:
    """Take a line off the draft: its entry can be invoiced later."""
    invoice = await doors.locked(session, request, caller, "draft invoices", invoice_id, if_match)
    await actions.take_off(session, invoice, number)
    return await _shown(session, invoice_id, response)


@router.post("/invoices/{invoice_id}/approval", status_code=201)
async def post_approval(
    invoice_id: UUID,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> InvoiceShown:
    """The named approver, and nobody else, approves it as it stands."""
    invoice = await doors.locked(session, request, caller, "approve invoices", invoice_id)
    staff = await directory.staff_of(session, caller)
    await actions.approve(session, invoice, staff, if_match)
    return await _shown(session, invoice_id, response)


@router.post("/invoices/{invoice_id}/issue", status_code=201)
async def post_issue(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> InvoiceShown:
    """It gets its number and is owed. Where the client's system takes LEDES, the file must pass its
    checks first. The mail to the client follows."""
    invoice = await doors.locked(session, request, caller, "issue invoices", invoice_id)
    _, findings = await _ledes(session, invoice)
    _refuse(findings)
    await actions.issue(session, invoice, caller.id)
    return await _shown(session, invoice_id, response)


@router.post("/invoices/{invoice_id}/discard", status_code=201)
async def post_discard(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> InvoiceShown:
    """Give up a draft; what was on it can be invoiced again."""
    invoice = await doors.locked(session, request, caller, "draft invoices", invoice_id)
    await actions.discard(session, invoice)
    return await _shown(session, invoice_id, response)


@router.post("/invoices/{invoice_id}/credit-notes", status_code=201)
async def post_credit(
    invoice_id: UUID, body: NewCredit, caller: Caller, session: Transaction, request: Request
) -> CreditShown:
    """Part or all of an issued invoice is no longer owed; the invoice stays as it was."""
    invoice = await doors.locked(session, request, caller, "credit", invoice_id)
    for one in body.lines:
        doors.in_its_currency(invoice, one.amount)
    amounts = {one.line: one.amount.minor for one in body.lines}
    if len(amounts) < len(body.lines):
        raise Invalid("Name each line once.")
    note = await actions.credit(session, invoice, amounts, body.reason, caller.id)
    return credit_shown(session, note, invoice.currency)


@router.get("/invoices")
async def list_invoices(
    caller: Caller,
    session: Transaction,
    paging: PageQuery,
    client_id: UUID,
    matter_id: UUID | None = None,
    state: State | None = None,
) -> Page[InvoiceSummary]:
    """Of a client, in the order of drafting. Clients see what was issued."""
    permit(POLICY, caller, "read bills")
    await directory.permit_for(session, POLICY, caller, "read bills", client_id, matter_id)
    wanted = select(Invoice).where(
        col(Invoice.client_id).in_(directory.entries_of(client_id)),
        directory.not_walled_off(caller, Invoice),
    )
    if matter_id is not None:
        wanted = wanted.where(col(Invoice.matter_id) == matter_id)
    if caller.role == "client":
        state = "issued"
    if state is not None:
        wanted = wanted.where(col(Invoice.state) == state)
    found = (await session.execute(one_page(wanted, Invoice.invoice_id, paging))).scalars().all()
    read = {client_id, *(one.client_id for one in found[: paging.limit])}
    await record_accesses(session, caller, read, "list")
    return page(found, paging, summary, lambda row: [str(row.invoice_id)])


@router.get("/invoices/{invoice_id}.pdf")
async def get_pdf(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """What is issued is the same bytes for ever; a draft says that it is one."""
    await _readable(session, request, caller, invoice_id)
    invoice = await queries.invoice(session, invoice_id, lock=True)
    content = await paper.pdf(session, invoice)
    await record_access(session, caller, invoice.client_id, "client")
    return Response(content, media_type="application/pdf")


@router.get("/invoices/{invoice_id}.ledes")
async def get_ledes(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """LEDES 1998B in the way that the client's profile wants it, once its checks pass."""
    invoice = await _readable(session, request, caller, invoice_id)
    text, findings = await _ledes(session, invoice)
    if text is None:
        raise Invalid("The client has no LEDES profile: say first how their system wants it.")
    _refuse(findings)
    await record_access(session, caller, invoice.client_id, "client")
    return Response(text, media_type="text/plain; charset=us-ascii")


@router.get("/invoices/{invoice_id}/preflight")
async def get_preflight(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request
) -> list[FindingShown]:
    """What the client's system would refuse, before anything is sent; empty when nothing."""
    invoice = await _readable(session, request, caller, invoice_id)
    _, findings = await _ledes(session, invoice)
    return [FindingShown(**one._asdict()) for one in findings]


@router.get("/invoices/{invoice_id}")
async def get_invoice(
    invoice_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> InvoiceShown:
    invoice = await _readable(session, request, caller, invoice_id)
    await record_access(session, caller, invoice.client_id, "client")
    return await _shown(session, invoice_id, response)


@router.get("/clients/{client_id}/ledes-profile")
async def get_profile(
    client_id: UUID, caller: Caller, session: Transaction, response: Response
) -> LedesProfile:
    await directory.permit_for(session, POLICY, caller, "draft invoices", client_id)
    row = await queries.profile(session, client_id)
    if row is None:
        raise NotFound(directory.NOTHING_HERE)
    response.headers["ETag"] = revisions.etag(row.revision)
    return LedesProfile.model_validate(row.profile)


@router.put("/clients/{client_id}/ledes-profile")
async def put_profile(
    client_id: UUID,
    body: LedesProfile,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> LedesProfile:
    """How the client's system wants its invoices: from now on none is issued that it would
    refuse."""
    permit(POLICY, caller, "draft invoices")
    client = await directory.client(session, client_id)
    await directory.permit_for(session, POLICY, caller, "draft invoices", client_id)
    row = await queries.profile(session, client_id, lock=True)
    revisions.check(if_match, row.revision if row else None)
    document = body.model_dump(mode="json")
    if row is None:
        row = ReceiverProfile(client_id=client.client_id, profile=document)
        session.add(row)
    else:
        row.profile, row.revision = document, row.revision + 1
    response.headers["ETag"] = revisions.etag(row.revision)
    return body


async def _readable(
    session: Transaction, request: Request, caller: CallerIdentity, invoice_id: UUID
) -> Invoice:
    """A client reads what was issued; drafts are the firm's own."""
    permit(POLICY, caller, "read bills")
    await hold_keys(request, queries.client_of(invoice_id))
    found = await queries.invoice(session, invoice_id)
    await directory.permit_for(
        session, POLICY, caller, "read bills", found.client_id, found.matter_id
    )
    if caller.role == "client" and found.state != "issued":
        raise NotFound(directory.NOTHING_HERE)
    return found


async def _ledes(
    session: Transaction, invoice: Invoice
) -> tuple[str | None, list[preflight.Finding]]:
    """The file as the client's profile wants it, and what is wrong with it; None without one."""
    row = await queries.profile(session, invoice.client_id)
    if row is None:
        return None, []
    profile = LedesProfile.model_validate(row.profile)
    text = ledes.write([await paper.bill(session, invoice, profile)], profile)
    return text, preflight.check(text, profile)


def _refuse(findings: list[preflight.Finding]) -> None:
    if findings:
        raise LedesRefused(
            f"The client's system would refuse it: {findings[0].detail}.",
            findings=[one._asdict() for one in findings[:100]],
        )


async def _shown(session: Transaction, invoice_id: UUID, response: Response | None) -> InvoiceShown:
    await session.flush()
    invoice = await queries.invoice(session, invoice_id)
    await session.refresh(invoice)
    if response is not None:
        response.headers["ETag"] = revisions.etag(invoice.revision)
    return await invoice_shown(session, invoice)
