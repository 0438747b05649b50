"""Events of matters: the firm, its people, its clients, their matters and points of contact."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.event import Event, Fact, Sealed

Role = Literal[
    "partner", "attorney", "paralegal", "billing", "compliance", "operations", "integration"
]


class EmergencyContact(Fact):
    """What a client in an emergency is told: it is printed in every acknowledgment."""

    phone: str = ""
    email: str = ""
    text: str = ""


class FirmChanged(Event, owner="matters", key="firm_id"):
    """The firm's name, zone, calendar, mail addresses or emergency contact were set or changed.
    Carries all of them; firm facts are public, so nothing is sealed."""

    firm_id: UUID
    name: str
    time_zone: str
    calendar_id: UUID | None
    addresses: tuple[str, ...]
    emergency: EmergencyContact
    revision: int


class StaffRegistered(Event, owner="matters", key="staff_id"):
    """Somebody of the firm was entered in the directory. Name, address and phone are sealed
    under the firm's key."""

    staff_id: UUID
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    role: Role
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False


class StaffChanged(Event, owner="matters", key="staff_id"):
    """The directory entry of a member of staff changed. Carries the whole entry."""

    staff_id: UUID
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    role: Role
    supervisor_id: UUID | None = None
    stand_in_id: UUID | None = None
    managing_partner: bool = False
    active: bool = True


class ClientRegistered(Event, owner="matters", key="client_id"):
    """A client exists from now on and has an id, a stream and a data key. Told once."""

    client_id: UUID
    state: Literal["prospective", "active"] = "active"
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    time_zone: str
    preferences: dict[str, str] = Field(default_factory=dict)
    registered_at: AwareDatetime | None = None


class ClientChanged(Event, owner="matters", key="client_id"):
    """A client's contact details, zone or preferences changed. Carries all of them."""

    client_id: UUID
    state: Literal["prospective", "active"] = "active"
    name: Sealed
    email: Sealed
    phone: Sealed | None = None
    time_zone: str
    preferences: dict[str, str] = Field(default_factory=dict)


class MatterOpened(Event, owner="matters", key="client_id", subject="matter_id"):
    """A matter of a client was opened, by a signed engagement or by a partner with a recorded
    reason. `number` is what people quote; it joins nothing by itself."""

    matter_id: UUID
    client_id: UUID
    number: str
    title: Sealed
    practice_area: str
    reason: Sealed
    opened_at: AwareDatetime


class PointOfContactAssigned(Event, owner="matters", key="client_id", subject="staff_id"):
    """From `from_at` on, this member of staff is the one point of contact: of the matter, or,
    without a matter, of the client. At every instant there is exactly one of each."""

    assignment_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    staff_id: UUID
    stand_in_id: UUID | None = None
    from_at: AwareDatetime
