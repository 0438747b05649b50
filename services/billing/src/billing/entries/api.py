"""HTTP in: time, expenses and fixed fees."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlmodel import col

from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.documents import actions as documents
from billing.entries import actions, queries, rules, timers
from billing.entries.gate import Work
from billing.entries.models import Entry, EntryVersion, Timer
from billing.entries.views import (
    Correction,
    EntryShown,
    ExactAcceptance,
    NewExpense,
    NewFee,
    NewTime,
    NewTimer,
    Reason,
    Receipt,
    Stopped,
    TimerShown,
    TimeSaid,
    entry_shown,
    timer_shown,
)
from billing.keys import hold_keys
from billing.policy import POLICY
from shared import clock, revisions
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.contracts import ContentRef
from shared.contracts.billing import EntryState
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit
from shared.revisions import IfMatch

router = APIRouter(prefix="/v1", tags=["time and expenses"], route_class=IdempotentRoute)


@router.post("/time-entries", status_code=201)
async def post_time(
    body: NewTime, caller: Caller, session: Transaction, request: Request, response: Response
) -> EntryShown:
    """Record work. It is billable only under terms accepted before it began; otherwise it is a
    draft that says what is missing."""
    matter, staff = await _about(session, request, caller, body.matter_id, body.staff_id)
    work = await _time(session, staff, body)
    return _versioned(session, await actions.record(session, matter, work, caller.id), response)


@router.post("/expenses", status_code=201)
async def post_expense(
    body: NewExpense, caller: Caller, session: Transaction, request: Request, response: Response
) -> EntryShown:
    """Record a cost that was laid out for the client, with its receipt."""
    matter, staff = await _about(session, request, caller, body.matter_id, body.staff_id)
    work = Work(
        staff,
        body.incurred_on,
        body.narrative,
        amount=body.cost.minor,
        currency=body.cost.currency,
        expense_code=body.expense_code,
        receipt=await _receipt(session, matter, body.receipt),
    )
    return _versioned(session, await actions.record(session, matter, work, caller.id), response)


@router.post("/fees", status_code=201)
async def post_fee(
    body: NewFee, caller: Caller, session: Transaction, request: Request, response: Response
) -> EntryShown:
    """A fixed fee falls due: its phase is done. A share of what was recovered is the closing
    statement's to say."""
    matter, staff = await _about(session, request, caller, body.matter_id, body.staff_id)
    entry = await actions.fall_due(session, matter, staff, body.phase, caller.id)
    return _versioned(session, entry, response)


@router.post("/timers", status_code=201)
async def post_timer(
    body: NewTimer, caller: Caller, session: Transaction, request: Request
) -> TimerShown:
    """Start one's own; one runs at a time."""
    matter, staff = await _about(session, request, caller, body.matter_id, None)
    timer = await timers.start(session, matter, staff)
    return timer_shown(timer)


@router.post("/timers/{timer_id}/stop", status_code=201)
async def post_stop(
    timer_id: UUID, body: Stopped, caller: Caller, session: Transaction, request: Request
) -> list[EntryShown]:
    """One entry for each day on which it ran."""
    permit(POLICY, caller, "record work")
    await hold_keys(request, select(col(Timer.client_id)).where(col(Timer.timer_id) == timer_id))
    timer = await session.get(Timer, timer_id, with_for_update=True)
    staff = await _own(session, caller)
    if timer is None or timer.staff_id != staff.staff_id:
        raise NotFound(directory.NOTHING_HERE)
    matter = await directory.matter(session, timer.matter_id)
    work = Work(staff, timer.started_at.date(), **body.model_dump())
    entries = await timers.stop(session, timer, matter, work, caller.id)
    return [entry_shown(session, one) for one in entries]


@router.get("/entries")
async def list_entries(
    caller: Caller,
    session: Transaction,
    request: Request,
    paging: PageQuery,
    matter_id: UUID,
    state: EntryState | None = None,
) -> Page[EntryShown]:
    """Of one matter, in the order of recording. A client reads the drafts, which wait for them."""
    permit(POLICY, caller, "read entries")
    await hold_keys(request, directory.client_of(matter_id))
    matter = await directory.matter_for(session, POLICY, caller, "read entries", matter_id)
    wanted = select(Entry).where(col(Entry.matter_id) == matter_id)
    if caller.role == "client":
        state = "draft"
    if state is not None:
        wanted = wanted.where(col(Entry.state) == state)
    found = (await session.execute(one_page(wanted, Entry.entry_id, paging))).scalars().all()
    await record_access(session, caller, matter.client_id, "list")
    return page(
        found, paging, lambda row: entry_shown(session, row), lambda row: [str(row.entry_id)]
    )


@router.get("/entries/{entry_id}")
async def get_entry(
    entry_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> EntryShown:
    entry = await _entry(session, request, caller, "read entries", entry_id)
    await record_access(session, caller, entry.client_id, "client")
    return _versioned(session, entry, response)


@router.get("/entries/{entry_id}/versions")
async def list_versions(
    entry_id: UUID, caller: Caller, session: Transaction, request: Request
) -> list[EntryShown]:
    """All of them, oldest first: a correction hides nothing."""
    entry = await _entry(session, request, caller, "read entries", entry_id)
    found = await session.execute(
        select(EntryVersion)
        .where(col(EntryVersion.entry_id) == entry_id)
        .order_by(col(EntryVersion.version))
    )
    await record_access(session, caller, entry.client_id, "client")
    # jsonb gives bytes as text; a version's digest is nobody's business here.
    rows = [Entry.model_validate(row.entry | {"narrative_digest": b""}) for row in found.scalars()]
    return [entry_shown(session, row) for row in rows]


@router.get("/entries/{entry_id}/receipt")
async def get_receipt(
    entry_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    entry = await _entry(session, request, caller, "read entries", entry_id)
    if entry.receipt is None:
        raise NotFound(directory.NOTHING_HERE)
    kept = ContentRef.model_validate(entry.receipt)
    content, media_type = await documents.content_of(session, kept.content_id)
    await record_access(session, caller, entry.client_id, "attachment")
    return Response(content, media_type=media_type)


@router.put("/entries/{entry_id}")
async def put_entry(
    entry_id: UUID,
    body: Correction,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> EntryShown:
    """Correct an entry of time: a new version, judged anew. The one before stays."""
    entry = await _held(session, request, caller, "record work", entry_id)
    if entry.kind != "time":
        raise Invalid("An expense or a fixed fee is written off and recorded anew.")
    matter = await directory.matter(session, entry.matter_id)
    staff = await directory.timekeeper(session, entry.staff_id)
    work = await _time(session, staff, body)
    changed = await actions.correct(
        session, entry, matter, work, reason=body.reason, if_match=if_match, by=caller.id
    )
    return _versioned(session, changed, response)


@router.post("/entries/{entry_id}/acceptance", status_code=201)
async def post_exact_acceptance(
    entry_id: UUID, body: ExactAcceptance, caller: Caller, session: Transaction, request: Request
) -> EntryShown:
    """The client accepts exactly this work from before the terms."""
    entry = await _held(session, request, caller, "accept as client", entry_id)
    accepted = await actions.accept_exactly(
        session, entry, body.version, body.cost.minor, body.cost.currency, caller.id
    )
    return entry_shown(session, accepted)


@router.post("/entries/{entry_id}/exception", status_code=201)
async def post_exception(
    entry_id: UUID, body: Reason, caller: Caller, session: Transaction, request: Request
) -> EntryShown:
    """A partner records why an emergency could not wait for the client's acceptance."""
    entry = await _held(session, request, caller, "make exceptions", entry_id)
    excepted = await actions.make_exception(session, entry, body.reason, caller.id)
    return entry_shown(session, excepted)


@router.post("/entries/{entry_id}/override", status_code=201)
async def post_override(
    entry_id: UUID, body: Reason, caller: Caller, session: Transaction, request: Request
) -> EntryShown:
    """A partner lets work beyond the agreed amount be billed, and says why."""
    entry = await _held(session, request, caller, "make exceptions", entry_id)
    return entry_shown(session, await actions.override(session, entry, body.reason, caller.id))


@router.post("/entries/{entry_id}/write-off", status_code=201)
async def post_write_off(
    entry_id: UUID, body: Reason, caller: Caller, session: Transaction, request: Request
) -> EntryShown:
    entry = await _held(session, request, caller, "draft invoices", entry_id)
    return entry_shown(session, await actions.write_off(session, entry, body.reason, caller.id))


async def _about(
    session: Transaction,
    request: Request,
    caller: CallerIdentity,
    matter_id: UUID,
    staff_id: UUID | None,
) -> tuple[BilledMatter, Timekeeper]:
    """The matter worked on and whose work it is. Only who bills for others records for others."""
    permit(POLICY, caller, "record work")
    await hold_keys(request, directory.client_of(matter_id))
    matter = await directory.matter_for(session, POLICY, caller, "record work", matter_id)
    own = await directory.staff_of(session, caller)
    if staff_id is None or (own and own.staff_id == staff_id):
        return matter, await _own(session, caller)
    permit(POLICY, caller, "draft invoices")
    return matter, await directory.timekeeper(session, staff_id)


async def _own(session: Transaction, caller: CallerIdentity) -> Timekeeper:
    own = await directory.staff_of(session, caller)
    if own is None:
        raise Invalid("You are not in the firm's directory here: say whose work it is (staff_id).")
    return own


async def _time(session: Transaction, staff: Timekeeper, said: TimeSaid) -> Work:
    if (said.worked_on is None) == (said.started_at is None):
        raise Invalid("Say when it was: either worked_on or started_at.")
    day, zone = said.worked_on, await directory.zone(session)
    if said.started_at is not None:
        day = said.started_at.astimezone(zone).date()
    assert day is not None
    if rules.began(day, said.started_at, zone) > clock.now():
        raise Invalid("Work is recorded after it began, not before.")
    return Work(
        staff,
        day,
        said.narrative,
        started_at=said.started_at,
        minutes=said.minutes,
        task_code=said.task_code,
        activity_code=said.activity_code,
        emergency=said.emergency,
    )


async def _receipt(
    session: Transaction, matter: BilledMatter, receipt: Receipt | None
) -> ContentRef | None:
    if receipt is None:
        return None
    return await documents.keep(
        session, matter.client_id, "receipt", receipt.content, receipt.media_type
    )


async def _entry(
    session: Transaction, request: Request, caller: CallerIdentity, action: str, entry_id: UUID
) -> Entry:
    permit(POLICY, caller, action)
    await hold_keys(request, queries.client_of(entry_id))
    entry = await queries.entry(session, entry_id)
    await directory.permit_for(session, POLICY, caller, action, entry.client_id, entry.matter_id)
    if caller.role == "client" and entry.state != "draft":
        raise NotFound(directory.NOTHING_HERE)
    return entry


async def _held(
    session: Transaction, request: Request, caller: CallerIdentity, action: str, entry_id: UUID
) -> Entry:
    """Locked, for the rest of the transaction."""
    await _entry(session, request, caller, action, entry_id)
    return await actions.hold(session, entry_id)


def _versioned(session: Transaction, entry: Entry, response: Response) -> EntryShown:
    response.headers["ETag"] = revisions.etag(entry.version)
    return entry_shown(session, entry)
