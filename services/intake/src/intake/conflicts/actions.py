"""Run a check, and decide what it found: one partner's word for each run, with reasons."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import intake.consultations.queries as consultations
import intake.directory.queries as directory
import intake.engagements.queries as engagements
import intake.names.queries as names
from intake.conflicts import queries, rules
from intake.conflicts.models import ConflictCheck, ConflictConsent, ConflictHit, State
from intake.consultations.models import Consultation, Party
from intake.files import queries as files
from intake.names.rules import Role
from intake.settings import IntakeSettings
from shared import clock
from shared.contracts import Sealed
from shared.contracts.intake import (
    ConflictCheckCompleted,
    ConflictCleared,
    ConflictWaived,
    EngagementHeldUp,
    InformedConsent,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

# Of two opponents who ask at the same instant one must see the other: names are kept and compared
# one consultation after the other, until the commit.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('intake conflict checks'))")


class DecidedMeanwhile(Refusal):
    """Somebody else decided, or the check ran again and found something else: read it anew."""


class WaiverForbidden(Refusal):
    """The firm's rules do not let this conflict be waived."""


class ConsentMissing(Refusal):
    """A waiver needs the informed consent in writing of everybody affected."""


class Consent(NamedTuple):
    client_id: UUID
    file_id: UUID
    given_at: datetime


async def run(session: AsyncSession, row: Consultation) -> ConflictCheck:
    """Compare all names of the consultation with everybody else's. Its own names must have been
    kept under ONE_AT_A_TIME. A run with serious hits takes back what was decided before."""
    check = await _begun(session, row)
    asked = [
        (written, party)
        for party in await consultations.parties(session, row.consultation_id)
        for written in (party.name, *party.also)
    ]
    found = [hit for written, party in asked for hit in await _hits(session, check, written, party)]
    session.add_all(found)
    check.names, check.completed_at = len(asked), clock.now()
    check.state = "possible" if any(hit.serious for hit in found) else "clear"
    check.decided_by = check.decided_at = check.reasons = None
    check.screened = []
    await session.flush()
    emit(
        session,
        ConflictCheckCompleted(
            check_id=check.check_id,
            revision=check.revision,
            client_id=check.client_id,
            consultation_id=check.consultation_id,
            outcome=check.state,
            names=check.names,
            hits=len(found),
            completed_at=check.completed_at,
        ),
    )
    if check.state == "possible":
        await _hold_up(session, check)
    return check


async def look_again(
    session: AsyncSession, names_new: Sequence[str], role: Role, *, client_id: UUID | None = None
) -> None:
    """Names came to be known outside of a consultation: whatever consultation they may touch is
    checked again, whatever was decided on it. Names heard twice are not new."""
    touched = {
        near.consultation_id
        for written in names_new
        for near in await names.near(session, written)
        if near.consultation_id is not None
        and near.client_id != client_id
        and rules.is_serious(rules.asked_as(near.role), role)
    }
    if touched:
        await session.execute(ONE_AT_A_TIME)
    for consultation_id in sorted(touched):
        row = await consultations.consultation(session, consultation_id, locked=True)
        if row.state != "declined":
            await run(session, row)


async def clear(
    session: AsyncSession, consultation_id: UUID, *, revision: int, reasons: str, by: UUID
) -> ConflictCheck:
    """There is no conflict, and why; raises DecidedMeanwhile."""
    check = await _undecided(session, consultation_id, revision)
    sealed = _decide(session, check, "cleared", reasons, by)
    emit(
        session,
        ConflictCleared(
            check_id=check.check_id,
            revision=check.revision,
            client_id=check.client_id,
            consultation_id=consultation_id,
            decided_by=by,
            reasons=sealed,
            cleared_at=clock.now(),
        ),
    )
    return check


async def waive(
    session: AsyncSession,
    consultation_id: UUID,
    *,
    revision: int,
    reasons: str,
    consents: Sequence[Consent],
    screened: Sequence[UUID],
    by: UUID,
) -> ConflictCheck:
    """There is one, and everybody affected agreed in writing; raises what stands against it."""
    check = await _undecided(session, consultation_id, revision)
    await _require_waivable(session, consultation_id)
    given = await _require_consents(session, check, consents)
    for one in screened:
        await directory.active_staff(session, one)
    session.add_all(
        ConflictConsent(check_id=check.check_id, revision=revision, **one._asdict())
        for one in consents
    )
    check.screened = list(screened)
    sealed = _decide(session, check, "waived", reasons, by)
    emit(
        session,
        ConflictWaived(
            check_id=check.check_id,
            revision=check.revision,
            client_id=check.client_id,
            consultation_id=consultation_id,
            decided_by=by,
            reasons=sealed,
            consents=tuple(given),
            screened=tuple(screened),
            waived_at=clock.now(),
        ),
    )
    return check


async def _hold_up(session: AsyncSession, check: ConflictCheck) -> None:
    """An agreement that was offered waits from now on, also one that the firm has counter-signed:
    who must decide, and who answers the client, hear of it."""
    in_charge = await directory.in_charge(session)
    for row in await engagements.offered(session, check.consultation_id):
        emit(
            session,
            EngagementHeldUp(
                engagement_id=row.engagement_id,
                agreement_version=row.agreement_version,
                client_id=row.client_id,
                consultation_id=row.consultation_id,
                state=row.state,
                check_id=check.check_id,
                revision=check.revision,
                staff_ids=tuple(dict.fromkeys([*in_charge, row.point_of_contact_id])),
                held_up_at=check.completed_at,
            ),
        )


async def _begun(session: AsyncSession, row: Consultation) -> ConflictCheck:
    """The check with the number of this run; its row is locked."""
    known = await queries.find(session, row.consultation_id, locked=True)
    if known is not None:
        known.revision += 1
        return known
    check = ConflictCheck(
        check_id=new_id(),
        consultation_id=row.consultation_id,
        client_id=row.client_id,
        revision=1,
        names=0,
        state="clear",
        completed_at=clock.now(),
    )
    session.add(check)
    await session.flush()
    return check


async def _hits(
    session: AsyncSession, check: ConflictCheck, written: str, party: Party
) -> list[ConflictHit]:
    return [
        ConflictHit(
            hit_id=new_id(),
            check_id=check.check_id,
            revision=check.revision,
            asked=written,
            asked_role=party.role,
            found=near.written,
            found_role=near.role,
            found_client_id=near.client_id,
            found_subject_id=near.subject_id,
            score=near.score,
            because=rules.in_words(party.role, near.role, near.because),
            serious=rules.is_serious(party.role, near.role),
        )
        for near in await names.near(session, written)
        if near.consultation_id != check.consultation_id and near.subject_id != check.client_id
    ]


async def _undecided(session: AsyncSession, consultation_id: UUID, revision: int) -> ConflictCheck:
    check = await queries.check_of(session, consultation_id, locked=True)
    if check.state != "possible" or check.revision != revision:
        raise DecidedMeanwhile(
            f"Run {check.revision} of this check is {check.state}; there is nothing to decide on"
            f" run {revision}."
        )
    return check


def _decide(
    session: AsyncSession, check: ConflictCheck, state: State, reasons: str, by: UUID
) -> Sealed:
    sealed = seal(session, check.client_id, check.check_id, "conflict-check", "reasons", reasons)
    check.state, check.decided_by, check.decided_at = state, by, clock.now()
    check.reasons = sealed.model_dump(mode="json")
    return sealed


async def _require_waivable(session: AsyncSession, consultation_id: UUID) -> None:
    settings: IntakeSettings = session.info["settings"]
    row = await consultations.consultation(session, consultation_id)
    if not settings.intake_waivers or row.practice_area in settings.intake_never_waived_in:
        raise WaiverForbidden("The firm's rules let no conflict be waived here: decline instead.")


async def _require_consents(
    session: AsyncSession, check: ConflictCheck, consents: Sequence[Consent]
) -> list[InformedConsent]:
    """Of who asks, and of every client whom a serious hit names."""
    affected = {check.client_id} | {
        hit.found_client_id
        for hit in await queries.hits(session, check)
        if hit.serious and hit.found_client_id is not None
    }
    missing = affected - {one.client_id for one in consents}
    if missing:
        named = ", ".join(sorted(str(one) for one in missing))
        raise ConsentMissing(f"The consent in writing of these clients is missing: {named}.")
    return [await _given(session, one) for one in consents]


async def _given(session: AsyncSession, consent: Consent) -> InformedConsent:
    if consent.given_at > clock.now():
        raise Invalid("given_at lies in the future: a consent is entered when it was given.")
    kept = await files.kept(session, consent.file_id)
    if kept is None or kept.client_id != consent.client_id:
        raise Invalid(f"There is no file {consent.file_id} of client {consent.client_id}.")
    return InformedConsent(
        client_id=consent.client_id, given_at=consent.given_at, document=files.reference(kept)
    )
