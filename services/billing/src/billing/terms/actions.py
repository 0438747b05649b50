"""Explain fee terms and record that they were accepted, exactly as they were explained."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory import queries as directory
from billing.directory.models import BilledClient, BilledMatter
from billing.documents import actions as documents
from billing.documents.typesetting import typeset
from billing.settings import BillingSettings
from billing.terms import queries, wording
from billing.terms.models import FeeAcceptance, FeeAgreement, FeeTerms
from billing.terms.rules import Terms, refuse_forbidden
from shared import clock, revisions
from shared.contracts import ContentRef
from shared.contracts.billing import AcceptanceMethod, FeesAccepted, FeesDisclosed
from shared.contracts.intake import EngagementAmended, EngagementSigned
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

log = structlog.get_logger()


class TermsChangedMeanwhile(Refusal):
    """Newer terms were disclosed since: read those, then accept."""


class TermsOfAnother(Exception):
    """An engagement carries terms that were disclosed to somebody else. If it is the same client
    under another entry, their merger was not heard, or is parked: replay this after it."""


class SignatureNeeded(Refusal):
    """These terms bind only in a writing that the client has signed."""

    status = 422


async def disclose(
    session: AsyncSession,
    terms: Terms,
    *,
    client_id: UUID,
    matter: BilledMatter | None,
    practice_areas: list[str],
    by: UUID,
) -> FeeTerms:
    """The first version. Raises ContingentFeeForbidden; Invalid if the matter has terms already."""
    _refuse_forbidden(session, terms, matter)
    agreement = FeeAgreement(
        terms_id=new_id(),
        client_id=client_id,
        matter_id=matter.matter_id if matter else None,
        version=1,
    )
    added = await session.execute(
        insert(FeeAgreement)
        .values(agreement.model_dump())
        .on_conflict_do_nothing(index_elements=["matter_id"])
        .returning(col(FeeAgreement.terms_id))
    )
    if added.one_or_none() is None:
        raise Invalid("The matter has fee terms already: amend those.")
    return await _explain(session, agreement, terms, matter, practice_areas, None, by)


async def amend(
    session: AsyncSession,
    agreement: FeeAgreement,
    terms: Terms,
    *,
    practice_areas: list[str],
    changes: str,
    if_match: str | None,
    by: UUID,
) -> FeeTerms:
    """The next version, with what changes and why. What was accepted before stays in force until
    the client accepts this one. The agreement is locked: of two who amend at once, with If-Match,
    one hears it. Raises ContingentFeeForbidden, PreconditionFailed."""
    revisions.check(if_match, agreement.version)
    matter = await directory.matter(session, agreement.matter_id) if agreement.matter_id else None
    _refuse_forbidden(session, terms, matter)
    known = await queries.version(session, agreement.terms_id, agreement.version)
    if terms.currency != known.currency:
        raise Invalid(f"What was agreed in {known.currency} stays in it: amounts would not add up.")
    agreement.version += 1
    return await _explain(session, agreement, terms, matter, practice_areas, changes, by)


async def accept(
    session: AsyncSession,
    agreement: FeeAgreement,
    version: int,
    *,
    commitment: str,
    method: AcceptanceMethod,
    accepted_at: datetime,
    evidence: str | None,
    by: UUID,
) -> FeeAcceptance:
    """The newest version, by the commitment of its very document. A second acceptance of it changes
    nothing. Raises TermsChangedMeanwhile, SignatureNeeded, Invalid."""
    row = await queries.version(session, agreement.terms_id, version)
    if known := await queries.acceptance(session, agreement.terms_id, version):
        return known
    if version != agreement.version:
        raise TermsChangedMeanwhile("Newer terms were disclosed since: read and accept those.")
    if commitment != row.commitment:
        raise Invalid("The commitment is not that of this version's document.")
    if not row.disclosed_at <= accepted_at <= clock.now():
        raise Invalid("Terms are accepted after they were disclosed, and not in the future.")
    if method == "portal" and queries.terms_of(session, row).asks_signature:
        raise SignatureNeeded(
            "These terms need a signed writing: sign the document, and the firm records it."
        )
    return _record(session, agreement, row, method, accepted_at, evidence, by)


async def accept_with_engagement(
    session: AsyncSession, event: EngagementSigned | EngagementAmended
) -> FeeAgreement | None:
    """The agreement whose version was accepted by the engagement's signatures, at their instant;
    None where billing never disclosed those terms (they were entered by hand), or not these words:
    then nothing can be billed until they are disclosed and accepted here. Raises TermsOfAnother.
    The keys of all entries of the client must be held."""
    agreed = event.fee_terms
    agreement = await session.get(FeeAgreement, agreed.terms_id, with_for_update=True)
    row = await session.get(FeeTerms, (agreed.terms_id, agreed.version))
    if agreement is None or row is None:
        log.warning("an engagement has fee terms unknown here", terms_id=str(agreed.terms_id))
        return None
    if agreement.client_id not in await directory.entries(session, event.client_id):
        raise TermsOfAnother(f"terms {agreed.terms_id}")
    if agreed.commitment not in (row.commitment, row.text["commitment"]):
        log.warning("an engagement has other fee terms", terms_id=str(agreed.terms_id))
        return None
    if await queries.acceptance(session, row.terms_id, row.version) is None:
        at, by = event.signed_at, event.client_id
        evidence = _signed_writing(event)
        _record(session, agreement, row, "engagement", at, evidence, by)
        await session.flush()
    return agreement


def _signed_writing(event: EngagementSigned | EngagementAmended) -> str:
    return (
        f"Engagement {event.engagement_id}, version {event.agreement_version}, signed by"
        f" {len(event.signatures)}: sealed document {event.document.content_id}, commitment"
        f" {event.document.commitment}."
    )


def _record(
    session: AsyncSession,
    agreement: FeeAgreement,
    row: FeeTerms,
    method: AcceptanceMethod,
    accepted_at: datetime,
    evidence: str | None,
    by: UUID,
) -> FeeAcceptance:
    owner = agreement.client_id
    sealed = seal(session, owner, new_id(), "terms", "evidence", evidence) if evidence else None
    acceptance = FeeAcceptance(
        terms_id=row.terms_id,
        version=row.version,
        method=method,
        accepted_by=by,
        accepted_at=accepted_at,
        evidence=sealed.model_dump(mode="json") if sealed else None,
    )
    session.add(acceptance)
    emit(
        session,
        FeesAccepted(
            terms_id=row.terms_id,
            terms_version=row.version,
            client_id=owner,
            matter_id=agreement.matter_id,
            method=method,
            commitment=row.commitment,
            evidence=sealed,
            accepted_by=by,
            accepted_at=accepted_at,
        ),
    )
    return acceptance


def _refuse_forbidden(session: AsyncSession, terms: Terms, matter: BilledMatter | None) -> None:
    settings: BillingSettings = session.info["settings"]
    barred = settings.billing_criminal_areas | settings.billing_domestic_areas
    refuse_forbidden(terms, matter.practice_area if matter else None, sorted(barred))


async def _explain(
    session: AsyncSession,
    agreement: FeeAgreement,
    terms: Terms,
    matter: BilledMatter | None,
    practice_areas: list[str],
    changes: str | None,
    by: UUID,
) -> FeeTerms:
    at, owner = clock.now(), agreement.client_id
    client = await directory.client(session, owner)
    names = {one.staff_id: one.name for one in (await directory.timekeepers(session)).values()}
    parts = wording.sections(terms, names)
    if changes:
        parts.insert(0, wording.Section("What changes, and why", (changes,)))
    facts = await facts_of(session, agreement.version, parts, client, matter, at)
    # Typesetting is work, not waiting: it must not hold up everybody else's requests.
    pdf = await asyncio.to_thread(typeset, "sections", facts, at)
    document = await documents.keep(session, owner, "fee-terms", pdf, "application/pdf")
    content_id = new_id()
    text = seal(session, owner, content_id, "terms", "text", wording.as_text(parts))
    sealed = seal(session, owner, content_id, "terms", "document", terms.model_dump_json())
    why = seal(session, owner, content_id, "terms", "changes", changes) if changes else None
    row = FeeTerms(
        terms_id=agreement.terms_id,
        version=agreement.version,
        kinds=list(terms.kinds),
        currency=terms.currency,
        practice_areas=practice_areas,
        document=sealed.model_dump(mode="json"),
        text=text.model_dump(mode="json"),
        changes=why.model_dump(mode="json") if why else None,
        content_id=document.content_id,
        commitment=document.commitment,
        disclosed_by=by,
        disclosed_at=at,
    )
    session.add(row)
    await session.flush()
    emit(session, _disclosed(agreement, row, terms, document))
    return row


async def facts_of(
    session: AsyncSession,
    version: int,
    parts: Sequence[wording.Section],
    client: BilledClient,
    matter: BilledMatter | None,
    at: datetime,
) -> dict[str, object]:
    """Of a version, for paper and screen."""
    firm = await directory.firm(session)
    zone = await directory.zone(session)
    about = f"{matter.number} {matter.title}" if matter else "Your later matters"
    return {
        "firm": firm.name if firm else "",
        "title": "Our fees, in plain words",
        "footer": f"Fee terms, version {version}",
        "facts": [
            ["For", client.name],
            ["Matter", about],
            ["Date", f"{at.astimezone(zone):%-d %B %Y}"],
            ["Version", str(version)],
        ],
        "sections": wording.as_facts(parts),
    }


def _disclosed(
    agreement: FeeAgreement, row: FeeTerms, terms: Terms, document: ContentRef
) -> FeesDisclosed:
    told = row.model_dump() | {
        "terms_version": row.version,
        "client_id": agreement.client_id,
        "matter_id": agreement.matter_id,
        "kinds": terms.kinds,
        "document": document,
    }
    return FeesDisclosed.model_validate(told)
