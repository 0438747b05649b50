"""Which link a token is, and whether a session of it is open."""

import hashlib
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.links.models import Link, LinkCode, LinkSession
from shared import clock
from shared.errors import NotFound, Refusal


class LinkExpired(Refusal):
    """It was one of ours and opens nothing any more: ask the firm for a new one."""

    status = 410


class CodeNeeded(Refusal):
    """The link alone opens nothing: ask for a code, then enter it."""

    status = 401


def digest(secret: str) -> bytes:
    """Secrets are long and random, so a plain digest tells nothing."""
    return hashlib.sha256(secret.encode()).digest()


async def link_of(session: AsyncSession, token: str, *, locked: bool = False) -> Link:
    """Raises NotFound and LinkExpired."""
    wanted = select(Link).where(col(Link.token_digest) == digest(token))
    found = await session.execute(wanted.with_for_update() if locked else wanted)
    link = found.scalar_one_or_none()
    if link is None:
        raise NotFound("There is no such link; it may have been copied incompletely.")
    if link.revoked_at is not None or link.expires_at <= clock.now():
        raise LinkExpired("This link has expired. Please ask us for a new one.")
    return link


async def opened(session: AsyncSession, token: str, secret: str | None) -> tuple[Link, UUID]:
    """The link of an open session, and the code that opened it; raises CodeNeeded too."""
    link = await link_of(session, token)
    found = await session.get(LinkSession, digest(secret)) if secret else None
    if found is None or found.link_id != link.link_id or found.expires_at <= clock.now():
        raise CodeNeeded("Ask for a code with POST …/code, then open a session with it.")
    return link, found.code_id


async def codes_sent(session: AsyncSession, link_id: UUID) -> int:
    found = await session.execute(
        select(func.count()).select_from(LinkCode).where(col(LinkCode.link_id) == link_id)
    )
    return int(found.scalar_one())


async def newest_code(session: AsyncSession, link_id: UUID) -> LinkCode | None:
    """Locked: of two entries at once the second sees what became of the first."""
    found = await session.execute(
        select(LinkCode)
        .where(col(LinkCode.link_id) == link_id)
        .order_by(col(LinkCode.code_id).desc())
        .limit(1)
        .with_for_update()
    )
    return found.scalar_one_or_none()
