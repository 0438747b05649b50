"""Whether fee terms that an agreement names are those that the client was told, and the newest."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.directory import queries as directory
from intake.fees.models import DisclosedFees
from shared.contracts import Sealed
from shared.errors import Refusal
from shared.keyring import unseal


class FeesNotDisclosed(Refusal):
    """Nobody explained these terms to this client for this matter: disclose them in billing."""

    status = 422


class FeesMisquoted(Refusal):
    """The commitment is not that of the document that was disclosed: read the terms again."""

    status = 422


class FeesSuperseded(Refusal):
    """Newer terms were disclosed since: the agreement must name those."""


async def disclosed(
    session: AsyncSession,
    terms_id: UUID,
    version: int,
    commitment: str,
    *,
    client_id: UUID,
    matter_id: UUID,
) -> DisclosedFees:
    """Exactly these, for this client, under whichever entry, and either this matter or every one to
    come. Raises the refusals above."""
    row = await session.get(DisclosedFees, (terms_id, version))
    theirs = row is not None and row.client_id in await directory.entries(session, client_id)
    if row is None or not theirs or row.matter_id not in (None, matter_id):
        raise FeesNotDisclosed(
            f"No version {version} of fee terms {terms_id} was disclosed to this client for this"
            " matter. Disclose them with POST /v1/fee-terms; what was disclosed just now is known"
            " here a moment later."
        )
    if row.commitment != commitment:
        raise FeesMisquoted(
            f"This is not the commitment of version {version}: take it, as it is, from"
            f" GET /v1/fee-terms/{terms_id}."
        )
    await require_newest(session, terms_id, version)
    return row


async def require_newest(session: AsyncSession, terms_id: UUID, version: int) -> None:
    """Raises FeesSuperseded."""
    found = await session.execute(
        select(func.max(col(DisclosedFees.version))).where(col(DisclosedFees.terms_id) == terms_id)
    )
    newest = found.scalar_one()
    if newest != version:
        raise FeesSuperseded(
            f"Version {newest} of these fee terms was disclosed since; nobody signs version"
            f" {version} any more. The firm drafts the agreement anew with the newest.",
            newest=newest,
        )


def words_of(session: AsyncSession, row: DisclosedFees) -> str:
    """The keys of all entries of the client must be held."""
    return unseal(session, Sealed.model_validate(row.words))
