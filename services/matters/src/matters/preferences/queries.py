"""Whether the client allows what they would prefer."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.consents.queries as consents
from matters.preferences.rules import consents_needed
from shared.errors import Refusal


class ContradictsConsent(Refusal):
    """The client has not consented to what they would prefer: ask for the consent first."""

    status = 422


async def require_consents(
    session: AsyncSession, client_id: UUID, preferences: Mapping[str, str]
) -> None:
    """Raises ContradictsConsent. What is found stands until the end of the transaction."""
    needed = consents_needed(preferences)
    if needed and (missing := needed - await consents.standing_purposes(session, client_id)):
        raise ContradictsConsent(
            f"The client has not consented to {', '.join(sorted(missing))}: ask for that first."
        )
