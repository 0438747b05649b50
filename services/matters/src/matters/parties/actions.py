"""Say whom a matter concerns. Conflicts are intake's to look for, in what is told here."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from matters.matters.models import Matter
from matters.parties.models import Party
from shared import revisions
from shared.contracts.matters import MatterParty, PartiesChanged
from shared.outbox import emit


async def set_parties(
    session: AsyncSession, matter: Matter, parties: Sequence[MatterParty], *, if_match: str | None
) -> None:
    """All of them, from now on. Raises PreconditionFailed."""
    await session.refresh(matter, with_for_update=True)
    revisions.check(if_match, matter.parties_revision)
    await session.execute(delete(Party).where(col(Party.matter_id) == matter.matter_id))
    for party in parties:
        session.add(_row(matter, party))
    matter.parties_revision += 1
    emit(
        session,
        PartiesChanged(
            matter_id=matter.matter_id,
            client_id=matter.client_id,
            revision=matter.parties_revision,
            parties=tuple(parties),
        ),
    )


def _row(matter: Matter, party: MatterParty) -> Party:
    return Party(
        matter_id=matter.matter_id,
        client_id=matter.client_id,
        party_id=party.party_id,
        role=party.role,
        kind=party.kind,
        name=party.name.model_dump(mode="json"),
        also=[one.model_dump(mode="json") for one in party.also],
    )
