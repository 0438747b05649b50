"""Whether a conflict stands in the way."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.conflicts.models import ConflictCheck, ConflictHit
from shared.errors import NotFound, Refusal


class ConflictStands(Refusal):
    """A possible conflict was neither cleared nor waived by a partner; nothing goes on before."""


async def find(
    session: AsyncSession, consultation_id: UUID, *, locked: bool = False
) -> ConflictCheck | None:
    wanted = select(ConflictCheck).where(col(ConflictCheck.consultation_id) == consultation_id)
    if locked:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(wanted)).scalar_one_or_none()


async def check_of(
    session: AsyncSession, consultation_id: UUID, *, locked: bool = False
) -> ConflictCheck:
    check = await find(session, consultation_id, locked=locked)
    if check is None:
        raise NotFound("There is nothing here that you may see.")
    return check


async def require_none(session: AsyncSession, consultation_id: UUID) -> ConflictCheck:
    """Raises ConflictStands. The check stays locked: a new run waits for what is done meanwhile,
    or this waits for it and then sees its outcome."""
    check = await check_of(session, consultation_id, locked=True)
    if check.state == "possible":
        raise ConflictStands(
            "A possible conflict stands: a partner must clear it with reasons, or waive it with the"
            " consent in writing of everybody affected.",
            check_id=str(check.check_id),
        )
    return check


async def hits(session: AsyncSession, check: ConflictCheck) -> list[ConflictHit]:
    """Of the newest run; the serious and the likeliest first."""
    found = await session.execute(
        select(ConflictHit)
        .where(
            col(ConflictHit.check_id) == check.check_id,
            col(ConflictHit.revision) == check.revision,
        )
        .order_by(col(ConflictHit.serious).desc(), col(ConflictHit.score).desc())
    )
    return list(found.scalars())
