"""Everything that a client may ask about the cost of a matter, gathered in one reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing import money
from billing.closings import queries as closings
from billing.concerns.models import BillingConcern
from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.estimates import queries as estimates
from billing.estimates.models import EstimateVersion, MatterEstimate, ThresholdCrossing
from billing.estimates.rules import Spent, Standing
from billing.invoices.models import CreditNote, Invoice
from billing.ledger import queries as balances
from billing.terms import queries as terms
from billing.terms.models import FeeTerms
from billing.terms.queries import InForce
from shared import clock
from shared.contracts import Sealed
from shared.keyring import unseal


@dataclass(frozen=True)
class Why:
    """One reason for what a matter costs, in words that the client was given before."""

    at: datetime
    what: str
    words: str


@dataclass(frozen=True)
class Costs:
    """`terms` are those accepted; `proposed` is a newer version that waits for the client."""

    matter: BilledMatter
    zone: ZoneInfo
    currency: str | None
    terms: InForce | None
    terms_text: str | None
    proposed: FeeTerms | None
    estimate: MatterEstimate | None
    versions: Sequence[EstimateVersion]
    standing: Standing | None
    spent: Spent
    drafts: int
    waiting: int
    beyond_agreed: int
    invoices: Sequence[Invoice]
    in_trust: int
    apart: int
    crossings: Sequence[ThresholdCrossing]
    concerns: Sequence[BillingConcern]
    reasons: Sequence[Why]

    @property
    def open(self) -> int:
        return sum(one.open or 0 for one in self.invoices)


async def of_matter(session: AsyncSession, matter: BilledMatter) -> Costs:
    """The client's key must be held."""
    in_force = await terms.in_force(session, matter, clock.now())
    explained = await terms.disclosed(session, matter)
    known = in_force or explained
    currency = known.terms.currency if known else None
    estimate = await estimates.of_matter(session, matter.matter_id)
    versions = await _versions(session, estimate)
    drafts, waiting, beyond = await _unbilled(session, matter.matter_id)
    trust, apart = 0, 0
    if currency:
        trust = await balances.in_trust(session, matter.matter_id, currency)
        apart = -await balances.balance(session, matter.matter_id, "trust", "disputed", currency)
    return Costs(
        matter=matter,
        zone=await directory.zone(session),
        currency=currency,
        terms=in_force,
        terms_text=await _text(session, in_force),
        proposed=await _proposed(session, in_force, explained),
        estimate=estimate,
        versions=versions,
        standing=await estimates.standing(session, estimate, estimates.binding(estimate))
        if estimate
        else None,
        spent=await estimates.spent(session, matter.matter_id),
        drafts=drafts,
        waiting=waiting,
        beyond_agreed=beyond,
        invoices=await _invoices(session, matter.matter_id),
        in_trust=trust,
        apart=apart,
        crossings=await estimates.crossings(session, estimate) if estimate else [],
        concerns=await _concerns(session, matter.matter_id),
        reasons=await _reasons(session, matter, versions),
    )


async def _text(session: AsyncSession, in_force: InForce | None) -> str | None:
    if in_force is None:
        return None
    row = await terms.version(session, in_force.terms_id, in_force.version)
    return unseal(session, Sealed.model_validate(row.text))


async def _proposed(
    session: AsyncSession, in_force: InForce | None, explained: InForce | None
) -> FeeTerms | None:
    if explained is None or (
        in_force
        and (in_force.terms_id, in_force.version) == (explained.terms_id, explained.version)
    ):
        return None
    return await terms.version(session, explained.terms_id, explained.version)


async def _versions(
    session: AsyncSession, estimate: MatterEstimate | None
) -> Sequence[EstimateVersion]:
    if estimate is None:
        return []
    found = await session.execute(
        select(EstimateVersion)
        .where(col(EstimateVersion.estimate_id) == estimate.estimate_id)
        .order_by(col(EstimateVersion.version))
    )
    return found.scalars().all()


async def _unbilled(session: AsyncSession, matter_id: UUID) -> tuple[int, int, int]:
    """(drafts that cannot be billed, those of them that wait for the client, amount of what is
    billable beyond the agreed)."""
    found = await session.execute(
        text("""
            SELECT count(*) FILTER (WHERE state = 'draft'),
                   count(*) FILTER (WHERE 'worked-before-acceptance' = ANY (missing)),
                   coalesce(sum(amount) FILTER (
                       WHERE state = 'billable' AND beyond_agreed AND NOT overridden), 0)::bigint
            FROM entries WHERE matter_id = :matter_id AND state IN ('draft', 'billable')
        """),
        {"matter_id": matter_id},
    )
    drafts, waiting, beyond = found.one()
    return drafts, waiting, beyond


async def _invoices(session: AsyncSession, matter_id: UUID) -> Sequence[Invoice]:
    found = await session.execute(
        select(Invoice)
        .where(col(Invoice.matter_id) == matter_id, col(Invoice.state) == "issued")
        .order_by(col(Invoice.issued_at))
    )
    return found.scalars().all()


async def _concerns(session: AsyncSession, matter_id: UUID) -> Sequence[BillingConcern]:
    found = await session.execute(
        select(BillingConcern)
        .where(col(BillingConcern.matter_id) == matter_id, col(BillingConcern.state) != "resolved")
        .order_by(col(BillingConcern.concern_id))
    )
    return found.scalars().all()


async def _reasons(
    session: AsyncSession, matter: BilledMatter, versions: Sequence[EstimateVersion]
) -> list[Why]:
    """Why terms and estimate changed, what was credited, and how a contingent matter ended, as it
    happened."""
    found = [
        Why(one.issued_at, "the estimate changed", _opened(session, one.reason))
        for one in versions
        if one.reason
    ]
    found += [
        Why(one.disclosed_at, "we proposed new fee terms", _opened(session, one.changes))
        for one in await terms.amended(session, matter)
        if one.changes
    ]
    notes = await session.execute(
        select(CreditNote, col(Invoice.currency), col(Invoice.number))
        .join(Invoice, col(Invoice.invoice_id) == col(CreditNote.invoice_id))
        .where(col(Invoice.matter_id) == matter.matter_id)
    )
    for note, currency, number in notes:
        what = f"we credited {money.spoken(note.total, currency)} on invoice {number}"
        found.append(Why(note.issued_at, what, _opened(session, note.reason)))
    if closed := await closings.newest(session, matter.matter_id):
        what = "your matter ended, and the closing statement says what you receive"
        found.append(Why(closed.issued_at, what, _opened(session, closed.outcome)))
    return sorted(found, key=lambda why: why.at)


def _opened(session: AsyncSession, sealed: object) -> str:
    return unseal(session, Sealed.model_validate(sealed))
