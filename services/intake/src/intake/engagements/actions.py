"""Draft, approve, sign, counter-sign, bring into force, end. Each step is one winner's: the row is
locked before its state is looked at."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import intake.conflicts.queries as conflict_checks
import intake.consultations.actions as consultation_actions
import intake.consultations.queries as consultations
import intake.directory.queries as directory
import intake.files.actions as files
import intake.letters.actions as letters
import intake.links.actions as links
from intake.engagements import printing, queries, rules, telling, wording
from intake.engagements.models import Engagement, Signer, State, Template
from intake.engagements.terms import MustSign, Terms
from intake.engagements.wording import Section, TemplateRefused
from intake.files.models import File
from intake.letters.texts import disengagement
from intake.settings import MOST_TOLD, IntakeSettings
from shared import clock, revisions, sealing
from shared.contracts.intake import (
    AgreedFeeTerms,
    EngagementDeclined,
    EngagementExpired,
    EngagementQuestionAsked,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import keys_of, seal
from shared.outbox import emit


class EngagementMovedOn(Refusal):
    """It is no longer in the state that this asks for: read it anew."""


class OfferExpired(Refusal):
    """The time to sign has passed; the firm can propose it again."""

    status = 410


class SignatureMissing(Refusal):
    """Somebody who must sign has not."""


class DocumentChanged(Refusal):
    """What was read is not what would be signed: read the document again."""


class AlreadySigned(Refusal):
    """This person has signed; nothing is signed twice."""


class AgreementAlive(Refusal):
    """A consultation leads to one agreement, and an agreement is amended once."""


class NotHeard(Refusal):
    """No agreement before the consultation was held and noted."""


class TemplatePublishedMeanwhile(Refusal):
    """Somebody else published a version of this template at the same time."""


async def publish_template(
    session: AsyncSession, template: str, sections: Sequence[Section], *, by: UUID
) -> Template:
    """A new version; earlier ones stay, for what was made of them. Raises Invalid for wording that
    does what no template may."""
    try:
        wording.check(sections)
    except TemplateRefused as error:
        raise Invalid(f"This template is not taken: {error}.") from error
    row = Template(
        template=template,
        version=await queries.published(session, template) + 1,
        sections=[{"heading": one.heading, "body": one.body} for one in sections],
        published_at=clock.now(),
        published_by=by,
    )
    added = await session.execute(
        insert(Template)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(Template.version))
    )
    if added.scalar_one_or_none() is None:
        raise TemplatePublishedMeanwhile("Somebody else published one just now: read it first.")
    return row


async def draft(
    session: AsyncSession,
    *,
    consultation_id: UUID,
    terms: Terms,
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
        template_version=await queries.newest_version(session, template),
        point_of_contact_id=point_of_contact_id,
        team=list(team),
        calendar_id=calendar_id or (known.calendar_id if known else None),
        matter_id=amended.matter_id if amended else new_id(),
        drafted_by=by,
        drafted_at=clock.now(),
    )
    await _require_people(session, point_of_contact_id, team)
    _write_terms(session, row, terms)
    session.add(row)
    await session.flush()
    _add_signers(session, row, signers)
    return row


async def redraft(
    session: AsyncSession,
    engagement_id: UUID,
    *,
    if_match: str | None,
    terms: Terms,
    signers: Sequence[MustSign],
    template: str,
    point_of_contact_id: UUID,
    team: Sequence[UUID],
    calendar_id: UUID | None,
) -> Engagement:
    """Replace a draft as a whole; raises PreconditionFailed."""
    row = await queries.engagement(session, engagement_id, locked=True)
    _require(row, "draft")
    revisions.check(if_match, row.revision)
    await _require_people(session, point_of_contact_id, team)
    row.revision += 1
    row.practice_area, row.template = terms.practice_area, template
    row.template_version = await queries.newest_version(session, template)
    row.point_of_contact_id, row.team = point_of_contact_id, list(team)
    row.calendar_id = calendar_id or row.calendar_id
    _write_terms(session, row, terms)
    await session.execute(delete(Signer).where(col(Signer.engagement_id) == engagement_id))
    _add_signers(session, row, signers)
    return row


async def manuscript(
    session: AsyncSession, engagement_id: UUID, *, revision: int, at: datetime
) -> printing.Manuscript:
    """What is to be printed of a draft that a partner has read, before they approve it."""
    row = await queries.engagement(session, engagement_id)
    _require(row, "draft")
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
    _require(row, "draft")
    revisions.check(revisions.etag(revision), row.revision)
    await conflict_checks.require_none(session, row.consultation_id)
    settings: IntakeSettings = session.info["settings"]
    row.agreement_version += 1
    row.approved_by, row.proposed_at = by, at
    row.expires_at = at + timedelta(days=settings.intake_link_days)
    terms, signers = queries.terms_of(session, row), await queries.signers(session, engagement_id)
    document = await _keep(session, row, f"{terms.title}.pdf", pdf)
    row.document_id, row.document_sha256 = document.file_id, hashlib.sha256(pdf).digest()
    row.state = "proposed"
    row.revision += 1
    emit(session, telling.proposed(session, row, terms, signers, document))
    for one in signers:
        await _invite(session, row, terms, one)
    return row


async def withdraw(session: AsyncSession, engagement_id: UUID) -> Engagement:
    """Take an offer back to change it: links open nothing any more, and who signed this version
    has signed nothing."""
    row = await queries.engagement(session, engagement_id, locked=True)
    _require(row, "proposed", "accepted", "declined", "expired")
    await _void(session, row)
    row.state = "draft"
    row.revision += 1
    return row


async def invite_again(session: AsyncSession, engagement_id: UUID, signer_id: UUID) -> Engagement:
    """A new link for somebody who lost theirs; the old one opens nothing any more."""
    row = await queries.engagement(session, engagement_id, locked=True)
    _require(row, "proposed")
    one = await queries.signer(session, signer_id)
    if one.engagement_id != engagement_id or one.signed_at is not None:
        raise AlreadySigned("There is nothing for this person to sign.")
    await links.revoke(session, signer_id)
    await _invite(session, row, queries.terms_of(session, row), one)
    return row


async def sign(
    session: AsyncSession,
    signer_id: UUID,
    *,
    document_sha256: str,
    typed: str,
    evidence: dict[str, Any],
    method: str = "electronic",
    signed_at: datetime | None = None,
) -> Engagement:
    """One of those who must sign does. The last one makes it accepted."""
    one = await queries.signer(session, signer_id)
    row = await queries.engagement(session, one.engagement_id, locked=True)
    await session.refresh(one)
    if one.signed_at is not None:
        raise AlreadySigned("You have signed already; we sent or will send you a copy.")
    _require_open(row)
    if row.document_sha256 is None or row.document_sha256.hex() != document_sha256:
        raise DocumentChanged("This is not the document that is offered now; read it again.")
    if not rules.is_the_same_person(typed, one.name):
        raise Invalid(f"Type your name as it stands in the agreement: {one.name}.")
    one.signed_at, one.method = signed_at or clock.now(), method
    facts = evidence | {"typed": typed, "statement": rules.STATEMENT, "sha256": document_sha256}
    sealed = seal(
        session, row.client_id, signer_id, "signature", "evidence", orjson.dumps(facts).decode()
    )
    one.evidence = sealed.model_dump(mode="json")
    await session.flush()
    document = await session.get_one(File, row.document_id)
    emit(session, telling.signature_given(row, one, document))
    if all(each.signed_at for each in await queries.signers(session, row.engagement_id)):
        row.state = "accepted"
        row.revision += 1
    return row


async def decline(session: AsyncSession, signer_id: UUID, *, reasons: str | None) -> Engagement:
    """One who must sign will not: nobody can any more."""
    one = await queries.signer(session, signer_id)
    row = await queries.engagement(session, one.engagement_id, locked=True)
    _require_open(row)
    row.state = "declined"
    row.revision += 1
    await links.revoke(session, *await _signer_ids(session, row))
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
    _require_open(row)
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


async def countersign(
    session: AsyncSession, engagement_id: UUID, *, revision: int, by: UUID
) -> Engagement:
    """For the firm. Raises SignatureMissing and ConflictStands; the seal follows by itself."""
    row = await queries.engagement(session, engagement_id, locked=True)
    if row.state == "proposed":
        waits = [
            one.name for one in await queries.signers(session, engagement_id) if not one.signed_at
        ]
        raise SignatureMissing(f"These have not signed: {', '.join(waits)}.")
    _require(row, "accepted")
    revisions.check(revisions.etag(revision), row.revision)
    await conflict_checks.require_none(session, row.consultation_id)
    row.state, row.countersigned_by, row.countersigned_at = "countersigned", by, clock.now()
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
    file = await _keep(session, row, f"{terms.title} (signed).pdf", sealed)
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
    session: AsyncSession, engagement_id: UUID, *, by_firm: bool, reasons: str, by: UUID
) -> Engagement:
    """An engagement in force ends; everybody who signed gets a letter that says so."""
    row = await queries.engagement(session, engagement_id, locked=True)
    _require(row, "signed")
    row.state, row.ended_at = "ended", clock.now()
    row.revision += 1
    emit(session, telling.ended(session, row, by_firm=by_firm, reasons=reasons, by=by))
    terms = queries.terms_of(session, row)
    for one in await queries.signers(session, engagement_id):
        await letters.send(
            session,
            disengagement(terms.title),
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


def _require(row: Engagement, *states: State) -> None:
    if row.state not in states:
        raise EngagementMovedOn(f"The engagement is {row.state}, not {' or '.join(states)}.")


def _require_open(row: Engagement) -> None:
    if row.state == "proposed" and row.expires_at is not None and row.expires_at <= clock.now():
        raise OfferExpired("The time to sign has passed. Please ask us to send it again.")
    _require(row, "proposed")


async def _in_force(session: AsyncSession, engagement_id: UUID, client_id: UUID) -> Engagement:
    row = await queries.engagement(session, engagement_id, locked=True)
    if row.client_id != client_id:
        raise Invalid("Only an engagement of the same client can be amended.")
    _require(row, "signed")
    return row


async def _require_people(
    session: AsyncSession, point_of_contact_id: UUID, team: Sequence[UUID]
) -> None:
    for one in (point_of_contact_id, *team):
        await directory.active_staff(session, one)


def _write_terms(session: AsyncSession, row: Engagement, terms: Terms) -> None:
    if rules.forbids_contingent_fee(terms):
        raise Invalid("A contingent fee is not allowed in this practice area (Rule 1.5(d)).")
    if len(terms.model_dump_json().encode()) > MOST_TOLD:
        raise Invalid(f"The terms have more than {MOST_TOLD} bytes: put long text in a template.")
    row.terms = telling.sealed_terms(session, row, terms).model_dump(mode="json")
    fees = terms.fees
    key = keys_of(session).key(row.client_id)
    exact = orjson.dumps(fees.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    row.fee_terms = AgreedFeeTerms(
        terms_id=fees.terms_id or new_id(),
        version=fees.version,
        basis=fees.basis,
        commitment=b64encode(sealing.keyed_digest(key, "fee terms", exact)).decode(),
        by_hand=fees.terms_id is None,
    ).model_dump(mode="json")


def _add_signers(session: AsyncSession, row: Engagement, signers: Sequence[MustSign]) -> None:
    session.add_all(
        Signer(
            signer_id=new_id(),
            engagement_id=row.engagement_id,
            position=position,
            **one.model_dump(),
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
    await links.revoke(session, *await _signer_ids(session, row))
    for one in await queries.signers(session, row.engagement_id):
        one.signed_at = one.method = one.evidence = None
    row.approved_by = row.proposed_at = row.expires_at = None
    row.document_id = row.document_sha256 = None


async def _signer_ids(session: AsyncSession, row: Engagement) -> list[UUID]:
    return [one.signer_id for one in await queries.signers(session, row.engagement_id)]


async def _keep(session: AsyncSession, row: Engagement, name: str, pdf: bytes) -> File:
    return await files.keep(
        session,
        client_id=row.client_id,
        subject_id=row.engagement_id,
        name=name,
        content=pdf,
        media_type="application/pdf",
    )
