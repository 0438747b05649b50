"""Keep what billing tells."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from intake.fees.models import DisclosedFees
from shared.contracts.billing import FeesDisclosed


async def keep(session: AsyncSession, event: FeesDisclosed) -> None:
    """Each version once; the words stay sealed as they came."""
    row = DisclosedFees(
        terms_id=event.terms_id,
        version=event.terms_version,
        client_id=event.client_id,
        matter_id=event.matter_id,
        kinds=list(event.kinds),
        commitment=event.document.commitment,
        words=event.text.model_dump(mode="json"),
        disclosed_at=event.disclosed_at,
    )
    await session.execute(insert(DisclosedFees).values(row.model_dump()).on_conflict_do_nothing())
