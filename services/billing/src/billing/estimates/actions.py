"""Put estimates to clients, and watch what work makes of them.

Whoever changes what a matter costs calls `watch` in the same transaction, after `lock`: the lock of
the estimate's row makes a hundred entries at once one crossing, and the crossing's key says so
again.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory.models import BilledMatter
from billing.estimates import queries, wording
from billing.estimates.models import (
    Commitment,
    EstimateLine,
    EstimateVersion,
    MatterEstimate,
    ThresholdCrossing,
)
from billing.estimates.rules import Estimate, Standing
from billing.settings import BillingSettings
from shared import clock, revisions
from shared.contracts.billing import (
    BudgetThresholdCrossed,
    EstimateAgreed,
    EstimateIssued,
    EstimateRevised,
    Measure,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit


class EstimateChangedMeanwhile(Refusal):
    """A newer version was put to the client since: read that one, then agree."""


async def issue(
    session: AsyncSession, matter: BilledMatter, estimate: Estimate, by: UUID
) -> EstimateVersion:
    """The first of the matter. Raises Invalid if it has one: that is revised, with a reason; and
    for another currency than that of its terms."""
    await _refuse_other_currency(session, matter, estimate.currency)
    row = MatterEstimate(
        estimate_id=new_id(), client_id=matter.client_id, matter_id=matter.matter_id, version=1
    )
    added = await session.execute(
        insert(MatterEstimate)
        .values(row.model_dump())
        .on_conflict_do_nothing(index_elements=["matter_id"])
        .returning(col(MatterEstimate.estimate_id))
    )
    if added.one_or_none() is None:
        raise Invalid("The matter has an estimate already: revise it, with the reason.")
    version = await _keep(session, row, estimate, None, by)
    emit(session, EstimateIssued.model_validate(_told(session, row, version, estimate)))
    await _know(session, row, version.version)
    return version


async def revise(
    session: AsyncSession,
    matter: BilledMatter,
    estimate: Estimate,
    *,
    reason: str,
    if_match: str | None,
    by: UUID,
) -> EstimateVersion:
    """What was agreed stays agreed until the client agrees to this. Raises PreconditionFailed."""
    row = await _locked(session, matter.matter_id)
    revisions.check(if_match, row.version)
    await _refuse_other_currency(session, matter, estimate.currency)
    row.version += 1
    version = await _keep(session, row, estimate, reason, by)
    told = _told(session, row, version, estimate) | {"reason": version.reason}
    emit(session, EstimateRevised.model_validate(told))
    if row.agreed_version is None:
        await _know(session, row, version.version)
    return version


async def agree(
    session: AsyncSession, matter: BilledMatter, number: int, by: UUID
) -> EstimateVersion:
    """The client understood and agreed to the newest version. Agreeing twice changes nothing.
    Raises EstimateChangedMeanwhile."""
    row = await _locked(session, matter.matter_id)
    if number != row.version:
        raise EstimateChangedMeanwhile("The estimate was revised since: read it, then agree.")
    version = await queries.version(session, row, number)
    if version.agreed_at is not None:
        return version
    version.agreed_by, version.agreed_at = by, clock.now()
    row.agreed_version = number
    await session.flush()
    emit(
        session,
        EstimateAgreed(
            estimate_id=row.estimate_id,
            estimate_version=number,
            client_id=row.client_id,
            matter_id=row.matter_id,
            agreed_by=by,
            agreed_at=version.agreed_at,
        ),
    )
    await _know(session, row, number)
    return version


async def commit_to(
    session: AsyncSession, matter: BilledMatter, amount: int, currency: str, words: str, by: UUID
) -> Commitment:
    """Promised to others for the client: it counts in the forecast until it is laid out."""
    await lock(session, matter.matter_id)
    await _refuse_other_currency(session, matter, currency)
    commitment_id = new_id()
    sealed = seal(session, matter.client_id, commitment_id, "commitment", "words", words)
    row = Commitment(
        commitment_id=commitment_id,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        currency=currency,
        amount=amount,
        words=sealed.model_dump(mode="json"),
        made_by=by,
        made_at=clock.now(),
    )
    session.add(row)
    await watch(session, matter.matter_id)
    return row


async def lock(session: AsyncSession, matter_id: UUID) -> Standing | None:
    """Before anything is changed that a matter costs: its standing against what the client agreed
    to, held still; None without an agreement."""
    row = await queries.of_matter(session, matter_id, lock=True)
    if row is None or row.agreed_version is None:
        return None
    return await queries.standing(session, row, row.agreed_version)


async def watch(session: AsyncSession, matter_id: UUID) -> None:
    """After it: thresholds passed for the first time are told, of each measure the highest. One
    that a correction takes back stays crossed: the client was told, and is not told again."""
    await session.flush()
    row = await queries.of_matter(session, matter_id, lock=True)
    if row is None:
        return
    number = queries.binding(row)
    now = await queries.standing(session, row, number)
    crossed = await _cross(session, row, number, now)
    for measure, percent in {measure: percent for measure, percent in crossed}.items():
        await _tell(session, row, number, now, measure, percent)


async def _refuse_other_currency(
    session: AsyncSession, matter: BilledMatter, currency: str
) -> None:
    """Of the terms that were explained last, else of the estimate: sums are of one currency."""
    known = await queries.currency_of(session, matter)
    if known not in (None, currency):
        raise Invalid(f"The matter is billed in {known}: give amounts in it.")


async def _locked(session: AsyncSession, matter_id: UUID) -> MatterEstimate:
    row = await queries.of_matter(session, matter_id, lock=True)
    if row is None:
        raise Invalid("The matter has no estimate yet: issue one.")
    return row


async def _know(session: AsyncSession, row: MatterEstimate, number: int) -> None:
    """What was passed already when this version was put to the client, the client knows from it."""
    await session.flush()
    await _cross(session, row, number, await queries.standing(session, row, number))


async def _cross(
    session: AsyncSession, row: MatterEstimate, number: int, now: Standing
) -> Sequence[tuple[Measure, int]]:
    """Keeps what is passed and was not before; in the order of measures, the highest last."""
    settings: BillingSettings = session.info["settings"]
    crossed = []
    for measure, percent in now.passed(settings.billing_thresholds):
        added = await session.execute(
            insert(ThresholdCrossing)
            .values(
                estimate_id=row.estimate_id,
                version=number,
                measure=measure,
                percent=percent,
                reached=now.reached(measure),
                estimated=now.estimated(measure),
                told=False,
                crossed_at=clock.now(),
            )
            .on_conflict_do_nothing()
            .returning(col(ThresholdCrossing.percent))
        )
        if added.one_or_none() is not None:
            crossed.append((measure, percent))
    return crossed


async def _tell(
    session: AsyncSession,
    row: MatterEstimate,
    number: int,
    now: Standing,
    measure: Measure,
    percent: int,
) -> None:
    crossing = await session.get_one(ThresholdCrossing, (row.estimate_id, number, measure, percent))
    version = await queries.version(session, row, number)
    crossing.told = True
    emit(
        session,
        BudgetThresholdCrossed(
            matter_id=row.matter_id,
            client_id=row.client_id,
            estimate_id=row.estimate_id,
            estimate_version=number,
            measure=measure,
            percent=percent,
            currency=version.currency,
            estimated=crossing.estimated,
            reached=crossing.reached,
            forecast=now.forecast,
            agreed=version.agreed_at is not None,
            crossed_at=crossing.crossed_at,
        ),
    )


async def _keep(
    session: AsyncSession, row: MatterEstimate, estimate: Estimate, reason: str | None, by: UUID
) -> EstimateVersion:
    owner, content_id = row.client_id, new_id()
    document = seal(session, owner, content_id, "estimate", "document", estimate.model_dump_json())
    why = seal(session, owner, content_id, "estimate", "reason", reason) if reason else None
    version = EstimateVersion(
        estimate_id=row.estimate_id,
        version=row.version,
        currency=estimate.currency,
        **{f"fees_{name}": value for name, value in estimate.fees},
        **{f"costs_{name}": value for name, value in estimate.costs},
        document=document.model_dump(mode="json"),
        reason=why.model_dump(mode="json") if why else None,
        issued_by=by,
        issued_at=clock.now(),
    )
    session.add(version)
    await session.flush()
    session.add_all(
        EstimateLine(
            estimate_id=row.estimate_id,
            version=row.version,
            phase=phase.code,
            task=task.code,
            fees_likely=task.fees.minor(estimate.currency).likely,
            costs_likely=task.costs.minor(estimate.currency).likely,
        )
        for phase in estimate.phases
        for task in phase.tasks
    )
    return version


def _told(
    session: AsyncSession, row: MatterEstimate, version: EstimateVersion, estimate: Estimate
) -> dict[str, Any]:
    words = wording.as_text(estimate)
    return {
        "estimate_id": row.estimate_id,
        "estimate_version": version.version,
        "client_id": row.client_id,
        "matter_id": row.matter_id,
        "currency": version.currency,
        "fees": estimate.fees,
        "costs": estimate.costs,
        "text": seal(session, row.client_id, new_id(), "estimate", "text", words),
        "issued_at": version.issued_at,
    }
