"""Keys come over the network, so a door fetches them before its transaction begins."""

from collections.abc import Collection
from uuid import UUID

from fastapi import Request
from sqlalchemy import Select

from billing.directory import queries as directory
from shared.contracts import FIRM_ID


async def hold_keys(request: Request, *owners: UUID | Select[UUID]) -> None:
    """Have at hand the keys of these clients, and of those whom these selects find: of all their
    entries, as what was agreed under one stands for the matters of another."""
    runtime = request.state.runtime
    async with runtime.db.transaction() as session:
        wanted = [one for one in owners if isinstance(one, UUID)]
        for one in owners:
            if isinstance(one, Select):
                wanted += (await session.execute(one)).scalars()
        found: Collection[UUID] = await directory.entries(session, *wanted)
    await runtime.keys.hold(FIRM_ID, *found)
