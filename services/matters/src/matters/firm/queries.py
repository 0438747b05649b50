"""Questions about the firm."""

from sqlalchemy.ext.asyncio import AsyncSession

from matters.firm.models import Firm
from shared.contracts import FIRM_ID


async def firm(session: AsyncSession) -> Firm | None:
    """None until somebody has said what the firm is."""
    found = await session.get(Firm, FIRM_ID)
    return found if found and found.revision else None


async def time_zone(session: AsyncSession) -> str:
    found = await firm(session)
    return found.time_zone if found else "UTC"
