"""HTTP in: fee terms."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlmodel import col

import billing.entries.actions as entries
from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.documents import actions as documents
from billing.documents import pages
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.terms import actions, queries, wording
from billing.terms.models import FeeAcceptance, FeeAgreement, FeeTerms
from billing.terms.rules import Terms
from billing.values import Prose
from shared import clock, revisions
from shared.accesses import record_access, record_accesses
from shared.auth import Caller
from shared.contracts import Sealed
from shared.contracts.billing import AcceptanceMethod
from shared.db import Transaction
from shared.errors import Invalid
from shared.idempotency import IdempotentRoute
from shared.keyring import unseal
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit
from shared.revisions import IfMatch
from shared.values import Slug

router = APIRouter(prefix="/v1/fee-terms", tags=["fee terms"], route_class=IdempotentRoute)

Version = Annotated[int | None, Query(ge=1, description="the newest unless named")]
Areas = Annotated[list[Slug], Field(max_length=50)]


class NewTerms(BaseModel):
    """Without `matter_id` they stand for the client's later matters: all, or those of the practice
    areas named."""

    model_config = ConfigDict(extra="forbid")
    client_id: UUID
    matter_id: UUID | None = None
    practice_areas: Areas = []
    terms: Terms


class AmendedTerms(BaseModel):
    """`changes` says to the client, in words, what is new and why."""

    model_config = ConfigDict(extra="forbid")
    changes: Prose
    practice_areas: Areas = []
    terms: Terms


class Acceptance(BaseModel):
    """By the client: version and commitment of the document they read. By staff, for a signature on
    paper: when it was signed and what shows it."""

    model_config = ConfigDict(extra="forbid")
    version: Annotated[int, Field(ge=1)]
    commitment: Annotated[str, StringConstraints(max_length=100)]
    signed_at: AwareDatetime | None = None
    evidence: Prose | None = None


class AcceptanceShown(BaseModel):
    method: AcceptanceMethod
    accepted_at: datetime
    accepted_by: UUID


class TermsShown(BaseModel):
    """`commitment` is that of the PDF; who accepts names it. `acceptance` is null until then."""

    id: UUID
    version: int
    client_id: UUID
    matter_id: UUID | None
    practice_areas: list[str]
    terms: Terms
    text: str
    commitment: str
    disclosed_at: datetime
    acceptance: AcceptanceShown | None


@router.post("", status_code=201)
async def post_terms(
    body: NewTerms, caller: Caller, session: Transaction, request: Request, response: Response
) -> TermsShown:
    """Explain fees in writing: a page and a PDF, for the client to accept before any work."""
    permit(POLICY, caller, "disclose fees")
    await hold_keys(request, body.client_id)
    await directory.permit_for(
        session, POLICY, caller, "disclose fees", body.client_id, body.matter_id
    )
    matter = await directory.matter(session, body.matter_id) if body.matter_id else None
    row = await actions.disclose(
        session,
        body.terms,
        client_id=await _whose(session, body, matter),
        matter=matter,
        practice_areas=body.practice_areas,
        by=caller.id,
    )
    # Drafts learn what they would cost, so that a client or partner knows what they decide about.
    await entries.reconsider(session, body.client_id, body.matter_id, by=caller.id)
    return await _shown(session, row, response)


@router.post("/{terms_id}/versions", status_code=201)
async def post_version(
    terms_id: UUID,
    body: AmendedTerms,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> TermsShown:
    """Change the terms: a new version, which the client accepts or not. The old one binds until
    then."""
    permit(POLICY, caller, "disclose fees")
    await hold_keys(request, queries.client_of(terms_id))
    agreement = await _agreement(session, caller, "disclose fees", terms_id, lock=True)
    row = await actions.amend(
        session,
        agreement,
        body.terms,
        practice_areas=body.practice_areas,
        changes=body.changes,
        if_match=if_match,
        by=caller.id,
    )
    await entries.reconsider(session, agreement.client_id, agreement.matter_id, by=caller.id)
    return await _shown(session, row, response)


@router.post("/{terms_id}/acceptance", status_code=201)
async def post_acceptance(
    terms_id: UUID, body: Acceptance, caller: Caller, session: Transaction, request: Request
) -> AcceptanceShown:
    """Accept exactly this version: the client in the portal, or staff for a signature on paper."""
    action = "accept as client" if caller.role == "client" else "record acceptance"
    permit(POLICY, caller, action)
    await hold_keys(request, queries.client_of(terms_id))
    agreement = await _agreement(session, caller, action, terms_id, lock=True)
    by_client = caller.role == "client"
    if by_client == bool(body.signed_at or body.evidence) or (not by_client and not body.evidence):
        raise Invalid("A client sends version and commitment; staff also signed_at and evidence.")
    found = await actions.accept(
        session,
        agreement,
        body.version,
        commitment=body.commitment,
        method="portal" if by_client else "signature",
        accepted_at=body.signed_at or clock.now(),
        evidence=body.evidence,
        by=caller.id,
    )
    await entries.reconsider(session, agreement.client_id, agreement.matter_id, by=caller.id)
    return _accepted(found)


@router.get("")
async def list_terms(
    caller: Caller,
    session: Transaction,
    request: Request,
    paging: PageQuery,
    client_id: UUID,
    matter_id: UUID | None = None,
) -> Page[TermsShown]:
    """The newest version of each agreement of a client."""
    permit(POLICY, caller, "read bills")
    await hold_keys(request, client_id)
    await directory.permit_for(session, POLICY, caller, "read bills", client_id, matter_id)
    wanted = select(FeeAgreement).where(
        col(FeeAgreement.client_id).in_(directory.entries_of(client_id)),
        directory.not_walled_off(caller, FeeAgreement),
    )
    if matter_id is not None:
        wanted = wanted.where(col(FeeAgreement.matter_id) == matter_id)
    found = (await session.execute(one_page(wanted, FeeAgreement.terms_id, paging))).scalars().all()
    read = {client_id, *(one.client_id for one in found[: paging.limit])}
    await record_accesses(session, caller, read, "list")
    shown = {
        one.terms_id: await _shown(
            session, await queries.version(session, one.terms_id, one.version), None
        )
        for one in found[: paging.limit]
    }
    return page(found, paging, lambda row: shown[row.terms_id], lambda row: [str(row.terms_id)])


@router.get("/{terms_id}.pdf")
async def get_pdf(
    terms_id: UUID,
    caller: Caller,
    session: Transaction,
    request: Request,
    version: Version = None,
) -> Response:
    """The document itself, byte for byte what was disclosed."""
    _, row = await _read(session, request, caller, terms_id, version)
    content, media_type = await documents.content_of(session, row.content_id)
    return Response(content, media_type=media_type)


@router.get("/{terms_id}.html")
async def get_page(
    terms_id: UUID,
    caller: Caller,
    session: Transaction,
    request: Request,
    version: Version = None,
) -> Response:
    """The same words on a page that fits a phone. What is accepted is the document."""
    agreement, row = await _read(session, request, caller, terms_id, version)
    matter = await directory.matter(session, agreement.matter_id) if agreement.matter_id else None
    facts = await actions.facts_of(
        session,
        row.version,
        wording.of_text(unseal(session, Sealed.model_validate(row.text))),
        await directory.client(session, agreement.client_id),
        matter,
        row.disclosed_at,
    )
    return pages.page(facts)


@router.get("/{terms_id}")
async def get_terms(
    terms_id: UUID,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    version: Version = None,
) -> TermsShown:
    """A version as data and in words."""
    _, row = await _read(session, request, caller, terms_id, version)
    return await _shown(session, row, response)


async def _whose(session: Transaction, body: NewTerms, matter: BilledMatter | None) -> UUID:
    """What stands for later matters is given to the entry that stays; the rest to whose matter it
    is. Raises ClientMerged."""
    if matter is None:
        return (await directory.unmerged(session, body.client_id)).client_id
    theirs = await directory.entries(session, body.client_id)
    if matter.client_id not in theirs or body.practice_areas:
        raise Invalid("The matter is another client's, or practice areas were given beside it.")
    return matter.client_id


async def _read(
    session: Transaction, request: Request, caller: Caller, terms_id: UUID, version: int | None
) -> tuple[FeeAgreement, FeeTerms]:
    permit(POLICY, caller, "read bills")
    await hold_keys(request, queries.client_of(terms_id))
    agreement = await _agreement(session, caller, "read bills", terms_id)
    row = await queries.version(session, terms_id, version or agreement.version)
    await record_access(session, caller, agreement.client_id, "client")
    return agreement, row


async def _agreement(
    session: Transaction, caller: Caller, action: str, terms_id: UUID, *, lock: bool = False
) -> FeeAgreement:
    found = await queries.agreement(session, terms_id, lock=lock)
    await directory.permit_for(session, POLICY, caller, action, found.client_id, found.matter_id)
    return found


async def _shown(session: Transaction, row: FeeTerms, response: Response | None) -> TermsShown:
    agreement = await queries.agreement(session, row.terms_id)
    acceptance = await queries.acceptance(session, row.terms_id, row.version)
    if response is not None:
        response.headers["ETag"] = revisions.etag(row.version)
    return TermsShown(
        id=row.terms_id,
        version=row.version,
        client_id=agreement.client_id,
        matter_id=agreement.matter_id,
        practice_areas=row.practice_areas,
        terms=queries.terms_of(session, row),
        text=unseal(session, Sealed.model_validate(row.text)),
        commitment=row.commitment,
        disclosed_at=row.disclosed_at,
        acceptance=_accepted(acceptance) if acceptance else None,
    )


def _accepted(found: FeeAcceptance) -> AcceptanceShown:
    return AcceptanceShown.model_validate(
        found.model_dump(include=set(AcceptanceShown.model_fields))
    )
