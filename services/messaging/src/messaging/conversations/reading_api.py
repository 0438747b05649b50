"""HTTP in: reading what was said, and the mails themselves (interface: docs/openapi.yaml). Each
read is on the record."""

import asyncio
from base64 import b64encode
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import access, custody, queries, views
from messaging.conversations.access import NOTHING, TABLE
from messaging.conversations.models import Attachment, Message
from messaging.conversations.views import ContentDestroyed, MessageListed, MessageShown
from messaging.directory import queries as directory
from messaging.directory.queries import Seen
from messaging.email.parsing import octets_of
from messaging.outbound import actions as outbound
from messaging.outbound.models import OutboundMessage
from shared.accesses import Purpose, record_access, record_accesses
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.keyring import KeyNotHeld
from shared.pages import Page, PageQuery, page
from shared.policy import permit
from shared.runtime import Runtime

router = APIRouter(tags=["messages"])


@router.get("/v1/messages")
async def get_messages(
    caller: Caller,
    request: Request,
    asked: PageQuery,
    session: Transaction,
    client_id: UUID | None = None,
    matter_id: UUID | None = None,
    state: Annotated[Literal["unanswered", "quarantined"] | None, Query()] = None,
) -> Page[MessageListed]:
    if state == "quarantined":
        permit(TABLE, caller, "read quarantined messages")
    relation = permit(TABLE, caller, "read messages")
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        rows = await queries.page_of(
            looking,
            seen=await _seen_by(looking, caller) if relation != "any" else None,
            of=await directory.entries(looking, [client_id]) if client_id else None,
            matter_id=matter_id,
            state=state,
            for_client=caller.role == "client",
            closed=await access.closed(looking, caller),
            before=_before(asked.after),
            limit=asked.limit + 1,
        )
    await runtime.keys.hold(*{row.owner for row in rows})
    concerned = (row.client_id for row in rows[: asked.limit] if row.client_id)
    await record_accesses(session, caller, concerned, "list")
    shown = await views.listed(session, rows)
    return page(shown, asked, lambda one: one, lambda one: [str(one.id)])


@router.get("/v1/messages/{message_id}")
async def get_message(
    message_id: UUID, caller: Caller, request: Request, session: Transaction
) -> MessageShown:
    row = await _reading(request, session, caller, message_id, "message")
    return await views.shown(session, row)


@router.get(
    "/v1/messages/{message_id}/original",
    response_class=Response,
    responses={200: {"content": {"message/rfc822": {}}}},
)
async def get_original(
    message_id: UUID, caller: Caller, request: Request, session: Transaction
) -> Response:
    """The mail exactly as it arrived, or as it left, octet for octet. `Commitment-Salt` (base64)
    and these octets are what its entry on the record commits to."""
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        sent = await access.sent(looking, caller, message_id)
    if sent is not None:
        salt, raw = await _as_it_left(runtime, session, caller, sent)
    else:
        row = await _reading(request, session, caller, message_id, "original")
        salt, raw = await _as_it_arrived(session, row)
    headers = {"Commitment-Salt": b64encode(salt).decode()}
    return Response(raw, headers=headers, media_type="message/rfc822")


@router.get(
    "/v1/messages/{message_id}/attachments/{attachment_id}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_attachment(
    message_id: UUID, attachment_id: UUID, caller: Caller, request: Request, session: Transaction
) -> Response:
    """The file as it was attached. Browsers are told to save it and never to guess its type."""
    row = await _reading(request, session, caller, message_id, "attachment")
    attachment = await session.get(Attachment, attachment_id)
    if attachment is None or attachment.message_id != message_id:
        raise NotFound(NOTHING)
    _, raw = await _as_it_arrived(session, row)
    octets = await asyncio.to_thread(octets_of, raw, attachment.part)
    name = quote(views.attachment(session, attachment).name)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(octets, headers=headers, media_type="application/octet-stream")


async def _reading(
    request: Request,
    session: AsyncSession,
    caller: CallerIdentity,
    message_id: UUID,
    purpose: Purpose,
) -> Message:
    """The row, if the caller may read it; the read is on the record and the key at hand."""
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await access.readable(looking, caller, message_id)
    await runtime.keys.hold(row.owner)
    if row.client_id is not None:
        await record_access(session, caller, row.client_id, purpose)
    return row


async def _as_it_arrived(session: AsyncSession, row: Message) -> tuple[bytes, bytes]:
    if row.original_commitment is None:
        raise NotFound("This message did not come as a mail: it has no original.")
    return await custody.read(session, row)


async def _as_it_left(
    runtime: Runtime, session: AsyncSession, caller: CallerIdentity, sent: OutboundMessage
) -> tuple[bytes, bytes]:
    assert sent.client_id is not None, "a mail to a client has one"
    await runtime.keys.hold(sent.owner)
    await record_access(session, caller, sent.client_id, "original")
    try:
        return outbound.opened(runtime.keys.key(sent.owner, sent.key_version), sent)
    except KeyNotHeld as error:
        raise ContentDestroyed("This content was destroyed with its key.") from error


async def _seen_by(session: AsyncSession, caller: CallerIdentity) -> Seen:
    if caller.client_id is not None:
        return Seen(await access.own_entries(session, caller))
    return await access.teams(session, caller)


def _before(after: list[object] | None) -> UUID | None:
    if after is None:
        return None
    try:
        (found,) = after
        return UUID(str(found))
    except ValueError as error:
        raise Invalid("The cursor is not one of ours; take it from `next` of a page.") from error
