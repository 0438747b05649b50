"""HTTP in, for who holds a link: what it is, a code by mail, a session with that code."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

import intake.directory.queries as directory
from intake.links import actions, queries
from intake.links.models import Link
from intake.open_door import OPEN, OpenRoute
from shared.contracts.intake import LinkPurpose
from shared.db import Transaction
from shared.errors import Refusal
from shared.runtime import Runtime

router = APIRouter(prefix="/v1/links", tags=["links"], route_class=OpenRoute)

Token = Annotated[str, Path(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
SessionSecret = Annotated[
    str | None, Header(alias="Link-Session", max_length=100, description="of POST …/session")
]


class WrongCode(Refusal):
    """Not the newest code of this link, or entered wrongly too often: ask for another."""

    status = 422


class LinkShown(BaseModel):
    """Nothing of what it leads to. `sent_to` is hidden but for its beginning and domain."""

    purpose: LinkPurpose
    firm: str
    sent_to: str
    expires_at: datetime


class CodeSent(BaseModel):
    sent_to: str
    expires_at: datetime


class CodeEntered(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{8}$")]


class SessionOpened(BaseModel):
    """`session` is sent as the header Link-Session from now on."""

    session: str
    expires_at: datetime


@router.get("/{token}", openapi_extra=OPEN)
async def get_link(token: Token, session: Transaction) -> LinkShown:
    """A scanner of mail may fetch this as often as it likes: nothing happens."""
    link = await queries.link_of(session, token)
    return LinkShown(
        purpose=link.purpose,
        firm=await directory.firm_name(session),
        sent_to=_hidden(link.email),
        expires_at=link.expires_at,
    )


@router.post("/{token}/code", status_code=202, openapi_extra=OPEN)
async def post_code(token: Token, session: Transaction, request: Request) -> CodeSent:
    """Have a one-time code sent to the address that the link was sent to."""
    await hold_key(request, token)
    link = await queries.link_of(session, token, locked=True)
    code = await actions.send_code(session, link)
    return CodeSent(sent_to=_hidden(link.email), expires_at=code.expires_at)


@router.post("/{token}/session", openapi_extra=OPEN)
async def post_session(token: Token, body: CodeEntered, request: Request) -> SessionOpened:
    """Open a session with the code; it ends by itself."""
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as session:  # a wrong try is committed, then refused
        link = await queries.link_of(session, token)
        opened = await actions.open_session(session, link, body.code)
    if opened is None:
        raise WrongCode("This code is wrong, was used, or is too old; you may ask for another.")
    return SessionOpened(session=opened[0], expires_at=opened[1])


async def hold_key(request: Request, token: str) -> Link:
    """The link, with its client's key held for the transaction that follows."""
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        link = await queries.link_of(looking, token)
    await runtime.keys.hold(link.client_id)
    return link


def _hidden(address: str) -> str:
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
