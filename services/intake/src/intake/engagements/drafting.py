"""From a draft to an offer: written, read by a partner, approved, taken back. Each step is one
winner's: the row is locked before its state is looked at."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import intake.conflicts.queries as conflict_checks
import intake.consultations.queries as consultations
import intake.directory.queries as directory
import intake.files.actions as files
import intake.links.actions as links
import intake.templates.queries as templates
from intake.consultations.models import Consultation
from intake.engagements import fee_terms, printing, queries, rules, telling
from intake.engagements.models import Engagement, Signer
from intake.engagements.states import AlreadySigned, require
from intake.engagements.terms import MustSign, NewTerms, Terms
from intake.settings import MOST_TOLD, IntakeSettings
from shared import clock, revisions
from shared.contracts.intake import EngagementWithdrawn
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.outbox import emit

MOST_JOINT = 10  # with everything else at its most, one event has room for so many


class AgreementAlive(Refusal):
    """A consultation leads to one agreement, and an agreement is amended once."""


class ClientUnbound(Refusal):
    """Who asked for a consultation does not sign, nor does anybody for them."""

    status = 422


class SignerUnchecked(Refusal):
    """Somebody would become a client without a conflict check."""


class SignedByTheFirm(Refusal):
    """A link to sign would go to somebody of the firm."""

    status = 422


class ClientTwice(Refusal):
    """A joint client is a client of this matter already."""

    status = 422


class JoinedByAmendment(Refusal):
    """An amendment changes what was agreed, not who the clients are."""

    status = 422


class NotHeard(Refusal):
    """No agreement before the consultation was held and noted."""


async def draft(
    session: AsyncSession,
    *,
    consultation_id: UUID,
    terms: NewTerms,
    signers: Sequence[MustSign],
    template: str,
    point_of_contact_id: UUID,
    team: Sequence[UUID],
    calendar_id: UUID | None,
    amends: UUID | None,
    by: UUID,
) -> Engagement:
    """What is to be agreed, for a partner to approve. Raises NotHeard and ConflictStands."""
    consultation = await consultations.consultation(session, consultation_id, locked=True)
    if consultation.state != "held":
        raise NotHeard(f"The consultation is {consultation.state}: hold and note it first.")
    await conflict_checks.require_none(session, consultation_id)
    amended = await _in_force(session, amends, consultation.client_id) if amends else None
    if await queries.alive(session, consultation_id, amends):
        raise AgreementAlive("There is one already: change, withdraw or amend that.")
    known = await directory.firm(session)
    row = Engagement(
        engagement_id=new_id(),
        consultation_id=consultation_id,
        client_id=consultation.client_id,
        amends=amends,
        practice_area=terms.practice_area,
        terms={},
        fee_terms={},
        template=template,
        template_version=await templates.newest_version(session, template),
        point_of_contact_id=point_of_contact_id,
        team=list(team),
        calendar_id=calendar_id or (known.calendar_id if known else None),
        matter_id=amended.matter_id if amended else new_id(),
        drafted_by=by,
        drafted_at=clock.now(),
    )
    await _require_people(session, point_of_contact_id, team)
    await _require_signers(session, consultation, signers)
    await _require_joint_clients(session, row, signers)
    await _write_terms(session, row, terms)
    session.add(row)
    await session.flush()
    _add_signers(session, row, signers)
    return row


async def redraft(
    session: AsyncSession,
    engagement_id: UUID,
    *,
    if_match: str | None,
    terms: NewTerms,
    signers: Sequence[MustSign],
    template: str,
    point_of_contact_id: UUID,
    team: Sequence[UUID],
    calendar_id: UUID | None,
) -> Engagement:
    """Replace a draft as a whole; raises PreconditionFailed."""
    row = await queries.engagement(session, engagement_id, locked=True)
    require(row, "draft")
    revisions.check(if_match, row.revision)
    await _require_people(session, point_of_contact_id, team)
    consultation = await consultations.consultation(session, row.consultation_id)
    await _require_signers(session, consultation, signers)
    await _require_joint_clients(session, row, signers)
    row.revision += 1
    row.practice_area, row.template = terms.practice_area, template
    row.template_version = await templates.newest_version(session, template)
    row.point_of_contact_id, row.team = point_of_contact_id, list(team)
    row.calendar_id = calendar_id or row.calendar_id
    await _write_terms(session, row, terms)
    await session.execute(delete(Signer).where(col(Signer.engagement_id) == engagement_id))
    _add_signers(session, row, signers)
    return row


async def manuscript(
    session: AsyncSession, engagement_id: UUID, *, revision: int, at: datetime
) -> printing.Manuscript:
    """What is to be printed of a draft that a partner has read, before they approve it."""
    row = await queries.engagement(session, engagement_id)
    require(row, "draft")
    revisions.check(revisions.etag(revision), row.revision)
    return await printing.agreement(session, row, at)


async def approve(
    session: AsyncSession,
    engagement_id: UUID,
    *,
    revision: int,
    at: datetime,
    pdf: bytes,
    by: UUID,
) -> Engagement:
    """`pdf` is this revision on paper: it goes to everybody who must sign, is what is signed, and
    is never printed again. Raises PreconditionFailed when the draft was changed meanwhile."""
    row = await queries.engagement(session, engagement_id, locked=True)
    require(row, "draft")
    revisions.check(revisions.etag(revision), row.revision)
    await conflict_checks.require_none(session, row.consultation_id)
    await fee_terms.require_newest(session, row)
    settings: IntakeSettings = session.info["settings"]
    row.agreement_version += 1
    row.approved_by, row.proposed_at = by, at
    row.expires_at = at + timedelta(days=settings.intake_link_days)
    terms, signers = queries.terms_of(session, row), await queries.signers(session, engagement_id)
    document = await files.keep(
        session,
        client_id=row.client_id,
        subject_id=row.engagement_id,
        name=f"{terms.title}.pdf",
        pdf=pdf,
    )
    row.document_id, row.document_sha256 = document.file_id, hashlib.sha256(pdf).digest()
    row.state = "proposed"
    row.revision += 1
    emit(session, telling.proposed(session, row, terms, signers, document))
    for one in signers:
        await _invite(session, row, terms, one)
    return row


async def withdraw(session: AsyncSession, engagement_id: UUID, *, by: UUID) -> Engagement:
    """Take an offer back to change it: links open nothing any more, and who signed this version
    has signed nothing. One that was declined or expired is over already."""
    row = await queries.engagement(session, engagement_id, locked=True)
    require(row, "proposed", "accepted", "declined", "expired")
    if row.state in ("proposed", "accepted"):
        emit(
            session,
            EngagementWithdrawn(
                engagement_id=engagement_id,
                agreement_version=row.agreement_version,
                client_id=row.client_id,
                withdrawn_by=by,
                withdrawn_at=clock.now(),
            ),
        )
    await _void(session, row)
    row.state = "draft"
    row.revision += 1
    return row


async def invite_again(session: AsyncSession, engagement_id: UUID, signer_id: UUID) -> Engagement:
    """A new link for somebody who lost theirs; the old one opens nothing any more."""
    row = await queries.engagement(session, engagement_id, locked=True)
    require(row, "proposed")
    one = await queries.signer(session, signer_id)
    if one.engagement_id != engagement_id or one.signed_at is not None:
        raise AlreadySigned("There is nothing for this person to sign.")
    await links.revoke(session, signer_id)
    await _invite(session, row, queries.terms_of(session, row), one)
    return row


async def _in_force(session: AsyncSession, engagement_id: UUID, client_id: UUID) -> Engagement:
    row = await queries.engagement(session, engagement_id, locked=True)
    if row.client_id not in await directory.entries(session, client_id):
        raise Invalid("Only an engagement of the same client can be amended.")
    require(row, "signed")
    return row


async def _require_people(
    session: AsyncSession, point_of_contact_id: UUID, team: Sequence[UUID]
) -> None:
    for one in (point_of_contact_id, *team):
        await directory.active_staff(session, one)


async def _require_signers(
    session: AsyncSession, consultation: Consultation, signers: Sequence[MustSign]
) -> None:
    """Who asked is bound, whoever signs for themselves was checked, and nobody of the firm signs in
    a client's place: links and codes go to no mailbox of ours. Raises the refusals above."""
    parties = await consultations.parties(session, consultation.consultation_id)
    asked = [one.name for one in parties if one.role == "client"]
    if not rules.binds(signers, asked):
        raise ClientUnbound(
            f"Nobody signs for {asked[0]}: they, or somebody with a capacity, must."
        )
    sides = [name for one in parties if one.role != "adverse" for name in (one.name, *one.also)]
    for name in rules.joining(signers, sides):
        raise SignerUnchecked(
            f"{name} would be bound but is no party of the consultation: add them with"
            f" POST /v1/consultations/{consultation.consultation_id}/parties, so that the conflict"
            " check knows them."
        )
    twice = rules.named_twice(signers, asked)
    if twice is not None:
        raise ClientTwice(
            f"{twice} is a client of this matter already, and cannot be its joint client too. Write"
            " the names of two people so that they can be told apart."
        )
    if await directory.any_of_the_firm(session, [one.email for one in signers]):
        raise SignedByTheFirm("An address of the firm's own people cannot sign for a client.")


async def _require_joint_clients(
    session: AsyncSession, row: Engagement, signers: Sequence[MustSign]
) -> None:
    """Each a client of their own: new, or of that id and name. Raises the refusals above."""
    joint = [one for one in signers if one.joint_client]
    if joint and row.amends is not None:
        raise JoinedByAmendment(
            "An amendment makes nobody a client: let them join the matter with"
            f" POST /v1/matters/{row.matter_id}/joint-clients, which records how both agreed to it."
        )
    if len(joint) > MOST_JOINT:
        raise Invalid(f"At most {MOST_JOINT} joint clients sign at once; let more join the matter.")
    named = [one.client_id for one in joint if one.client_id]
    own = await directory.entries(session, row.client_id)
    if own & set(named) or len(set(named)) < len(named):
        raise ClientTwice("A joint client is another client than the matter's, and named once.")
    drafted = {one.client_id for one in await queries.signers(session, row.engagement_id)}
    for one in joint:
        if one.client_id is not None:
            name = rules.bound_by(one) or one.name
            await _require_client(session, one.client_id, name, drafted)


async def _require_client(
    session: AsyncSession, client_id: UUID, name: str, drafted: Collection[UUID | None]
) -> None:
    """A client of that name, or who was made for this very draft."""
    known = await directory.unmerged(session, client_id)
    if known is None and client_id not in drafted:
        raise directory.unknown(client_id)
    if known is not None and not rules.is_like(known.name, name):
        raise Invalid(f"The client {client_id} is not of the name {name}.")


async def _write_terms(session: AsyncSession, row: Engagement, wanted: NewTerms) -> None:
    terms = await fee_terms.settle(session, row, wanted)
    if len(terms.model_dump_json().encode()) > MOST_TOLD:
        raise Invalid(f"The terms have more than {MOST_TOLD} bytes: put long text in a template.")
    row.terms = telling.sealed_terms(session, row, terms).model_dump(mode="json")


def _add_signers(session: AsyncSession, row: Engagement, signers: Sequence[MustSign]) -> None:
    session.add_all(
        Signer(
            signer_id=new_id(),
            engagement_id=row.engagement_id,
            position=position,
            **one.model_dump(exclude={"joint_client", "client_id"}),
            client_id=(one.client_id or new_id()) if one.joint_client else None,
        )
        for position, one in enumerate(signers)
    )


async def _invite(session: AsyncSession, row: Engagement, terms: Terms, one: Signer) -> None:
    await links.issue(
        session,
        purpose="signature",
        subject_id=one.signer_id,
        file_id=row.document_id,
        client_id=row.client_id,
        name=one.name,
        email=one.email,
        title=terms.title,
        expires_at=row.expires_at,
    )


async def _void(session: AsyncSession, row: Engagement) -> None:
    signers = await queries.signers(session, row.engagement_id)
    await links.revoke(session, *(one.signer_id for one in signers))
    for one in signers:
        one.signed_at = one.method = one.evidence = None
    row.approved_by = row.proposed_at = row.expires_at = None
    row.document_id = row.document_sha256 = None
