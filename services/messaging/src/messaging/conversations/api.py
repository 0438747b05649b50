"""HTTP in: what clients and staff write, and reading it (interface: docs/openapi.yaml)."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations import access, actions, entries, filing, queries, views
from messaging.conversations.access import NOTHING, TABLE
from messaging.conversations.keeping import Said
from messaging.conversations.models import Conversation, Message
from messaging.conversations.rules import is_urgent
from messaging.conversations.views import MessageListed
from messaging.directory import queries as directory
from messaging.directory.models import Client
from shared import clock
from shared.auth import Caller, CallerIdentity
from shared.db import Transaction
from shared.errors import Invalid, NotFound, Unavailable
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
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


class Correction(BaseModel):
    """What the entry should have said, and why it did not."""

    model_config = ConfigDict(extra="forbid")

    body: str = Field(min_length=1, max_length=MAX_BODY // 4)
    reason: str = Field(min_length=1, max_length=2000)


class Accepted(BaseModel):
    id: UUID
    conversation_id: UUID


@router.post("/v1/conversations", status_code=201)
async def post_conversation(
    body: NewConversation, caller: Caller, request: Request, session: Transaction
) -> Accepted:
    client_id = await _meant(request, _client_named(caller, body.client_id))
    await access.may(session, caller, "write messages", client_id, body.matter_id)
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
    client_id = await _meant(request, body.client_id)
    await access.may(session, caller, "write as the firm", client_id, body.matter_id)
    if body.held_at > clock.now():
        raise Invalid("A call that was held lies in the past: held_at is later than now.")
    author = await access.author(session, caller)
    conversation = await _place_of_call(session, body, client_id)
    place = client_id, conversation.matter_id
    await access.may(session, caller, "write as the firm", *place)
    said = Said(
        message_id=new_id(),
        received_at=body.held_at,
        channel=body.channel,
        subject="",
        body=body.note,
        sender_name=author.name,
        sender_address=author.email,
    )
    row = await entries.log_call(
        session,
        conversation,
        said,
        direction=body.direction,
        two_way=body.two_way,
        staff_id=author.staff_id,
    )
    return _accepted(row)


@router.post("/v1/messages/{message_id}/corrections", status_code=201)
async def post_correction(
    message_id: UUID, body: Correction, caller: Caller, request: Request, session: Transaction
) -> Accepted:
    """A note, a call or a letter that was entered wrong: the newer entry names it, both stay."""
    permit(TABLE, caller, "write as the firm")
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await access.readable(looking, caller, message_id)
        await access.may(looking, caller, "write as the firm", row.client_id, row.matter_id)
        author = await access.author(looking, caller)
    if row.client_id is not None:
        await _meant(request, row.client_id)
    # Locked: of two who correct it at once, the second sees what the first did.
    row = await session.get_one(Message, message_id, with_for_update=True)
    newer = await entries.correct(
        session, row, body=body.body, reason=body.reason, staff_id=author.staff_id
    )
    return _accepted(newer)


@router.post("/v1/messages/{message_id}/file")
async def post_file(
    message_id: UUID, body: Filing, caller: Caller, request: Request, session: Transaction
) -> MessageListed:
    permit(TABLE, caller, "file messages")
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        row = await access.readable(looking, caller, message_id)
        client_id, matter_id = await _where_to(looking, body, row.client_id)
        if row.client_id is None:
            permit(TABLE, caller, "triage")
        await access.may(looking, caller, "file messages", client_id, matter_id)
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
        return await entries.write_note(session, conversation, said, author.staff_id)
    kind = words.kind or "answer"
    return await actions.say_to_client(session, conversation, said, kind, author.staff_id)


async def _place_of_call(session: AsyncSession, call: NewCall, client_id: UUID) -> Conversation:
    matter_id = await access.clients_matter(session, client_id, call.matter_id)
    wanted = call.conversation_id or await queries.conversation_owing(
        session, await directory.entries(session, [client_id]), call.matter_id
    )
    if wanted is not None:
        found = await session.get(Conversation, wanted)
        if found is None or found.client_id != client_id:
            raise NotFound(NOTHING)
        return found
    if await directory.client(session, client_id) is None:
        raise NotFound(NOTHING)
    return await actions.begin_conversation(
        session,
        conversation_id=new_id(),
        owner=client_id,
        client_id=client_id,
        matter_id=matter_id,
        subject="",
        at=clock.now(),
    )


async def _where_to(
    session: AsyncSession, filing: Filing, wrote: UUID | None
) -> tuple[UUID, UUID | None]:
    """In a matter of joint clients it is the one's who wrote, or the one's who is named."""
    if filing.matter_id is not None:
        matter = await directory.matter(session, filing.matter_id)
        if matter is None:
            raise NotFound(NOTHING)
        each = await directory.clients_of_matter(session, matter)
        whose = filing.client_id or wrote
        stays = await directory.survivor(session, whose) if whose else each[0]
        if stays not in each:
            if filing.client_id:
                raise NotFound(NOTHING)
            stays = each[0]  # and refused as another client's
        return stays, matter.matter_id
    if filing.client_id is None:
        raise Invalid("Say where it belongs: client_id, or matter_id.")
    client = await directory.client(session, filing.client_id)
    if client is None:
        raise NotFound(NOTHING)
    return client.client_id, None


def _client_named(caller: CallerIdentity, client_id: UUID | None) -> UUID:
    """A client's id comes only from the token."""
    if caller.client_id is not None:
        if client_id not in (None, caller.client_id):
            raise NotFound(NOTHING)
        return caller.client_id
    if client_id is None:
        raise Invalid("Say to whom: client_id is required.")
    return client_id


async def _meant(request: Request, client_id: UUID) -> UUID:
    """Who is written to under this id now; their key is held."""
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        stays = await directory.survivor(looking, client_id)
    await _hold(request, stays)
    return stays


def _owners(conversation: Conversation) -> set[UUID]:
    """Whose keys are needed to write here: the client's, and its subject may be sealed apart."""
    sealed = {UUID(conversation.subject["owner"])} if conversation.subject else set()
    return sealed | ({conversation.client_id} if conversation.client_id else set())


async def _hold(request: Request, *owners: UUID) -> None:
    await request.state.runtime.keys.hold(*owners)


def _accepted(row: Message) -> Accepted:
    return Accepted(id=row.message_id, conversation_id=row.conversation_id)
