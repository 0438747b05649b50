"""What rows keep sealed is kept as it travels, and opened where it is shown."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts import Sealed
from shared.keyring import unseal


def opened(session: AsyncSession, kept: object) -> str:
    """The words of a sealed column. Their owner's key must be held."""
    return unseal(session, Sealed.model_validate(kept))
