"""Who the demo firm is: twelve lawyers, two hundred clients, three hundred matters. Drawn from one
seed, so that every demo firm is the same but for the numbers of its matters."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from privity.demo_days import Days, Facts

T = TypeVar("T")
S = TypeVar("S")

AT_ONCE = 8
LAWYERS = (
    "Ines Aguilar", "Peter Brandt", "Chloe Dumont", "Samuel Eze", "Freya Holm", "Kenji Ito",
    "Marta Kowalska", "Liam Nolan", "Priya Sen", "Omar Said", "Elena Vasquez", "Hugo Zimmer",
)  # fmt: skip
FIRST = ("Ada", "Bela", "Carmen", "Dario", "Edda", "Farid", "Greta", "Hana", "Ivo", "Jonna")
LAST = (
    "Abel", "Bonnet", "Costa", "Dahl", "Engel", "Fontana", "Grimm", "Hartog", "Ilic", "Jansen",
    "Keller", "Lund", "Moreau", "Novak", "Olsen", "Petit", "Quist", "Rossi", "Silva", "Thorn",
)  # fmt: skip
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles", "Europe/London")
AREAS = {
    "litigation": ("Claim for unpaid work", "Broken supply contract", "Damage to the harbour wall"),
    "family": ("Divorce and custody", "Support for two children"),
    "criminal-defence": ("Defence against a charge of fraud", "Driving while suspended"),
    "immigration": ("Work permit", "Citizenship", "Visa of the parents"),
    "real-estate": ("Purchase of a house", "Lease of a shop", "Boundary with the neighbour"),
    "estate-planning": ("Last will", "Trust for the grandchildren"),
}


@dataclass(frozen=True)
class Case:
    """A matter of the demo firm: its client, and the address of who answers them."""

    matter_id: str
    number: str
    client_id: str
    client: str
    lawyer: str
    area: str

    @property
    def path(self) -> str:
        return f"/v1/matters/{self.matter_id}"

    @property
    def by(self) -> dict[str, str]:
        """The session of who answers the client."""
        return {"role": "attorney", "email": self.lawyer}

    @property
    def theirs(self) -> dict[str, str]:
        """The client's own session."""
        return {"role": "client", "client_id": self.client_id}


def address(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@firm.test"


def lawyers(days: Days) -> dict[str, str]:
    """Their ids by name, all under the partner."""
    boss = days.listed("/v1/staff", email="partner@firm.test")[0]["id"]
    made = {}
    for name in LAWYERS:
        entry = {"name": name, "email": address(name), "role": "attorney", "supervisor_id": boss}
        made[name] = str(days.make("/v1/staff", entry)["id"])
    return made


def already_there(days: Days) -> list[Case]:
    """What the firm has before its month begins: its clients are not to wait either."""
    emails = {one["id"]: one["email"] for one in days.listed("/v1/staff")}
    names = {one["id"]: one["email"] for one in days.listed("/v1/clients")}
    return [
        _case(one, names[one["client_id"]], emails[one["point_of_contact_id"]])
        for one in days.listed("/v1/matters")
    ]


def cases(days: Days, ids: dict[str, str], size: int) -> list[Case]:
    """Three matters to every two clients, drawn before anything is made: threads change no draw."""
    names = [f"{first} {last}" for last in LAST for first in FIRST]
    days.draw.shuffle(names)
    people = [
        (name, days.draw.choice(LAWYERS), days.draw.choice(ZONES))
        for name in names[: max(size * 2 // 3, 2)]
    ]
    areas = [days.draw.choice(list(AREAS)) for _ in range(size)]
    titles = [days.draw.choice(AREAS[area]) for area in areas]

    def register(person: tuple[str, str, str]) -> str:
        name, lawyer, zone = person
        entry = {"name": name, "email": mailbox(name), "time_zone": zone}
        made = days.make("/v1/clients", entry | {"point_of_contact_id": ids[lawyer]})
        return str(made["id"])

    clients = each(register, people)

    def open_matter(number: int) -> Case:
        name, lawyer, _ = people[number % len(people)]
        body = {"client_id": clients[number % len(people)], "title": titles[number]}
        body |= {"practice_area": areas[number], "point_of_contact_id": ids[lawyer]}
        made = days.make("/v1/matters", body | {"reason": "Demo: engagement on file."})
        return _case(made, mailbox(name), address(lawyer))

    return each(open_matter, range(size))


def mailbox(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@clients.test"


def with_one_matter(cases: Sequence[Case]) -> list[Case]:
    """Of these clients a mail is of their matter; of others a person has to say which."""
    matters = Counter(one.client_id for one in cases)
    return [one for one in cases if matters[one.client_id] == 1]


def each(do: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """In the order of the items; the first that failed ends it."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(do, items))


def _case(matter: Facts, client: str, lawyer: str) -> Case:
    return Case(
        matter_id=matter["id"],
        number=matter["number"],
        client_id=matter["client_id"],
        client=client,
        lawyer=lawyer,
        area=matter["practice_area"],
    )
