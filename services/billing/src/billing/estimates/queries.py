"""How a matter stands: what was spent, what was estimated, what is now expected."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.directory.models import BilledMatter
from billing.estimates.models import (
    EstimateLine,
    EstimateVersion,
    MatterEstimate,
    ThresholdCrossing,
)
from billing.estimates.rules import Estimate, Spent, Standing, forecast
from billing.terms import queries as terms
from shared.contracts import Sealed
from shared.keyring import unseal

# Net of write-downs, discounts and credits: of what is issued the invoices know, of the rest the
# entries. A credit note lowers fees first, in the share that its invoice has of them.
_SPENT = text("""
    WITH unbilled AS (
        SELECT kind, task_code, sum(amount)::bigint AS amount FROM entries
        WHERE matter_id = :matter_id AND state = 'billable' GROUP BY kind, task_code
    ), lines AS (
        SELECT replace(line.kind, 'I', '') AS side, line.task_code,
               sum(line.total - line.credited_net)::bigint AS amount
        FROM (SELECT *, CASE WHEN total + tax = 0 THEN 0
                     ELSE round(credited::numeric * total / (total + tax)) END AS credited_net
              FROM invoice_lines) AS line
        JOIN invoices USING (invoice_id)
        WHERE invoices.matter_id = :matter_id AND invoices.state = 'issued'
        GROUP BY 1, 2
    ), cost AS (
        SELECT CASE WHEN kind = 'expense' THEN 'E' ELSE 'F' END AS side, task_code,
               amount, amount AS unbilled
        FROM unbilled
        UNION ALL SELECT side, task_code, amount, 0 FROM lines
    )
    SELECT side, task_code, sum(amount)::bigint AS amount, sum(unbilled)::bigint AS unbilled
    FROM cost GROUP BY side, task_code
""")
_COMMITTED = text("""
    SELECT coalesce(sum(amount), 0)::bigint FROM commitments
    WHERE matter_id = :matter_id AND released_at IS NULL
""")


async def of_matter(
    session: AsyncSession, matter_id: UUID, *, lock: bool = False
) -> MatterEstimate | None:
    wanted = select(MatterEstimate).where(col(MatterEstimate.matter_id) == matter_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(wanted)).scalar_one_or_none()


async def currency_of(session: AsyncSession, matter: BilledMatter) -> str | None:
    """That of the terms that were explained for the matter last, else of its estimate."""
    if (explained := await terms.currency(session, matter)) is not None:
        return explained
    known = await of_matter(session, matter.matter_id)
    return (await version(session, known, known.version)).currency if known else None


async def version(session: AsyncSession, estimate: MatterEstimate, number: int) -> EstimateVersion:
    return await session.get_one(EstimateVersion, (estimate.estimate_id, number))


def binding(estimate: MatterEstimate) -> int:
    """The version that counts: the one agreed to last, else the newest that was issued."""
    return estimate.agreed_version or estimate.version


async def spent(session: AsyncSession, matter_id: UUID) -> Spent:
    rows = (await session.execute(_SPENT, {"matter_id": matter_id})).all()
    committed = (await session.execute(_COMMITTED, {"matter_id": matter_id})).scalar_one()
    by_task: dict[str, int] = {}
    for row in rows:
        if row.side == "F" and row.task_code:
            by_task[row.task_code] = by_task.get(row.task_code, 0) + row.amount
    return Spent(
        fees=sum(row.amount for row in rows if row.side == "F"),
        costs=sum(row.amount for row in rows if row.side == "E"),
        committed=committed,
        unbilled=sum(row.unbilled for row in rows),
        by_task=by_task,
    )


async def standing(session: AsyncSession, estimate: MatterEstimate, number: int) -> Standing:
    """How the matter stands now against that version."""
    row = await version(session, estimate, number)
    lines = await session.execute(
        select(EstimateLine).where(
            col(EstimateLine.estimate_id) == estimate.estimate_id,
            col(EstimateLine.version) == number,
        )
    )
    likely = {line.task: line.fees_likely for line in lines.scalars()}
    now = await spent(session, estimate.matter_id)
    expected = forecast(likely, row.costs_likely, now)
    return Standing(row.fees_high, row.costs_high, now, expected)


async def crossings(session: AsyncSession, estimate: MatterEstimate) -> Sequence[ThresholdCrossing]:
    found = await session.execute(
        select(ThresholdCrossing)
        .where(col(ThresholdCrossing.estimate_id) == estimate.estimate_id)
        .order_by(col(ThresholdCrossing.crossed_at), col(ThresholdCrossing.percent))
    )
    return found.scalars().all()


def document_of(session: AsyncSession, row: EstimateVersion) -> Estimate:
    return Estimate.model_validate_json(unseal(session, Sealed.model_validate(row.document)))
