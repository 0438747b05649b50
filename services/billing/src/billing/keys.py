"""Keys come over the network, so a door fetches them before its transaction begins."""

from uuid import UUID

from fastapi import Request
from sqlalchemy import Select

from shared.contracts import FIRM_ID


async def hold_keys(request: Request, *owners: UUID | Select[UUID]) -> None:
    """Have at hand the keys of these clients, and of those whom these selects find."""
    runtime = request.state.runtime
    wanted = [FIRM_ID, *(one for one in owners if isinstance(one, UUID))]
    selects = [one for one in owners if isinstance(one, Select)]
    if selects:
        async with runtime.db.transaction() as session:
            for one in selects:
                wanted += (await session.execute(one)).scalars().all()
    await runtime.keys.hold(*wanted)
