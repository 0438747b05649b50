"""What who must sign may do: sign, decline, or ask first. Each locks the agreement before it looks
at its state, so of two at once one is first."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

import intake.files.queries as files
import intake.links.actions as links
from intake.engagements import fee_terms, queries, rules, telling
from intake.engagements.models import Engagement, Method, Signer
from intake.engagements.states import AlreadySigned, require_open
from intake.files.models import File
from intake.names import rules as names
from shared import clock
from shared.contracts.intake import EngagementDeclined, EngagementQuestionAsked
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class DocumentChanged(Refusal):
    """What was read is not what would be signed: read the document again."""


async def sign(
    session: AsyncSession,
    signer_id: UUID,
    *,
    document_sha256: str,
    typed: str,
    evidence: dict[str, Any],
) -> Engagement:
    """One of those who must sign does. The last one makes it accepted."""
    row, one = await _to_sign(session, signer_id, document_sha256)
    if not names.is_same(typed, one.name):
        raise Invalid(f"Type your name as it stands in the agreement: {one.name}.")
    facts = evidence | {"typed": typed, "statement": rules.STATEMENT, "sha256": document_sha256}
    return await _signed(session, row, one, "electronic", clock.now(), facts)


async def enter_paper(
    session: AsyncSession,
    engagement_id: UUID,
    signer_id: UUID,
    *,
    document_sha256: str,
    scan_id: UUID,
    signed_at: datetime,
    by: UUID,
) -> Engagement:
    """Somebody signed the offered document on paper: a partner vouches for the scan of it."""
    row, one = await _to_sign(session, signer_id, document_sha256)
    scan = await files.kept(session, scan_id)
    if row.engagement_id != engagement_id or scan is None or scan.client_id != row.client_id:
        raise Invalid("There is no such signer, or no such file of this client.")
    if row.proposed_at is None or not row.proposed_at <= signed_at <= clock.now():
        raise Invalid("signed_at lies after the document was offered, and not in the future.")
    facts = {
        "statement": rules.ON_PAPER,
        "sha256": document_sha256,
        "scan": str(scan.file_id),
        "scan_commitment": scan.commitment,
        "entered_by": str(by),
    }
    return await _signed(session, row, one, "paper", signed_at, facts)


async def decline(session: AsyncSession, signer_id: UUID, *, reasons: str | None) -> Engagement:
    """One who must sign will not: nobody can any more."""
    one = await queries.signer(session, signer_id)
    row = await queries.engagement(session, one.engagement_id, locked=True)
    require_open(row)
    row.state = "declined"
    row.revision += 1
    signers = await queries.signers(session, row.engagement_id)
    await links.revoke(session, *(each.signer_id for each in signers))
    sealed = (
        seal(session, row.client_id, new_id(), "engagement", "reasons", reasons)
        if reasons
        else None
    )
    emit(
        session,
        EngagementDeclined(
            engagement_id=row.engagement_id,
            agreement_version=row.agreement_version,
            client_id=row.client_id,
            signer_id=signer_id,
            reasons=sealed,
            declined_at=clock.now(),
        ),
    )
    return row


async def ask(session: AsyncSession, signer_id: UUID, *, question: str) -> UUID:
    """Before signing; the offer stays open."""
    one = await queries.signer(session, signer_id)
    row = await queries.engagement(session, one.engagement_id, locked=True)
    require_open(row)
    question_id = new_id()
    emit(
        session,
        EngagementQuestionAsked(
            question_id=question_id,
            engagement_id=row.engagement_id,
            agreement_version=row.agreement_version,
            client_id=row.client_id,
            signer_id=signer_id,
            question=seal(session, row.client_id, question_id, "question", "text", question),
            asked_at=clock.now(),
        ),
    )
    return question_id


async def _to_sign(
    session: AsyncSession, signer_id: UUID, document_sha256: str
) -> tuple[Engagement, Signer]:
    """The agreement, locked and still open, with one who has not signed it yet; `document_sha256`
    is of what they read."""
    one = await queries.signer(session, signer_id)
    row = await queries.engagement(session, one.engagement_id, locked=True)
    await session.refresh(one)
    if one.signed_at is not None:
        raise AlreadySigned("You have signed already; we sent or will send you a copy.")
    require_open(row)
    await fee_terms.require_newest(session, row)
    if row.document_sha256 is None or row.document_sha256.hex() != document_sha256:
        raise DocumentChanged("This is not the document that is offered now; read it again.")
    return row, one


async def _signed(
    session: AsyncSession,
    row: Engagement,
    one: Signer,
    method: Method,
    at: datetime,
    facts: dict[str, Any],
) -> Engagement:
    content = orjson.dumps(facts).decode()
    sealed = seal(session, row.client_id, one.signer_id, "signature", "evidence", content)
    one.signed_at, one.method, one.evidence = at, method, sealed.model_dump(mode="json")
    await session.flush()
    document = await session.get_one(File, row.document_id)
    emit(session, telling.signature_given(row, one, document))
    if all(each.signed_at for each in await queries.signers(session, row.engagement_id)):
        row.state = "accepted"
        row.revision += 1
    return row
