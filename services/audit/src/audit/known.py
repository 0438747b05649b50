"""What the record says of the firm, of its staff, of walls, of joint clients and of clients with
several entries, kept in the memory of the process: a reading of it up to one entry, from which
every request reads on."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import queries
from shared.contracts import Event
from shared.contracts.matters import (
    ClientsMerged,
    FirmChanged,
    JointClientJoined,
    JointClientLeft,
    StaffChanged,
    StaffRegistered,
    WallLowered,
    WallRaised,
)

TOLD = (
    FirmChanged, StaffRegistered, StaffChanged, WallRaised, WallLowered, JointClientJoined,
    JointClientLeft, ClientsMerged,
)  # fmt: skip

Staff = StaffRegistered | StaffChanged


class Membership(NamedTuple):
    """Of a joint client in the matter of `client_id`."""

    membership_id: UUID
    matter_id: UUID
    client_id: UUID
    joint_client_id: UUID


class Known:
    """One process's reading. It is never older than the question: every transaction that asks
    first reads the entries above the last one that was read, and as one appender at a time takes
    the next indexes and commits (`rows.lock_head`), nothing ever appears below it. An entry that
    cannot be read fails the request, and the next one, before anything is shown. A start begins
    again at the first entry. Addresses and names stay sealed.
    """

    def __init__(self) -> None:
        self.firm: FirmChanged | None = None
        self._staff: dict[UUID, Staff] = {}
        self._walls: dict[UUID, WallRaised] = {}
        self._lowered: set[UUID] = set()
        self._memberships: dict[UUID, list[Membership]] = {}
        self._left: set[UUID] = set()
        self._entries: dict[UUID, frozenset[UUID]] = {}
        self._merged: set[UUID] = set()
        self._through = -1

    @property
    def staff(self) -> dict[UUID, Staff]:
        """The newest entry of everybody on the staff who is active."""
        return {one: entry for one, entry in self._staff.items() if getattr(entry, "active", True)}

    @property
    def former_staff(self) -> list[Staff]:
        """The newest entry of everybody who is not active any more."""
        return [entry for entry in self._staff.values() if not getattr(entry, "active", True)]

    def entries(self, client_id: UUID) -> frozenset[UUID]:
        """All entries of one client, in whatever order it was told that they are one."""
        return self._entries.get(client_id, frozenset((client_id,)))

    def stays(self, client_id: UUID) -> UUID:
        """The one of them that was merged into no other."""
        return next(iter(self.entries(client_id) - self._merged), client_id)

    def walls(self, clients: Collection[UUID] | None) -> list[WallRaised]:
        """Those that stand around these clients and their matters, or around any."""
        return [
            wall
            for wall in self._walls.values()
            if wall.wall_id not in self._lowered and (clients is None or wall.client_id in clients)
        ]

    def memberships(self, of: UUID) -> Sequence[Membership]:
        """In this matter, or of this client in whatever matters; those that ended among them."""
        return self._memberships.get(of, ())

    def joint_clients(self, matter_id: UUID) -> list[UUID]:
        """Whose entries are the matter's beside those of its client, in the order of joining: also
        of who left, as what they were told stands."""
        return list(dict.fromkeys(one.joint_client_id for one in self.memberships(matter_id)))

    def jointly(self, client_id: UUID) -> list[UUID]:
        """The matters of others whose joint client somebody is or was."""
        return [
            one.matter_id
            for entry in self.entries(client_id)
            for one in self.memberships(entry)
            if one.joint_client_id == entry
        ]

    def represents(self, matter_id: UUID, client_id: UUID) -> bool:
        """Whether somebody is a joint client of the matter, and has not left."""
        return any(
            one.joint_client_id in self.entries(client_id) and one.membership_id not in self._left
            for one in self.memberships(matter_id)
        )

    def beside(self, client_id: UUID) -> set[UUID]:
        """The client, and everybody who was ever a client of one matter with them, under every
        entry."""
        theirs = self.entries(client_id)
        matters = {one.matter_id for entry in theirs for one in self.memberships(entry)}
        return set(theirs).union(*(self.clients_of(one) for one in matters))

    def clients_of(self, matter_id: UUID) -> set[UUID]:
        """Everybody who was ever a client of a matter with others, under every entry."""
        found: set[UUID] = set()
        for one in self.memberships(matter_id):
            found |= self.entries(one.client_id) | self.entries(one.joint_client_id)
        return found

    async def read_on(self, session: AsyncSession) -> None:
        for index, event in await queries.events_after(session, TOLD, self._through):
            if index > self._through:  # else another request read it while this one waited
                self._take(event)
                self._through = index

    def _take(self, event: Event) -> None:
        match event:
            case FirmChanged():
                self.firm = event
            case StaffRegistered() | StaffChanged():
                self._staff[event.staff_id] = event
            case WallRaised():
                self._walls[event.wall_id] = event
            case WallLowered():  # may be told before its WallRaised: lowered it stays
                self._lowered.add(event.wall_id)
            case JointClientJoined():
                one = Membership(*(getattr(event, name) for name in Membership._fields))
                for of in one[1:]:
                    self._memberships.setdefault(of, []).append(one)
            case JointClientLeft():
                self._left.add(event.membership_id)
            case ClientsMerged():
                one_client = self.entries(event.client_id) | self.entries(event.merged_id)
                self._entries |= dict.fromkeys(one_client, one_client)
                self._merged.add(event.merged_id)


async def known(session: AsyncSession) -> Known:
    """What the record says by now; read on once a transaction."""
    of_the_process: Known = session.info["known"]
    if not session.info.get("read on"):
        await of_the_process.read_on(session)
        session.info["read on"] = True
    return of_the_process
