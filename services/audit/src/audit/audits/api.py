"""HTTP in: ask for an audit, read reports, close findings."""

from base64 import b64encode
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from audit import proofs
from audit.access import POLICY
from audit.audits import rows
from audit.audits.inspector import Inspector
from shared import clock
from shared.auth import Caller
from shared.contracts import FIRM_ID, Sealed
from shared.db import Transaction
from shared.errors import NotFound, Refusal
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.keyring import seal, unseal
from shared.pages import Page, PageQuery, page
from shared.policy import permit
from shared.runtime import Runtime

router = APIRouter(prefix="/v1/record", tags=["record"], route_class=IdempotentRoute)


class AuditRuns(Refusal):
    """An audit runs right now: its report will say what you want to know."""


class FindingIsClosed(Refusal):
    """Somebody closed the finding before."""


class AuditShown(BaseModel):
    """`checked` of `size` entries so far. `note` is signed over the digests of report.json and
    report.pdf, in this order; null until the audit is done."""

    id: UUID
    state: Literal["running", "done", "stopped"]
    size: int
    checked: int
    findings: int
    started_at: AwareDatetime
    finished_at: AwareDatetime | None
    digest: str | None
    note: str | None


class FindingShown(BaseModel):
    id: UUID
    audit_id: UUID
    kind: str
    subject: str
    words: str
    found_at: AwareDatetime
    closed_by: UUID | None
    closed_at: AwareDatetime | None
    reason: str | None


class Closing(BaseModel):
    """What it was, and what was done about it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=4000)


@router.post("/audits", status_code=202)
async def post_audit(
    request: Request, caller: Caller, session: Transaction, background: BackgroundTasks
) -> AuditShown:
    """Reads and proves the whole record as it is now, beside this answer."""
    permit(POLICY, caller, "audit the record")
    size, audit_id = await proofs.size(session), new_id()
    if not size or not await rows.begin(session, audit_id, size, caller.id):
        raise AuditRuns("An audit runs, or there is nothing to audit yet.")
    inspector: Inspector = request.app.state.inspector
    background.add_task(_ask, inspector, audit_id)
    (run,) = await rows.audits(session, audit_id=audit_id, after=None, limit=1)
    return _audit(run)


@router.get("/audits")
async def list_audits(caller: Caller, session: Transaction, paging: PageQuery) -> Page[AuditShown]:
    permit(POLICY, caller, "read audits")
    found = await rows.audits(session, after=paging.after_id(), limit=paging.limit + 1)
    return page(found, paging, _audit, lambda row: [str(row.audit_id)])


@router.get("/audits/{audit_id}")
async def get_audit(audit_id: UUID, caller: Caller, session: Transaction) -> AuditShown:
    permit(POLICY, caller, "read audits")
    found = await rows.audits(session, audit_id=audit_id, after=None, limit=1)
    if not found:
        raise NotFound("There is no such audit.")
    return _audit(found[0])


@router.get("/audits/{audit_id}/report.{form}", response_class=Response)
async def get_report(
    audit_id: UUID,
    form: Annotated[Literal["json", "pdf", "note"], Path()],
    caller: Caller,
    session: Transaction,
) -> Response:
    """The signed report as JSON or PDF, or the note that signs both."""
    permit(POLICY, caller, "read audits")
    found = await rows.report(session, audit_id)
    if found is None:
        raise NotFound("There is no such report.")
    content, media_type = {
        "json": (found.report, "application/json"),
        "pdf": (found.pdf, "application/pdf"),
        "note": (found.note, "text/plain; charset=utf-8"),
    }[form]
    return Response(content, media_type=media_type)


@router.get("/findings")
async def list_findings(
    request: Request,
    caller: Caller,
    session: Transaction,
    paging: PageQuery,
    state: Literal["open"] | None = None,
) -> Page[FindingShown]:
    """What audits found; `state=open`: what nobody has closed."""
    permit(POLICY, caller, "read audits")
    await _runtime(request).keys.hold(FIRM_ID)
    found = await rows.findings(
        session, only_open=state == "open", after=paging.after_id(), limit=paging.limit + 1
    )
    return page(found, paging, lambda row: _finding(session, row), lambda r: [str(r.finding_id)])


@router.post("/findings/{finding_id}/close")
async def post_close(
    finding_id: UUID, body: Closing, request: Request, caller: Caller, session: Transaction
) -> FindingShown:
    permit(POLICY, caller, "close findings")
    await _runtime(request).keys.hold(FIRM_ID, create=True)
    if not await rows.findings(session, finding_id=finding_id):
        raise NotFound("There is no such finding.")
    reason = seal(session, FIRM_ID, finding_id, "finding", "reason", body.reason)
    if not await rows.close(session, finding_id, caller.id, clock.now(), reason):
        raise FindingIsClosed("The finding was closed before; it stays as it was closed.")
    (closed,) = await rows.findings(session, finding_id=finding_id)
    return _finding(session, closed)


async def _ask(inspector: Inspector, audit_id: UUID) -> None:
    inspector.ask(audit_id)


def _audit(row: Any) -> AuditShown:
    return AuditShown(
        id=row.audit_id,
        digest=b64encode(row.digest).decode() if row.digest else None,
        **{name: getattr(row, name) for name in AuditShown.model_fields
           if name not in ("id", "digest")},
    )  # fmt: skip


def _finding(session: Transaction, row: Any) -> FindingShown:
    told = ("audit_id", "kind", "subject", "words", "found_at", "closed_by", "closed_at")
    reason = unseal(session, Sealed.model_validate(row.reason)) if row.reason else None
    shown = {name: getattr(row, name) for name in told}
    return FindingShown(id=row.finding_id, reason=reason, **shown)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.state.runtime
    return runtime
