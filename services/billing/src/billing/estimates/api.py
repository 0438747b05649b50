"""HTTP in: estimates, what they became, and what was committed to others."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

import billing.entries.actions as entries
from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.estimates import actions, queries
from billing.estimates.models import Commitment, EstimateVersion, MatterEstimate
from billing.estimates.rules import Estimate
from billing.keys import hold_keys
from billing.policy import POLICY
from billing.values import Amount, MoneyShown, Prose, shown
from shared import clock, revisions
from shared.accesses import record_access
from shared.auth import Caller, CallerIdentity
from shared.contracts import Sealed
from shared.contracts.billing import AmountRange, Measure
from shared.db import Transaction
from shared.errors import NotFound
from shared.idempotency import IdempotentRoute
from shared.keyring import unseal
from shared.policy import permit
from shared.revisions import IfMatch

router = APIRouter(prefix="/v1", tags=["estimates"], route_class=IdempotentRoute)


class NewEstimate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    estimate: Estimate


class Revision(BaseModel):
    """`reason` is told to the client with it: what changed, with enough to decide by."""

    model_config = ConfigDict(extra="forbid")
    estimate: Estimate
    reason: Prose


class Agreement(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: Annotated[int, Field(ge=1)]


class NewCommitment(BaseModel):
    model_config = ConfigDict(extra="forbid")
    matter_id: UUID
    cost: Amount
    words: Prose


class CommitmentShown(BaseModel):
    id: UUID
    matter_id: UUID
    cost: MoneyShown
    words: str
    made_at: datetime
    released_at: datetime | None


class RangeShown(BaseModel):
    low: str
    likely: str
    high: str


class Crossing(BaseModel):
    """A threshold that was crossed; `told` says whether the client was told of this one."""

    version: int
    measure: Measure
    percent: int
    reached: MoneyShown
    estimated: MoneyShown
    told: bool
    crossed_at: datetime


class EstimateShown(BaseModel):
    """`spent`, `forecast` and the shares are against the version agreed to, else the newest."""

    id: UUID
    version: int
    agreed_version: int | None
    client_id: UUID
    matter_id: UUID
    estimate: Estimate
    fees: RangeShown
    costs: RangeShown
    reason: str | None
    issued_at: datetime
    agreed_at: datetime | None
    fees_spent: MoneyShown
    costs_spent: MoneyShown
    committed: MoneyShown
    forecast: MoneyShown
    crossings: list[Crossing]


@router.post("/estimates", status_code=201)
async def post_estimate(
    body: NewEstimate, caller: Caller, session: Transaction, request: Request, response: Response
) -> EstimateShown:
    """Put a first estimate of the total to the client."""
    matter = await _matter(session, request, caller, "estimate", body.matter_id)
    version = await actions.issue(session, matter, body.estimate, caller.id)
    return await _shown(session, matter, version, response)


@router.post("/matters/{matter_id}/estimate/versions", status_code=201)
async def post_revision(
    matter_id: UUID,
    body: Revision,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> EstimateShown:
    """Revise the estimate, with the reason. What was agreed stays agreed until the client
    agrees."""
    matter = await _matter(session, request, caller, "estimate", matter_id)
    version = await actions.revise(
        session, matter, body.estimate, reason=body.reason, if_match=if_match, by=caller.id
    )
    return await _shown(session, matter, version, response)


@router.post("/matters/{matter_id}/estimate/agreement", status_code=201)
async def post_agreement(
    matter_id: UUID, body: Agreement, caller: Caller, session: Transaction, request: Request
) -> EstimateShown:
    """The client agrees to the newest version."""
    matter = await _matter(session, request, caller, "accept as client", matter_id)
    version = await actions.agree(session, matter, body.version, caller.id)
    await entries.agreed_to(session, matter_id, by=caller.id)
    return await _shown(session, matter, version, None)


@router.get("/matters/{matter_id}/estimate")
async def get_estimate(
    matter_id: UUID,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    version: int | None = None,
) -> EstimateShown:
    """The newest version unless another is named, and how the matter stands against it."""
    matter = await _matter(session, request, caller, "read bills", matter_id)
    row = await queries.of_matter(session, matter_id)
    wanted = await session.get(
        EstimateVersion, (row.estimate_id, version or row.version) if row else (matter_id, 0)
    )
    if wanted is None:
        raise NotFound(directory.NOTHING_HERE)
    await record_access(session, caller, matter.client_id, "client")
    return await _shown(session, matter, wanted, response)


@router.post("/commitments", status_code=201)
async def post_commitment(
    body: NewCommitment, caller: Caller, session: Transaction, request: Request
) -> CommitmentShown:
    """Something was promised to others for the client; it counts in the forecast from now on."""
    matter = await _matter(session, request, caller, "estimate", body.matter_id)
    cost = body.cost
    row = await actions.commit_to(session, matter, cost.minor, cost.currency, body.words, caller.id)
    return _commitment(session, row)


@router.post("/commitments/{commitment_id}/release", status_code=201)
async def post_release(
    commitment_id: UUID, caller: Caller, session: Transaction, request: Request
) -> CommitmentShown:
    """It was laid out (and is recorded as an expense), or is no longer owed."""
    permit(POLICY, caller, "estimate")
    wanted = select(col(Commitment.client_id)).where(col(Commitment.commitment_id) == commitment_id)
    await hold_keys(request, wanted)
    row = await session.get(Commitment, commitment_id)
    if row is None:
        raise NotFound(directory.NOTHING_HERE)
    await directory.permit_for(session, POLICY, caller, "estimate", row.client_id, row.matter_id)
    row.released_at = row.released_at or clock.now()
    return _commitment(session, row)


async def _matter(
    session: Transaction, request: Request, caller: CallerIdentity, action: str, matter_id: UUID
) -> BilledMatter:
    permit(POLICY, caller, action)
    await hold_keys(request, directory.client_of(matter_id))
    return await directory.matter_for(session, POLICY, caller, action, matter_id)


async def _shown(
    session: Transaction, matter: BilledMatter, row: EstimateVersion, response: Response | None
) -> EstimateShown:
    estimate = await queries.of_matter(session, matter.matter_id)
    assert estimate is not None, "a version is of an estimate"
    now = await queries.standing(session, estimate, queries.binding(estimate))
    document = queries.document_of(session, row)
    if response is not None:
        response.headers["ETag"] = revisions.etag(estimate.version)
    return EstimateShown(
        id=estimate.estimate_id,
        version=row.version,
        agreed_version=estimate.agreed_version,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        estimate=document,
        fees=_range(document.fees, row.currency),
        costs=_range(document.costs, row.currency),
        reason=unseal(session, Sealed.model_validate(row.reason)) if row.reason else None,
        issued_at=row.issued_at,
        agreed_at=row.agreed_at,
        fees_spent=shown(now.spent.fees, row.currency),
        costs_spent=shown(now.spent.costs, row.currency),
        committed=shown(now.spent.committed, row.currency),
        forecast=shown(now.forecast, row.currency),
        crossings=await _crossings(session, estimate, row.currency),
    )


async def _crossings(
    session: Transaction, estimate: MatterEstimate, currency: str
) -> list[Crossing]:
    return [
        Crossing.model_validate(
            one.model_dump(exclude={"reached", "estimated"})
            | {
                "reached": shown(one.reached, currency),
                "estimated": shown(one.estimated, currency),
            }
        )
        for one in await queries.crossings(session, estimate)
    ]


def _range(amounts: AmountRange, currency: str) -> RangeShown:
    return RangeShown(**{name: shown(amount, currency).amount for name, amount in amounts})


def _commitment(session: Transaction, row: Commitment) -> CommitmentShown:
    return CommitmentShown(
        id=row.commitment_id,
        cost=shown(row.amount, row.currency),
        words=unseal(session, Sealed.model_validate(row.words)),
        **row.model_dump(include={"matter_id", "made_at", "released_at"}),
    )
