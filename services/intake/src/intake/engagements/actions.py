"""Counter-sign, bring into force, let expire, end."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import intake.conflicts.queries as conflict_checks
import intake.consultations.actions as consultation_actions
import intake.consultations.queries as consultations
import intake.directory.queries as directory
import intake.files.actions as files
import intake.letters.actions as letters
import intake.links.actions as links
from intake.documents.dates import day
from intake.engagements import fee_terms, queries, telling
from intake.engagements.models import Engagement
from intake.engagements.states import require
from intake.engagements.terms import Step
from intake.letters.texts import disengagement
from shared import clock, revisions
from shared.contracts.intake import EngagementExpired
from shared.errors import Refusal
from shared.outbox import emit


class SignatureMissing(Refusal):
    """Somebody who must sign has not."""


async def countersign(
    session: AsyncSession, engagement_id: UUID, *, revision: int, by: UUID, name: str
) -> Engagement:
    """For the firm, by the person of that name. Raises SignatureMissing, ConflictStands and
    FeesSuperseded; the seal follows by itself."""
    row = await queries.engagement(session, engagement_id, locked=True)
    if row.state == "proposed":
        waits = [
            one.name for one in await queries.signers(session, engagement_id) if not one.signed_at
        ]
        raise SignatureMissing(f"These have not signed: {', '.join(waits)}.")
    require(row, "accepted")
    revisions.check(revisions.etag(revision), row.revision)
    await conflict_checks.require_none(session, row.consultation_id)
    await fee_terms.require_newest(session, row)
    row.state, row.countersigned_at = "countersigned", clock.now()
    row.countersigned_by, row.countersigned_name = by, name
    row.revision += 1
    return row


async def bring_into_force(session: AsyncSession, engagement_id: UUID, sealed: bytes) -> bool:
    """The sealed document is there: tell everybody. False when somebody else was first, or a
    conflict came to light after the counter-signature; then it waits for a partner."""
    row = await queries.engagement(session, engagement_id, locked=True)
    check = await conflict_checks.check_of(session, row.consultation_id, locked=True)
    if row.state != "countersigned" or check.state == "possible":
        return False
    terms, signers = queries.terms_of(session, row), await queries.signers(session, engagement_id)
    file = await files.keep(
        session,
        client_id=row.client_id,
        subject_id=row.engagement_id,
        name=f"{terms.title} (signed).pdf",
        pdf=sealed,
    )
    row.sealed_id, row.signed_at, row.state = file.file_id, clock.now(), "signed"
    await consultation_actions.keep_for_good(session, row.consultation_id)
    row.revision += 1
    if row.amends is not None:
        amended = await queries.engagement(session, row.amends, locked=True)
        amended.state = "replaced"
        emit(session, telling.amended(session, row, terms, signers, file))
    else:
        parties = await consultations.parties(session, row.consultation_id)
        emit(session, telling.signed(session, row, terms, signers, file, parties))
    await links.revoke(session, *(one.signer_id for one in signers))
    for one in signers:
        await links.issue(
            session,
            purpose="copy",
            subject_id=one.signer_id,
            file_id=file.file_id,
            client_id=row.client_id,
            name=one.name,
            email=one.email,
            title=terms.title,
        )
    return True


async def end(
    session: AsyncSession,
    engagement_id: UUID,
    *,
    by_firm: bool,
    reasons: str,
    deadlines: Sequence[Step],
    by: UUID,
) -> Engagement:
    """An engagement in force ends; everybody who signed gets a letter that says so, and what is
    theirs to keep from now on."""
    row = await queries.engagement(session, engagement_id, locked=True)
    require(row, "signed")
    row.state, row.ended_at = "ended", clock.now()
    row.revision += 1
    emit(session, telling.ended(session, row, by_firm=by_firm, reasons=reasons, by=by))
    wording = disengagement(
        queries.terms_of(session, row).title,
        by_firm=by_firm,
        last_day=day(row.ended_at, await directory.time_zone(session)),
        dates=[f"{one.when}: {one.what}" for one in deadlines],
    )
    for one in await queries.signers(session, engagement_id):
        await letters.send(
            session,
            wording,
            client_id=row.client_id,
            subject_id=row.engagement_id,
            name=one.name,
            email=one.email,
        )
    return row


async def expire_what_is_due(session: AsyncSession) -> list[Engagement]:
    """The time to sign has passed: told once for each."""
    now = clock.now()
    due = await queries.to_expire(session, now)
    for row in due:
        row.state = "expired"
        row.revision += 1
        emit(
            session,
            EngagementExpired(
                engagement_id=row.engagement_id,
                agreement_version=row.agreement_version,
                client_id=row.client_id,
                expired_at=now,
            ),
        )
    return due
