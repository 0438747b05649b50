"""HTTP in: what will this cost, what has it cost so far, and why."""

import asyncio
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from billing.costs import queries, wording
from billing.costs.queries import Costs
from billing.directory import queries as directory
from billing.documents import pages
from billing.documents.typesetting import typeset
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.terms.wording import as_facts
from billing.values import MoneyShown, maybe_shown, shown
from shared import clock
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, page
from shared.policy import permit

router = APIRouter(prefix="/v1", tags=["costs"], route_class=IdempotentRoute)


class AgreedTerms(BaseModel):
    id: UUID
    version: int
    accepted_at: datetime | None
    text: str


class EstimateLineShown(BaseModel):
    """A version of the estimate: when, how much at most, and whether the client agreed."""

    version: int
    issued_at: datetime
    likely: MoneyShown
    high: MoneyShown
    agreed_at: datetime | None


class OpenInvoice(BaseModel):
    id: UUID
    number: str
    total: MoneyShown
    open: MoneyShown
    due_on: date


class CostsShown(BaseModel):
    """`summary` says all of it in sentences. Amounts are null while no currency was agreed."""

    matter_id: UUID
    number: str
    summary: list[str]
    terms: AgreedTerms | None
    terms_waiting: int | None
    estimates: list[EstimateLineShown]
    fees: MoneyShown | None
    costs: MoneyShown | None
    unbilled: MoneyShown | None
    committed: MoneyShown | None
    forecast: MoneyShown | None
    not_billable: int
    beyond_agreed: MoneyShown | None
    open: MoneyShown | None
    in_trust: MoneyShown | None
    disputed_in_trust: MoneyShown | None
    invoices: list[OpenInvoice]
    open_concerns: list[UUID]


class Accuracy(BaseModel):
    """How matters of a practice area ended against what was first estimated as likely: 1.0 is to
    the point, 1.2 a fifth more."""

    practice_area: str
    matters: int
    median: float
    worst: float


class LeftOver(BaseModel):
    matter_id: UUID
    closed_at: datetime
    entries: int
    amount: MoneyShown


@router.get("/matters/{matter_id}/costs.pdf")
async def get_costs_pdf(
    matter_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """The same on paper."""
    costs = await _costs(session, request, caller, matter_id)
    facts = await _facts(session, costs)
    content = await asyncio.to_thread(typeset, "sections", facts, clock.now())
    return Response(content, media_type="application/pdf")


@router.get("/matters/{matter_id}/costs.html")
async def get_costs_page(
    matter_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """The same on one page that fits a phone."""
    return pages.page(await _facts(session, await _costs(session, request, caller, matter_id)))


@router.get("/matters/{matter_id}/costs")
async def get_costs(
    matter_id: UUID, caller: Caller, session: Transaction, request: Request
) -> CostsShown:
    """What will this cost, what has it cost so far, and why."""
    return _shown(await _costs(session, request, caller, matter_id))


@router.get("/estimates/accuracy")
async def get_accuracy(caller: Caller, session: Transaction) -> list[Accuracy]:
    """By practice area, of matters that are closed or whose every fee is invoiced: what they
    came to against their first estimate."""
    permit(POLICY, caller, "read the firm's figures")
    rows = await session.execute(_ACCURACY)
    return [Accuracy.model_validate(row._mapping) for row in rows]


@router.get("/closed-matters/unbilled")
async def list_left_over(caller: Caller, session: Transaction, paging: PageQuery) -> Page[LeftOver]:
    """Closed matters with work or costs that are on no issued invoice: bill them or write them
    off, so that no bill is lost and none comes late."""
    permit(POLICY, caller, "draft invoices")
    asked = {"after": paging.after_id(), "limit": paging.limit + 1}
    asked |= directory.before_walls(caller)
    found = (await session.execute(_LEFT_OVER, asked)).all()
    return page(found, paging, _left_over, lambda row: [str(row.matter_id)])


def _left_over(row: Any) -> LeftOver:
    amount = shown(row.amount, row.currency)
    return LeftOver.model_validate({**row._mapping, "amount": amount})


_LEFT_OVER = text(f"""
    SELECT matter_id, closed_at, count(*) AS entries, min(currency) AS currency,
           sum(amount)::bigint AS amount
    FROM matter_closings JOIN entries USING (matter_id)
    WHERE state = 'billable' AND amount > 0
        AND (CAST(:after AS uuid) IS NULL OR matter_id > CAST(:after AS uuid))
        AND NOT EXISTS (
            SELECT FROM ({directory.CLOSED}) AS closed
            WHERE closed.matter_id = matter_closings.matter_id OR (
                closed.matter_id IS NULL AND closed.client_id = matter_closings.client_id))
    GROUP BY matter_id, closed_at ORDER BY matter_id LIMIT :limit
""")
_ACCURACY = text("""
    WITH billed AS (
        SELECT matter_id, sum(total - tax)::numeric AS amount FROM invoices
        WHERE state = 'issued' GROUP BY matter_id
    ), measured AS (
        SELECT matters.practice_area, billed.amount
               / nullif(first.fees_likely + first.costs_likely, 0) AS ratio
        FROM billed JOIN matters USING (matter_id) JOIN estimates USING (matter_id)
        JOIN estimate_versions first
            ON first.estimate_id = estimates.estimate_id AND first.version = 1
        WHERE EXISTS (SELECT FROM matter_closings WHERE matter_id = billed.matter_id)
            OR NOT EXISTS (SELECT FROM entries WHERE entries.matter_id = billed.matter_id
            AND (entries.state = 'draft' OR (entries.state = 'billable' AND entries.amount > 0)))
    )
    SELECT practice_area, count(*) AS matters,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio)::numeric, 3)::float AS median,
           round(max(ratio), 3)::float AS worst
    FROM measured WHERE ratio IS NOT NULL GROUP BY practice_area ORDER BY practice_area
""")


async def _costs(
    session: Transaction, request: Request, caller: CallerIdentity, matter_id: UUID
) -> Costs:
    permit(POLICY, caller, "read bills")
    await hold_keys(request, directory.client_of(matter_id))
    matter = await directory.matter_for(session, POLICY, caller, "read bills", matter_id)
    await record_access(session, caller, matter.client_id, "client")
    return await queries.of_matter(session, matter)


def _shown(costs: Costs) -> CostsShown:
    def amount(value: int) -> MoneyShown | None:
        return maybe_shown(value, costs.currency)

    return CostsShown(
        matter_id=costs.matter.matter_id,
        number=costs.matter.number,
        summary=wording.sentences(costs),
        terms=_terms(costs),
        terms_waiting=costs.proposed.version if costs.proposed else None,
        estimates=_estimates(costs),
        fees=amount(costs.spent.fees),
        costs=amount(costs.spent.costs),
        unbilled=amount(costs.spent.unbilled),
        committed=amount(costs.spent.committed),
        forecast=amount(costs.standing.forecast) if costs.standing else None,
        not_billable=costs.drafts,
        beyond_agreed=amount(costs.beyond_agreed),
        open=amount(costs.open),
        in_trust=amount(costs.in_trust),
        disputed_in_trust=amount(costs.apart),
        invoices=[
            OpenInvoice(
                id=one.invoice_id,
                number=one.number or "",
                total=shown(one.total, one.currency),
                open=shown(one.open or 0, one.currency),
                due_on=one.due_on or one.period_to,
            )
            for one in costs.invoices
        ],
        open_concerns=[one.concern_id for one in costs.concerns],
    )


def _terms(costs: Costs) -> AgreedTerms | None:
    if costs.terms is None:
        return None
    return AgreedTerms(
        id=costs.terms.terms_id,
        version=costs.terms.version,
        accepted_at=costs.terms.accepted_at,
        text=costs.terms_text or "",
    )


def _estimates(costs: Costs) -> list[EstimateLineShown]:
    return [
        EstimateLineShown(
            version=one.version,
            issued_at=one.issued_at,
            likely=shown(one.fees_likely + one.costs_likely, one.currency),
            high=shown(one.fees_high + one.costs_high, one.currency),
            agreed_at=one.agreed_at,
        )
        for one in costs.versions
    ]


async def _facts(session: Transaction, costs: Costs) -> dict[str, Any]:
    firm = await directory.firm(session)
    client = await directory.client(session, costs.matter.client_id)
    return {
        "firm": firm.name if firm else "",
        "title": "What your matter costs",
        "footer": costs.matter.number,
        "facts": [
            ["For", client.name],
            ["Matter", f"{costs.matter.number} {costs.matter.title}"],
            ["As of", f"{clock.now().astimezone(costs.zone):%-d %B %Y}"],
        ],
        "sums": wording.sums(costs),
        "sections": as_facts(wording.sections(costs)),
    }
