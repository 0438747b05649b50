"""Issue a link, send its code, open a session. Nothing here happens by a GET."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.links import queries
from intake.links.models import Link, LinkCode, LinkSession
from intake.settings import IntakeSettings
from shared import clock
from shared.contracts import Sealed
from shared.contracts.intake import CodeIssued, LinkIssued, LinkPurpose
from shared.errors import Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

PAGES = "/v1/pages"


class TooManyCodes(Refusal):
    """Enough codes were sent for one link: ask the firm for a new link."""

    status = 429
    headers: Mapping[str, str] = {"Retry-After": "86400"}


async def issue(
    session: AsyncSession,
    *,
    purpose: LinkPurpose,
    subject_id: UUID,
    client_id: UUID,
    name: str,
    email: str,
    title: str,
    file_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Link:
    """A letter with this link goes out. The token itself is kept nowhere but in that event, sealed.
    The client's key must be held."""
    settings: IntakeSettings = session.info["settings"]
    token = secrets.token_urlsafe(32)
    now = clock.now()
    link = Link(
        link_id=new_id(),
        token_digest=queries.digest(token),
        purpose=purpose,
        subject_id=subject_id,
        file_id=file_id,
        client_id=client_id,
        name=name,
        email=email,
        issued_at=now,
        expires_at=expires_at or now + timedelta(days=settings.intake_link_days),
    )
    session.add(link)
    url = f"{settings.intake_public_url.rstrip('/')}{PAGES}/{token}"
    emit(
        session,
        LinkIssued(
            link_id=link.link_id,
            client_id=client_id,
            purpose=purpose,
            subject_id=subject_id,
            name=_sealed(session, link, "name", name),
            email=_sealed(session, link, "email", email),
            url=_sealed(session, link, "url", url),
            title=_sealed(session, link, "title", title),
            issued_at=now,
            expires_at=link.expires_at,
        ),
    )
    return link


async def send_code(session: AsyncSession, link: Link) -> LinkCode:
    """To the address that the link went to: who has only the link does not get it. An earlier code
    no longer opens anything. The link must be locked and the client's key held."""
    settings: IntakeSettings = session.info["settings"]
    if await queries.codes_sent(session, link.link_id) >= settings.intake_codes_a_link:
        raise TooManyCodes("Too many codes were asked for. Please ask us for a new link.")
    secret = f"{secrets.randbelow(10**8):08d}"
    now = clock.now()
    code = LinkCode(
        code_id=new_id(),
        link_id=link.link_id,
        code_digest=_code_digest(link, secret),
        issued_at=now,
        expires_at=now + timedelta(minutes=settings.intake_code_minutes),
    )
    session.add(code)
    emit(
        session,
        CodeIssued(
            link_id=link.link_id,
            code_id=code.code_id,
            client_id=link.client_id,
            name=_sealed(session, link, "name", link.name),
            email=_sealed(session, link, "email", link.email),
            code=_sealed(session, link, "code", secret),
            issued_at=now,
            expires_at=code.expires_at,
        ),
    )
    return code


async def open_session(
    session: AsyncSession, link: Link, entered: str
) -> tuple[str, datetime] | None:
    """The session's secret and its end; None for a wrong, used, expired or much-guessed code. The
    try is counted, so the caller must let the transaction end well."""
    settings: IntakeSettings = session.info["settings"]
    code = await queries.newest_code(session, link.link_id)
    if code is None or code.used_at or code.expires_at <= clock.now():
        return None
    if code.tries >= settings.intake_code_tries:
        return None
    if not hmac.compare_digest(code.code_digest, _code_digest(link, entered)):
        code.tries += 1
        return None
    code.used_at = clock.now()
    secret = secrets.token_urlsafe(32)
    expires_at = code.used_at + timedelta(minutes=settings.intake_session_minutes)
    session.add(
        LinkSession(
            session_digest=queries.digest(secret),
            link_id=link.link_id,
            code_id=code.code_id,
            expires_at=expires_at,
        )
    )
    return secret, expires_at


async def keep_open(session: AsyncSession, link: Link, secret: str) -> None:
    """Who sends a large file is there as long as parts of it arrive; the link's own end stays."""
    settings: IntakeSettings = session.info["settings"]
    until = clock.now() + timedelta(minutes=settings.intake_session_minutes)
    await session.execute(
        update(LinkSession)
        .where(col(LinkSession.session_digest) == queries.digest(secret))
        .values(expires_at=min(until, link.expires_at))
    )


async def revoke(session: AsyncSession, *subject_ids: UUID) -> None:
    """Whatever leads to these opens nothing any more, nor do sessions that are open."""
    await session.execute(
        update(Link)
        .where(col(Link.subject_id).in_(subject_ids), col(Link.revoked_at).is_(None))
        .values(revoked_at=clock.now())
    )


def _code_digest(link: Link, code: str) -> bytes:
    """Eight digits could be guessed from a plain digest; the link's own keys it."""
    return hmac.digest(link.token_digest, code.strip().encode(), "sha256")


def _sealed(session: AsyncSession, link: Link, field: str, value: str) -> Sealed:
    return seal(session, link.client_id, link.link_id, "link", field, value)
