"""HTTP in: what clients and staff write, and reading it (interface: docs/openapi.yaml)."""

import asyncio
from base64 import b64encode
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import access, actions, custody, filing, queries, views
from messaging.conversations.access import NOTHING, TABLE
from messaging.conversations.actions import Said
from messaging.conversations.models import Attachment, Conversation, Message
from messaging.conversations.rules import is_urgent
from messaging.conversations.views import MessageListed, MessageShown
from messaging.directory import queries as directory
from messaging.directory.models import Client
from messaging.email.parsing import octets_of
from shared import clock
from shared.accesses import Purpose, record_access
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import Invalid, NotFound, Unavailable
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.pages import Page, PageQuery, page
from shared.policy import permit
from shared.runtime import Runtime

MAX_BODY = 60_000  # octets: what is said travels whole in its event

router = APIRouter(tags=["messages"], route_class=IdempotentRoute)


class Words(BaseModel):
    """`kind` and `channel` are for staff: by default an answer, by mail and portal both."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field("", max_length=998)
    body: str = Field(min_length=1, max_length=MAX_BODY)
    urgent: bool = False
    kind: Literal["answer", "question", "acknowledgment", "note"] | None = None
    channel: Literal["email", "portal", "letter"] | None = None

    @field_validator("subject", "body")
    @classmethod
    def _storable(cls, value: str) -> str:
        if "\x00" in value or len(value.encode("utf-8", "replace")) > MAX_BODY:
            raise ValueError(f"at most {MAX_BODY} octets of text without NUL")
        value.encode()
        return value

    @field_validator("body")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("say something")
        return value


class NewConversation(Words):
    client_id: UUID | None = None
    matter_id: UUID | None = None


class NewMessage(Words):
    pass


class NewCall(BaseModel):
    """A call or meeting that was held. Without a conversation it is entered where this client (and
    matter) has waited longest for an answer. `two_way`: both spoke, so it answers."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID
    matter_id: UUID | None = None
    conversation_id: UUID | None = None
    channel: Literal["phone", "in_person", "video"] = "phone"
    direction: Literal["inbound", "outbound"] = "outbound"
    two_way: bool = True
    held_at: AwareDatetime
    note: str = Field(min_length=1, max_length=MAX_BODY // 4)


class Filing(BaseModel):
    """Where a message belongs: a client, or a matter and with it its client."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID | None = None
    matter_id: UUID | None = None
    reason: str = Field(min_length=1, max_length=2000)


class Accepted(BaseModel):
    id: UUID
    conversation_id: UUID


@router.post("/v1/conversations", status_code=201)
async def post_conversation(
    body: NewConversation, caller: Caller, request: Request, session: Transaction
) -> Accepted:
    client_id = _client_meant(caller, body.client_id)
    await _hold(request, client_id)
    await access.may(session, caller, "write messages", client_id)
    client = await directory.client(session, client_id)
    if client is None and caller.client_id is not None:
        raise Unavailable("You are not known here yet: try again in a moment.")
    if client is None:
        raise NotFound(NOTHING)
    conversation = await actions.begin_conversation(
        session,
        conversation_id=new_id(),
        owner=client_id,
        client_id=client_id,
        matter_id=await access.clients_matter(session, client_id, body.matter_id),
        subject=body.subject,
        at=clock.now(),
    )
    if caller.role == "client":
        return _accepted(await _client_says(session, client, conversation, body))
    return _accepted(await _staff_says(session, caller, conversation, body))


@router.post("/v1/conversations/{conversation_id}/messages", status_code=201)
async def post_message(
    conversation_id: UUID, body: NewMessage, caller: Caller, request: Request, session: Transaction
) -> Accepted:
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        conversation = await access.writable(looking, caller, conversation_id)
    await _hold(request, *_owners(conversation))
    if caller.role == "client":
        client = await directory.client(session, caller.id)
        return _accepted(await _client_says(session, client, conversation, body))
    return _accepted(await _staff_says(session, caller, conversation, body))


@router.post("/v1/calls", status_code=201)
async def post_call(
    body: NewCall, caller: Caller, request: Request, session: Transaction
) -> Accepted:
    await _hold(request, body.client_id)
    await access.may(session, caller, "write as the firm", body.client_id)
    if body.held_at > clock.now():
        raise Invalid("A call that was held lies in the past: held_at is later than now.")
    author = await access.author(session, caller)
    conversation = await _place_of_call(session, body)
    said = Said(
        message_id=new_id(),
        received_at=body.held_at,
        channel=body.channel,
        subject="",
        body=body.note,
        sender_name=author.name,
        sender_address=author.email,
    )
    row = await actions.log_call(
        session,
        conversation,
        said,
        direction=body.direction,
        two_way=body.two_way,
        staff_id=author.staff_id,
    )
    return _accepted(row)


@router.post("/v1/messages/{message_id}/file")
async def post_file(
    message_id: UUID, body: Filing, caller: Caller, request: Request, session: Transaction
) -> MessageListed:
    permit(TABLE, caller, "file messages")
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        client_id, matter_id = await _where_to(looking, body)
        row = await access.readable(looking, caller, message_id)
        if row.client_id is None:
            permit(TABLE, caller, "triage")
        await access.may(looking, caller, "file messages", client_id)
        author = await access.author(looking, caller)
    await _hold(request, client_id, row.owner)
    # Locked: of two who file at once, the second sees what the first did.
    row = await session.get_one(Message, message_id, with_for_update=True)
    await filing.file_message(
        session,
        row,
        client_id=client_id,
        matter_id=matter_id,
        filed_by=author.staff_id,
        reason=body.reason,
    )
    (listed,) = await views.listed(session, [row])
    return listed


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
            clients=await _clients_of(looking, caller) if relation != "any" else None,
            client_id=client_id,
            matter_id=matter_id,
            state=state,
            for_client=caller.role == "client",
            closed=await access.closed(looking, caller),
            before=_before(asked.after),
            limit=asked.limit + 1,
        )
    await _hold(request, *{row.owner for row in rows})
    for client in {row.client_id for row in rows[: asked.limit] if row.client_id}:
        await record_access(session, caller, client, "list")
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
    """The mail exactly as it arrived, octet for octet. `Commitment-Salt` (base64) and these octets
    are what its entry on the record commits to."""
    row = await _reading(request, session, caller, message_id, "original")
    salt, raw = await _original(session, row)
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
    _, raw = await _original(session, row)
    octets = await asyncio.to_thread(octets_of, raw, attachment.part)
    name = quote(views.attachment(session, attachment).name)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(octets, headers=headers, media_type="application/octet-stream")


async def _client_says(
    session: AsyncSession, client: Client | None, conversation: Conversation, words: Words
) -> Message:
    if words.kind is not None or words.channel not in (None, "portal"):
        raise Invalid("A client's message has no kind, and its channel is the portal.")
    policy = session.info["settings"].messaging_urgent_words
    said = Said(
        message_id=new_id(),
        received_at=clock.now(),
        channel="portal",
        subject=words.subject,
        body=words.body,
        sender_name=client.name if client else "",
        sender_address=client.email if client else "",
        urgent=words.urgent or is_urgent(policy, words.subject, words.body),
    )
    return await actions.receive_client_message(session, conversation, said)


async def _staff_says(
    session: AsyncSession, caller: CallerIdentity, conversation: Conversation, words: Words
) -> Message:
    permit(TABLE, caller, "write as the firm")
    author = await access.author(session, caller)
    said = Said(
        message_id=new_id(),
        received_at=clock.now(),
        channel=words.channel or "email",
        subject=words.subject,
        body=words.body,
        sender_name=author.name,
        sender_address=author.email,
        urgent=words.urgent,
    )
    if words.kind == "note":
        return await actions.write_note(session, conversation, said, author.staff_id)
    kind = words.kind or "answer"
    return await actions.say_to_client(session, conversation, said, kind, author.staff_id)


async def _place_of_call(session: AsyncSession, call: NewCall) -> Conversation:
    matter_id = await access.clients_matter(session, call.client_id, call.matter_id)
    wanted = call.conversation_id or await queries.conversation_owing(
        session, call.client_id, call.matter_id
    )
    if wanted is not None:
        found = await session.get(Conversation, wanted)
        if found is None or found.client_id != call.client_id:
            raise NotFound(NOTHING)
        return found
    if await directory.client(session, call.client_id) is None:
        raise NotFound(NOTHING)
    return await actions.begin_conversation(
        session,
        conversation_id=new_id(),
        owner=call.client_id,
        client_id=call.client_id,
        matter_id=matter_id,
        subject="",
        at=clock.now(),
    )


async def _where_to(session: AsyncSession, filing: Filing) -> tuple[UUID, UUID | None]:
    if filing.matter_id is not None:
        matter = await directory.matter(session, filing.matter_id)
        if matter is None or filing.client_id not in (None, matter.client_id):
            raise NotFound(NOTHING)
        return matter.client_id, matter.matter_id
    if filing.client_id is None:
        raise Invalid("Say where it belongs: client_id, or matter_id.")
    if await directory.client(session, filing.client_id) is None:
        raise NotFound(NOTHING)
    return filing.client_id, None


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
    await _hold(request, row.owner)
    if row.client_id is not None:
        await record_access(session, caller, row.client_id, purpose)
    return row


async def _original(session: AsyncSession, row: Message) -> tuple[bytes, bytes]:
    if row.original_commitment is None:
        raise NotFound("This message did not come as a mail: it has no original.")
    return await custody.read(session, row)


async def _clients_of(session: AsyncSession, caller: CallerIdentity) -> frozenset[UUID]:
    if caller.client_id is not None:
        return frozenset({caller.client_id})
    return await access.teams(session, caller)


def _client_meant(caller: CallerIdentity, client_id: UUID | None) -> UUID:
    """A client's id comes only from the token."""
    if caller.client_id is not None:
        if client_id not in (None, caller.client_id):
            raise NotFound(NOTHING)
        return caller.client_id
    if client_id is None:
        raise Invalid("Say to whom: client_id is required.")
    return client_id


def _owners(conversation: Conversation) -> set[UUID]:
    """Whose keys are needed to write here: the client's, and its subject may be sealed apart."""
    sealed = {UUID(conversation.subject["owner"])} if conversation.subject else set()
    return sealed | ({conversation.client_id} if conversation.client_id else set())


async def _hold(request: Request, *owners: UUID) -> None:
    await request.state.runtime.keys.hold(*owners)


def _before(after: list[object] | None) -> UUID | None:
    if after is None:
        return None
    try:
        (found,) = after
        return UUID(str(found))
    except ValueError as error:
        raise Invalid("The cursor is not one of ours; take it from `next` of a page.") from error


def _accepted(row: Message) -> Accepted:
    return Accepted(id=row.message_id, conversation_id=row.conversation_id)
