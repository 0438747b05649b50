"""HTTP in, for the firm: agreements from the draft to the counter-signature."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import col

import intake.conflicts.queries as conflict_checks
import intake.directory.queries as directory
import intake.files.queries as files
from intake import access
from intake.access import TABLE
from intake.consultations.models import Consultation
from intake.consultations.queries import seen_by
from intake.engagements import actions, drafting, queries, rules, signatures
from intake.engagements.models import Engagement, Method, Signer, State
from intake.engagements.rules import WaitsFor
from intake.engagements.terms import MustSign, NewTerms, Step, Terms
from intake.files.models import File
from intake.names.rules import Kind
from intake.templates.queries import STANDARD
from shared import clock, revisions
from shared.accesses import record_access, record_accesses
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit
from shared.revisions import IfMatch
from shared.runtime import Runtime
from shared.values import Prose, Slug

router = APIRouter(prefix="/v1/engagements", tags=["engagements"], route_class=IdempotentRoute)


class Draft(BaseModel):
    """What is to be agreed, and who must sign it."""

    model_config = ConfigDict(extra="forbid")
    terms: NewTerms
    signers: Annotated[list[MustSign], Field(min_length=1, max_length=20)]
    template: Slug = STANDARD
    point_of_contact_id: UUID
    team: Annotated[list[UUID], Field(max_length=50)] = []
    calendar_id: UUID | None = None


class NewDraft(Draft):
    """`amends`: the engagement in force that this one replaces."""

    consultation_id: UUID
    amends: UUID | None = None


class SignerShown(BaseModel):
    """`client_id`: of the joint client whom this signature makes; null where it makes none."""

    id: UUID
    name: str
    email: str
    capacity: str | None
    joint_client: bool
    kind: Kind
    phone: str | None
    signs_for: str | None
    client_id: UUID | None
    signed_at: datetime | None
    method: Method | None


class EngagementListed(BaseModel):
    id: UUID
    consultation_id: UUID
    client_id: UUID
    matter_id: UUID
    amends: UUID | None
    revision: int
    agreement_version: int
    state: State
    practice_area: str
    template: str
    template_version: int
    point_of_contact_id: UUID
    team: list[UUID]
    calendar_id: UUID | None
    drafted_at: datetime
    proposed_at: datetime | None
    expires_at: datetime | None
    countersigned_at: datetime | None
    signed_at: datetime | None


class EngagementShown(EngagementListed):
    """`document_sha256`: of the bytes that are or were to be signed. `waits_for`: what must happen
    before it comes into force; null when nothing will."""

    terms: Terms
    signers: list[SignerShown]
    document_sha256: str | None
    waits_for: WaitsFor | None


class Approval(BaseModel):
    """`revision`: the one that was read."""

    model_config = ConfigDict(extra="forbid")
    revision: int


class PaperSignature(BaseModel):
    """Somebody signed on paper; `file_id` is the scan, uploaded before."""

    model_config = ConfigDict(extra="forbid")
    signer_id: UUID
    file_id: UUID
    signed_at: AwareDatetime
    document_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class NewInvitation(BaseModel):
    model_config = ConfigDict(extra="forbid")
    signer_id: UUID


class Ending(BaseModel):
    """`deadlines` that lie ahead stand in the letter; an empty list says that none is known.
    `reasons` do not stand in it."""

    model_config = ConfigDict(extra="forbid")
    by_firm: bool
    reasons: Annotated[Prose, Field(min_length=1)]
    deadlines: Annotated[list[Step], Field(max_length=50)]


@router.post("", status_code=201)
async def post_engagement(
    body: NewDraft, caller: Caller, session: Transaction, request: Request, response: Response
) -> EngagementShown:
    """Draft an agreement after a consultation that was held."""
    await access.holding(request, caller, "draft engagements", body.consultation_id)
    await access.require_named(session, caller, (one.client_id for one in body.signers))
    row = await drafting.draft(session, by=caller.id, **_drafted(body))
    return await _shown(session, row, response)


@router.get("")
async def list_engagements(
    caller: Caller, session: Transaction, paging: PageQuery, client_id: UUID | None = None
) -> Page[EngagementListed]:
    """Those that the caller may read, oldest first."""
    relation = permit(TABLE, caller, "read engagements")
    wanted = one_page(queries.every(), Engagement.engagement_id, paging)
    wanted = wanted.where(access.not_walled_off(caller, Engagement))
    if client_id is not None:
        entries = await directory.entries(session, client_id)
        wanted = wanted.where(queries.of_client(entries))
    if relation == "self":
        wanted = wanted.where(
            queries.of_client(await directory.entries(session, caller.client_id)),
            col(Engagement.state) != "draft",
        )
    if relation == "team":
        staff_id = await directory.staff_id_of(session, caller)
        its_own = col(Consultation.consultation_id) == col(Engagement.consultation_id)
        wanted = wanted.join(Consultation, its_own).where(seen_by(staff_id, caller.id))
    rows = list((await session.execute(wanted)).scalars())
    concerned = (row.client_id for row in rows[: paging.limit])
    await record_accesses(session, caller, concerned, "list")
    return page(rows, paging, _listed, lambda row: [str(row.engagement_id)])


@router.get("/{engagement_id}")
async def get_engagement(
    engagement_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> EngagementShown:
    client_id = await _holding(request, caller, "read engagements", engagement_id)
    await record_access(session, caller, client_id, "client")
    return await _shown(session, await queries.engagement(session, engagement_id), response)


@router.put("/{engagement_id}")
async def put_engagement(
    engagement_id: UUID,
    body: Draft,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> EngagementShown:
    """Replace a draft; what is left out is unset."""
    await _holding(request, caller, "draft engagements", engagement_id)
    await access.require_named(session, caller, (one.client_id for one in body.signers))
    row = await drafting.redraft(session, engagement_id, if_match=if_match, **_drafted(body))
    return await _shown(session, row, response)


@router.get(
    "/{engagement_id}/document",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
async def get_document(
    engagement_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """The PDF in force; before, the one that is to be signed."""
    client_id = await _holding(request, caller, "read engagements", engagement_id)
    row = await queries.engagement(session, engagement_id)
    file_id = row.sealed_id or row.document_id
    if file_id is None:
        raise NotFound("There is no document before a partner approves the draft.")
    await record_access(session, caller, client_id, "attachment")
    content = await files.content(session, await session.get_one(File, file_id))
    return Response(content, media_type="application/pdf")


@router.post("/{engagement_id}/approve")
async def post_approve(
    engagement_id: UUID,
    body: Approval,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> EngagementShown:
    """A partner approves what they read; everybody who must sign gets a letter with a link."""
    client_id = await _holding(request, caller, "approve engagements", engagement_id)
    runtime: Runtime = request.state.runtime
    at = clock.now()
    async with runtime.db.transaction() as looking:
        paper = await drafting.manuscript(looking, engagement_id, revision=body.revision, at=at)
    pdf = await paper.printed()
    await runtime.keys.hold(client_id)
    row = await drafting.approve(
        session, engagement_id, revision=body.revision, at=at, pdf=pdf, by=caller.id
    )
    return await _shown(session, row, response)


@router.post("/{engagement_id}/withdraw")
async def post_withdraw(
    engagement_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> EngagementShown:
    """Back to a draft: signatures of this version are void."""
    await _holding(request, caller, "approve engagements", engagement_id)
    return await _shown(
        session, await drafting.withdraw(session, engagement_id, by=caller.id), response
    )


@router.post("/{engagement_id}/invitations")
async def post_invitation(
    engagement_id: UUID,
    body: NewInvitation,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> EngagementShown:
    """A new link for one who lost theirs."""
    await _holding(request, caller, "draft engagements", engagement_id)
    row = await drafting.invite_again(session, engagement_id, body.signer_id)
    return await _shown(session, row, response)


@router.post("/{engagement_id}/paper-signatures")
async def post_paper_signature(
    engagement_id: UUID,
    body: PaperSignature,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> EngagementShown:
    """Enter what was signed on paper; a partner vouches for the scan."""
    await _holding(request, caller, "approve engagements", engagement_id)
    row = await signatures.enter_paper(
        session,
        engagement_id,
        body.signer_id,
        document_sha256=body.document_sha256,
        scan_id=body.file_id,
        signed_at=body.signed_at,
        by=caller.id,
    )
    return await _shown(session, row, response)


@router.post("/{engagement_id}/countersign")
async def post_countersign(
    engagement_id: UUID,
    body: Approval,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> EngagementShown:
    """A partner signs for the firm, as whom the directory names; it is sealed, comes into force,
    and everybody gets a copy."""
    await _holding(request, caller, "approve engagements", engagement_id)
    name = await directory.name_of(session, caller)
    row = await actions.countersign(
        session, engagement_id, revision=body.revision, by=caller.id, name=name
    )
    return await _shown(session, row, response)


@router.post("/{engagement_id}/end")
async def post_end(
    engagement_id: UUID,
    body: Ending,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
) -> EngagementShown:
    """An engagement in force ends; a letter goes to everybody who signed."""
    await _holding(request, caller, "approve engagements", engagement_id)
    row = await actions.end(
        session,
        engagement_id,
        by_firm=body.by_firm,
        reasons=body.reasons,
        deadlines=body.deadlines,
        by=caller.id,
    )
    return await _shown(session, row, response)


async def _holding(
    request: Request, caller: CallerIdentity, action: str, engagement_id: UUID
) -> UUID:
    """The client, with its key held, if the caller may act on this engagement's consultation, or is
    one of its clients: a joint client sees nothing else of the consultation."""
    permit(TABLE, caller, action)
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await queries.engagement(looking, engagement_id)
        if caller.role == "client":
            own = await directory.entries(looking, caller.client_id)
            theirs = await queries.is_of_client(looking, engagement_id, own)
            permit(TABLE, caller, action, {"self"} if theirs else set())
    if caller.role != "client":
        return await access.holding(request, caller, action, row.consultation_id)
    await runtime.keys.hold(row.client_id)
    return row.client_id


def _drafted(body: Draft) -> dict[str, Any]:
    """The body as keyword arguments, its parts as they are."""
    return {name: getattr(body, name) for name in type(body).model_fields}


def _listed(row: Engagement) -> EngagementListed:
    return EngagementListed(
        id=row.engagement_id, **row.model_dump(include=set(EngagementListed.model_fields))
    )


def _signer(one: Signer) -> SignerShown:
    return SignerShown(
        id=one.signer_id,
        joint_client=one.client_id is not None,
        **one.model_dump(include=set(SignerShown.model_fields)),
    )


async def _shown(session: Transaction, row: Engagement, response: Response) -> EngagementShown:
    response.headers["ETag"] = revisions.etag(row.revision)
    await session.flush()
    signers = await queries.signers(session, row.engagement_id)
    check = await conflict_checks.check_of(session, row.consultation_id)
    return EngagementShown(
        **_listed(row).model_dump(),
        terms=queries.terms_of(session, row),
        signers=[_signer(one) for one in signers],
        document_sha256=row.document_sha256.hex() if row.document_sha256 else None,
        waits_for=rules.waits_for(row.state, conflict=check.state == "possible"),
    )
