"""HTTP in, for who must sign: what is to be signed, exactly, and the three answers to it. A link
and a session of it are needed; nothing happens by a GET."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

import intake.directory.queries as directory
import intake.files.queries as files
import intake.links.queries as links
from intake.engagements import queries, rules, signatures
from intake.engagements.models import State
from intake.engagements.terms import Terms
from intake.files.models import File
from intake.links.api import SessionSecret, Token, hold_key
from intake.links.models import Link
from intake.open_door import OPEN, OpenRoute
from shared.accesses import record_access
from shared.auth import CallerIdentity
from shared.db import Transaction
from shared.errors import NotFound
from shared.values import Line, Prose

router = APIRouter(prefix="/v1/links", tags=["links"], route_class=OpenRoute)

PAPER = "You may sign on paper instead: print the document, sign it and send it to us, or come by."
BROWSER_LETTERS = 300


class OtherSigner(BaseModel):
    name: str
    capacity: str | None
    signed_at: datetime | None


class ToSign(BaseModel):
    """Everything that is signed, as data; the document itself is a link further."""

    firm: str
    name: str
    capacity: str | None
    state: State
    signed_at: datetime | None
    terms: Terms
    signers: list[OtherSigner]
    document_sha256: str
    statement: str = rules.STATEMENT
    paper: str = PAPER
    expires_at: datetime


class Signing(BaseModel):
    """`name` typed is the signature; both `true` are meant; `document_sha256` is of the bytes that
    were read."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    i_sign: Literal[True]
    i_agree_to_electronic_business: Literal[True]
    document_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Declining(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reasons: Annotated[Prose, Field(min_length=1)] | None = None


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")
    question: Annotated[Prose, Field(min_length=1)]


class QuestionAsked(BaseModel):
    id: UUID


@router.get("/{token}/agreement", openapi_extra=OPEN)
async def get_agreement(
    token: Token, session: Transaction, request: Request, secret: SessionSecret = None
) -> ToSign:
    link, _ = await _opened(request, session, token, secret)
    return await shown(session, link)


@router.get(
    "/{token}/document",
    response_class=Response,
    openapi_extra=OPEN,
    responses={200: {"content": {"application/pdf": {}}}},
)
async def get_document(
    token: Token, session: Transaction, request: Request, secret: SessionSecret = None
) -> Response:
    """The very bytes: of the agreement, of the copy in force, or of a letter."""
    await hold_key(request, token)
    link, _ = await links.opened(session, token, secret)
    return Response(await document(session, link), media_type="application/pdf")


@router.post("/{token}/sign", openapi_extra=OPEN)
async def post_sign(
    token: Token,
    body: Signing,
    session: Transaction,
    request: Request,
    secret: SessionSecret = None,
) -> ToSign:
    """Sign: the name typed, the intent and the consent to electronic business stated."""
    link, code_id = await _opened(request, session, token, secret)
    await signatures.sign(
        session,
        link.subject_id,
        document_sha256=body.document_sha256,
        typed=body.name,
        evidence=_circumstances(request, link, code_id),
    )
    return await shown(session, link)


@router.post("/{token}/decline", openapi_extra=OPEN)
async def post_decline(
    token: Token,
    body: Declining,
    session: Transaction,
    request: Request,
    secret: SessionSecret = None,
) -> ToSign:
    """Not sign: the agreement is off, for everybody."""
    link, _ = await _opened(request, session, token, secret)
    await signatures.decline(session, link.subject_id, reasons=body.reasons)
    return await shown(session, link)


@router.post("/{token}/questions", status_code=201, openapi_extra=OPEN)
async def post_question(
    token: Token,
    body: Question,
    session: Transaction,
    request: Request,
    secret: SessionSecret = None,
) -> QuestionAsked:
    """Ask before signing; the offer stays open."""
    link, _ = await _opened(request, session, token, secret)
    asked = await signatures.ask(session, link.subject_id, question=body.question)
    return QuestionAsked(id=asked)


async def shown(session: Transaction, link: Link) -> ToSign:
    one = await queries.signer(session, link.subject_id)
    row = await queries.engagement(session, one.engagement_id)
    await session.flush()
    assert row.document_sha256 is not None
    assert row.expires_at is not None
    signers = await queries.signers(session, row.engagement_id)
    return ToSign(
        firm=await directory.firm_name(session),
        name=one.name,
        capacity=one.capacity,
        state=row.state,
        signed_at=one.signed_at,
        terms=queries.terms_of(session, row),
        signers=[OtherSigner.model_validate(each, from_attributes=True) for each in signers],
        document_sha256=row.document_sha256.hex(),
        expires_at=row.expires_at,
    )


async def document(session: Transaction, link: Link) -> bytes:
    if link.file_id is None:
        raise NotFound("This link leads to no document.")
    await record_access(session, _holder(link), link.client_id, "attachment")
    return await files.content(session, await session.get_one(File, link.file_id))


async def _opened(
    request: Request, session: Transaction, token: str, secret: str | None
) -> tuple[Link, UUID]:
    """A link for signing with a session of it, and its client's key held."""
    await hold_key(request, token)
    link, code_id = await links.opened(session, token, secret)
    if link.purpose != "signature":
        raise NotFound("This link leads to nothing to sign.")
    return link, code_id


def _holder(link: Link) -> CallerIdentity:
    """Who reads is whoever holds the link; the link itself is who it was for."""
    return CallerIdentity(id=link.link_id, role="link")


def _circumstances(request: Request, link: Link, code_id: UUID) -> dict[str, Any]:
    """What is kept as evidence: from where, with what, and through which mailbox."""
    return {
        "address": request.client.host if request.client else "unknown",
        "browser": request.headers.get("user-agent", "")[:BROWSER_LETTERS],
        "sent_to": link.email,
        "link_id": str(link.link_id),
        "code_id": str(code_id),
    }
