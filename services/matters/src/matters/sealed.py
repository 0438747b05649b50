"""What rows keep sealed is kept as it travels, and opened where it is shown."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts import Sealed
from shared.keyring import keys_of, unseal
from shared.sealing import unseal as unseal_bytes


def opened(session: AsyncSession, kept: object) -> str:
    """The words of a sealed column. Their owner's key must be held."""
    return unseal(session, Sealed.model_validate(kept))


def opened_bytes(session: AsyncSession, kept: object) -> bytes:
    """Likewise the bytes of a sealed document."""
    sealed = Sealed.model_validate(kept)
    return unseal_bytes(keys_of(session).key(sealed.owner, sealed.key_version), sealed)
