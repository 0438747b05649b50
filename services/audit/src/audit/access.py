"""Who may read what of the record. What is not in the table is denied; the team of a matter, its
client and its joint clients are found in the record itself."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import queries
from audit.known import Known, Staff, known
from audit.queries import Closed, Selection
from shared import clock, sealing
from shared.auth import CallerIdentity
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import PointOfContactAssigned, WallRaised
from shared.errors import NotFound
from shared.keyring import Keyring
from shared.policy import PolicyTable, Relation, permit

POLICY: PolicyTable = {
    "read the log": {"compliance": "any", "operations": "any"},
    "read completeness": {"partner": "any", "compliance": "any", "operations": "any"},
    "read proofs": {
        "partner": "any",
        "attorney": "any",
        "paralegal": "any",
        "compliance": "any",
        "operations": "any",
    },
    "read entries": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
    },
    "audit the record": {"partner": "any", "compliance": "any"},
    "close findings": {"partner": "any", "compliance": "any"},
    "read audits": {"partner": "any", "compliance": "any", "operations": "any"},
    "correct the record": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
    },
    "export the record": {"partner": "any", "compliance": "any", "attorney": "team"},
    "read timeline": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
}


async def permit_client(
    session: AsyncSession,
    keys: Keyring,
    caller: CallerIdentity,
    action: str,
    client_id: UUID | None,
    matter_id: UUID | None = None,
) -> None:
    """Raises Forbidden for a role without a line, NotFound for somebody else's client or matter,
    and for one behind a wall: the record itself says which walls stand. A joint client is
    themselves in the matter too, until they leave; the matter's team reads what is theirs in it.
    All entries of a client are one.

    The firm's key must be held: staff are known by their address, which is sealed under it.
    """
    relation = permit(POLICY, caller, action)
    if client_id is not None:
        closed = await closed_to(session, keys, caller, client_id)
        if closed.closes(client_id, matter_id):
            raise NotFound("There is nothing here that you may see.")
    if relation == "any":
        return
    relations: set[Relation] = set()
    if client_id is not None and await _is_concerned(session, caller, client_id, matter_id):
        relations.add("self")
    if client_id is not None and await _on_the_team(session, keys, caller, client_id, matter_id):
        relations.add("team")
    permit(POLICY, caller, action, relations)


async def selection(
    session: AsyncSession,
    keys: Keyring,
    caller: CallerIdentity,
    client_id: UUID | None,
    matter_id: UUID | None,
) -> Selection:
    """The entries of a client, of a matter with those of its joint clients in it, or all but what
    walls close, if the caller may read them; called before the session's first statement."""
    permit(POLICY, caller, "read entries")
    await keys.hold(FIRM_ID)
    if matter_id is None:
        await permit_client(session, keys, caller, "read entries", client_id)
        if client_id is None:
            return Selection(closed=await closed_to(session, keys, caller))
        return Selection(client_id, others=await _others(session, client_id))
    found = await of_matter(session, matter_id)
    if client_id not in (None, *found.clients):
        raise NotFound("There is no such matter of that client that you may see.")
    await permit_client(session, keys, caller, "read entries", found.client_id, matter_id)
    return found


async def of_matter(session: AsyncSession, matter_id: UUID) -> Selection:
    """The entries of a matter, for who was permitted to read it; raises NotFound."""
    client_id = await client_of(session, matter_id)
    joint = (await known(session)).joint_clients(matter_id)
    return Selection(
        client_id,
        matter_id,
        await queries.messages_of_matter(session, matter_id),
        await _others(session, client_id, *joint),
    )


async def _others(session: AsyncSession, client_id: UUID, *joint: UUID) -> list[UUID]:
    """Whose entries are to be read beside those of this client: of joint clients, and those that
    turned out to be of one of them."""
    told = await known(session)
    found = dict.fromkeys((*joint, *told.entries(client_id)))
    for one in joint:
        found |= dict.fromkeys(told.entries(one))
    return [one for one in found if one != client_id]


async def selection_of_message(
    session: AsyncSession, keys: Keyring, caller: CallerIdentity, message_id: UUID
) -> Selection:
    """The entries about one message of a client; as `selection`."""
    permit(POLICY, caller, "read entries")
    await keys.hold(FIRM_ID)
    place = await queries.place_of_message(session, message_id)
    if place is None:
        raise NotFound("There is no such message of a client that you may see.")
    client_id, matter_id = place
    await permit_client(session, keys, caller, "read entries", client_id, matter_id)
    others = await _others(session, client_id)
    return Selection(client_id, messages=[message_id], others=others)


async def client_of(session: AsyncSession, matter_id: UUID) -> UUID:
    """Whose matter it is, as MatterOpened told; raises NotFound."""
    client_id = await queries.client_of_matter(session, matter_id)
    if client_id is None:
        raise NotFound("There is no such matter that you may see.")
    return client_id


async def closed_to(
    session: AsyncSession,
    keys: Keyring,
    caller: CallerIdentity,
    client_id: UUID | None = None,
) -> Closed:
    """The walls between the caller and one client with those beside whom they are represented, or
    all, as matters decides it (its walls/queries.py). The firm's key must be held."""
    told = await known(session)
    standing = told.walls(told.beside(client_id) if client_id else None)
    if not standing or caller.role == "client":
        return Closed()
    own = _own_ids(keys, caller, told.staff)
    return _closed_by([wall for wall in standing if _is_shut(wall, own, caller)], told)


def _closed_by(shut: Sequence[WallRaised], told: Known) -> Closed:
    """A wall around one entry of a client stands around all. One around one of joint clients closes
    their matter, and of a closed matter each client is touched: without waiting for the wall that
    matters raises around the matter itself."""
    clients = {
        one for wall in shut if wall.matter_id is None for one in told.entries(wall.client_id)
    }
    matters = {wall.matter_id for wall in shut if wall.matter_id is not None}
    matters |= {one.matter_id for client_id in clients for one in told.memberships(client_id)}
    touched = {one for wall in shut for one in told.entries(wall.client_id)}
    touched = touched.union(*(told.clients_of(matter_id) for matter_id in matters))
    return Closed(frozenset(clients), frozenset(matters), frozenset(touched))


def _is_shut(wall: WallRaised, own: set[UUID], caller: CallerIdentity) -> bool:
    if wall.kind == "need_to_know" and caller.role == "compliance":
        return False
    return bool(own & set(wall.staff_ids)) == (wall.kind == "screen")


def _own_ids(keys: Keyring, caller: CallerIdentity, staff: dict[UUID, Staff]) -> set[UUID]:
    return {
        staff_id
        for staff_id, entry in staff.items()
        if caller.email and _address(keys, entry.email) == caller.email
    }


async def former_staff(session: AsyncSession) -> Collection[str]:
    """The addresses that somebody who left had, and nobody on the staff has."""
    keys: Keyring = session.info["keys"]
    await keys.hold(FIRM_ID)
    told = await known(session)
    had = {_address(keys, entry.email) for entry in told.former_staff}
    return had - {_address(keys, entry.email) for entry in told.staff.values()} if had else had


async def _is_concerned(
    session: AsyncSession, caller: CallerIdentity, client_id: UUID, matter_id: UUID | None
) -> bool:
    if caller.client_id is None:
        return False
    told = await known(session)
    if caller.client_id in told.entries(client_id):
        return True
    return matter_id is not None and told.represents(matter_id, caller.client_id)


async def _on_the_team(
    session: AsyncSession,
    keys: Keyring,
    caller: CallerIdentity,
    client_id: UUID,
    matter_id: UUID | None,
) -> bool:
    """Of the client, under whichever entry, or of whose matter it is in which they are a joint
    client."""
    told = await known(session)
    answered = set(told.entries(client_id))
    for one in told.memberships(matter_id) if matter_id else ():
        if one.joint_client_id in answered:
            answered |= told.entries(one.client_id)
    team: set[UUID] = set()
    for entry in answered:
        team |= await _team(session, told.staff, entry, matter_id)
    return bool(_own_ids(keys, caller, told.staff) & team)


async def _team(
    session: AsyncSession,
    staff: dict[UUID, Staff],
    client_id: UUID,
    matter_id: UUID | None,
) -> set[UUID]:
    """Points of contact in force of the client and the matter, their stand-ins, and everybody
    above them."""
    contacts: dict[UUID | None, PointOfContactAssigned] = {}
    for contract, value in await queries.values(session, (PointOfContactAssigned,), client_id):
        assigned = contract.model_validate_json(value)
        assert isinstance(assigned, PointOfContactAssigned)
        current = contacts.get(assigned.matter_id)
        if assigned.from_at <= clock.now() and (
            current is None or assigned.from_at >= current.from_at
        ):
            contacts[assigned.matter_id] = assigned
    in_force = [contacts[of] for of in {None, matter_id} if of in contacts]
    people = {one.staff_id for one in in_force} | {one.stand_in_id for one in in_force}
    people |= {entry.stand_in_id for one in people if one and (entry := staff.get(one))}
    return _with_supervisors(staff, {one for one in people if one})


def _with_supervisors(staff: dict[UUID, Staff], people: set[UUID]) -> set[UUID]:
    waiting = list(people)
    while waiting:
        entry = staff.get(waiting.pop())
        if entry and entry.supervisor_id and entry.supervisor_id not in people:
            people.add(entry.supervisor_id)
            waiting.append(entry.supervisor_id)
    return people


def _address(keys: Keyring, email: Sealed) -> str:
    return sealing.unseal(keys.key(email.owner, email.key_version), email).decode().lower()
