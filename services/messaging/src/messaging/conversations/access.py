"""Who may hear and say what, denied by default: partners all, others of the firm what concerns the
clients on whose team they are, a client their own. Foreign and missing are one answer."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations.models import Conversation, Message
from messaging.directory import queries as directory
from messaging.directory.models import Staff
from messaging.directory.queries import Closed, Seen
from messaging.outbound.models import OutboundMessage
from shared.auth import CallerIdentity
from shared.errors import Invalid, NotFound
from shared.policy import PolicyTable, Relation, permit

TEAM: dict[str, Relation] = {"partner": "any", "attorney": "team", "paralegal": "team"}

TABLE: PolicyTable = {
    "read messages": TEAM | {"compliance": "any", "client": "self"},
    "write messages": TEAM | {"client": "self"},
    "write as the firm": TEAM,
    "file messages": TEAM,
    "triage": {"partner": "any"},
    "read quarantined messages": {"partner": "any", "compliance": "any"},
}
NOTHING = "There is nothing here that you may see."


async def may(
    session: AsyncSession,
    caller: CallerIdentity,
    action: str,
    client_id: UUID | None,
    matter_id: UUID | None = None,
) -> None:
    """Raises Forbidden or NotFound; `client_id` is whom the action concerns. Behind a wall nothing
    is there, whatever the policy says."""
    relations: set[Relation] = set()
    walls = await closed(session, caller)
    if client_id in walls.clients or matter_id in walls.matters:
        raise NotFound(NOTHING)
    if caller.role == "client":
        relations = {"self"} if client_id in await own_entries(session, caller) else set()
    elif permit(TABLE, caller, action) == "team":
        seen = await teams(session, caller)
        if client_id in seen.clients or matter_id in seen.matters:
            relations = {"team"}
    permit(TABLE, caller, action, relations)


async def closed(session: AsyncSession, caller: CallerIdentity) -> Closed:
    """What stands behind walls for the caller; none of them concerns a client."""
    if caller.role == "client":
        return Closed(frozenset(), frozenset())
    member = await staff_of(session, caller)
    keeps_walls = caller.role == "compliance"
    return await directory.closed_to(
        session, member.staff_id if member else None, keeps_walls=keeps_walls
    )


async def teams(session: AsyncSession, caller: CallerIdentity) -> Seen:
    """The clients on whose team the caller is, and of what their joint clients write, that in the
    matters that they have together."""
    member = await staff_of(session, caller)
    theirs = await directory.clients_of(session, member.staff_id) if member else frozenset()
    return Seen(theirs, await directory.joint_matters_of(session, theirs))


async def own_entries(session: AsyncSession, caller: CallerIdentity) -> frozenset[UUID]:
    """Those of a client who asks."""
    return await directory.entries(session, [caller.client_id] if caller.client_id else [])


async def readable(session: AsyncSession, caller: CallerIdentity, message_id: UUID) -> Message:
    """The message, if the caller may read it. What waits in quarantine is nothing to the others."""
    permit(TABLE, caller, "read messages")
    row = await session.get(Message, message_id)
    if row is None:
        raise NotFound(NOTHING)
    if row.client_id is not None:
        await may(session, caller, "read messages", row.client_id, row.matter_id)
    elif caller.role not in TABLE["read quarantined messages"]:
        raise NotFound(NOTHING)
    if caller.role == "client" and row.direction == "internal":
        raise NotFound(NOTHING)
    return row


async def sent(
    session: AsyncSession, caller: CallerIdentity, message_id: UUID
) -> OutboundMessage | None:
    """The mail to a client that has left under this id; None if there is none. Raises NotFound for
    one that the caller may not read, and for those that open something: nobody needs them again."""
    permit(TABLE, caller, "read messages")
    mail = await session.get(OutboundMessage, message_id)
    if mail is None or not mail.to_client or mail.accepted_at is None:
        return None
    if mail.withheld:
        raise NotFound(NOTHING)
    conversation = await session.get(Conversation, mail.conversation_id)
    matter_id = conversation.matter_id if conversation else None
    await may(session, caller, "read messages", mail.client_id, matter_id)
    return mail


async def writable(
    session: AsyncSession, caller: CallerIdentity, conversation_id: UUID
) -> Conversation:
    """The conversation, if the caller may write in it."""
    permit(TABLE, caller, "write messages")
    row = await session.get(Conversation, conversation_id)
    if row is None or row.client_id is None:
        raise NotFound(NOTHING)
    await may(session, caller, "write messages", row.client_id, row.matter_id)
    return row


async def staff_of(session: AsyncSession, caller: CallerIdentity) -> Staff | None:
    return await directory.staff_with_address(session, caller.email) if caller.email else None


async def author(session: AsyncSession, caller: CallerIdentity) -> Staff:
    """Who speaks for the firm: it must be a person that the client can know."""
    member = await staff_of(session, caller)
    if member is None:
        raise Invalid("Only who is in the firm's directory of staff can write to a client.")
    return member


async def clients_matter(
    session: AsyncSession, client_id: UUID, matter_id: UUID | None
) -> UUID | None:
    """The matter, if they are a client of it; without one the only matter that is open."""
    if matter_id is None:
        matters = await directory.open_matters(session, client_id)
        return matters[0].matter_id if len(matters) == 1 else None
    matter = await directory.matter(session, matter_id)
    if matter is None or client_id not in await directory.clients_of_matter(session, matter):
        raise NotFound(NOTHING)
    return matter_id
