"""Propose time from what is on the record. Nothing is filed by itself, no minute and no narrative
is made up: a proposal is who, when and with whom."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.proposals.models import TimeProposal
from shared import clock
from shared.errors import NotFound, Refusal

WITH_CLIENT = "A106"  # UTBMS: communicate with client


class ProposalDone(Refusal):
    """The proposal became an entry, or was dismissed, before."""


async def propose(
    session: AsyncSession,
    *,
    proposal_id: UUID,
    source: Literal["call", "message"],
    client_id: UUID,
    matter_id: UUID | None,
    staff_id: UUID | None,
    happened_at: datetime,
) -> None:
    """Of a person's own word in a matter; anything else is nobody's time."""
    if matter_id is None or staff_id is None:
        return
    row = TimeProposal(
        proposal_id=proposal_id,
        source=source,
        client_id=client_id,
        matter_id=matter_id,
        staff_id=staff_id,
        activity_code=WITH_CLIENT,
        happened_at=happened_at,
    )
    await session.execute(insert(TimeProposal).values(row.model_dump()).on_conflict_do_nothing())


async def waiting(session: AsyncSession, proposal_id: UUID) -> TimeProposal:
    """Locked. Raises NotFound, ProposalDone."""
    found = await session.execute(
        select(TimeProposal)
        .where(col(TimeProposal.proposal_id) == proposal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row = found.scalar_one_or_none()
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    if row.entry_id is not None or row.dismissed_at is not None:
        raise ProposalDone("The proposal became an entry, or was dismissed, before.")
    return row


def dismiss(proposal: TimeProposal) -> None:
    proposal.dismissed_at = clock.now()
