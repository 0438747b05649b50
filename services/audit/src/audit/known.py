"""What the record says of the firm, of its staff and of walls, kept in the memory of the process:
a reading of it up to one entry, from which every request reads on."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import queries
from shared.contracts import Event
from shared.contracts.matters import (
    FirmChanged,
    StaffChanged,
    StaffRegistered,
    WallLowered,
    WallRaised,
)

TOLD = (FirmChanged, StaffRegistered, StaffChanged, WallRaised, WallLowered)

Staff = StaffRegistered | StaffChanged


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
        self._through = -1

    @property
    def staff(self) -> dict[UUID, Staff]:
        """The newest entry of everybody on the staff who is active."""
        return {one: entry for one, entry in self._staff.items() if getattr(entry, "active", True)}

    def walls(self, client_id: UUID | None) -> list[WallRaised]:
        """Those that stand around one client and that client's matters, or around any."""
        return [
            wall
            for wall in self._walls.values()
            if wall.wall_id not in self._lowered and client_id in (None, wall.client_id)
        ]

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


async def known(session: AsyncSession) -> Known:
    """What the record says by now; read on once a transaction."""
    of_the_process: Known = session.info["known"]
    if not session.info.get("read on"):
        await of_the_process.read_on(session)
        session.info["read on"] = True
    return of_the_process
