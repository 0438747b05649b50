"""A month of a made-up firm, for `privity up --demo`: twelve lawyers, three hundred matters,
absences, a handover, and whatever goes wrong in a month; played through the public API with the
clock moved.

Everything is drawn from one seed, so that every demo firm is the same firm.
"""

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx2

from privity import mail, platform_clock
from privity.clients import call, client, let_it_spread, waited
from privity.keys import signing_key
from privity.mail import Letter
from privity.stack import FIRM_ADDRESS, Stack
from privity.tokens import mint

T = TypeVar("T")
Facts = dict[str, Any]

SEED = 2026
MATTERS = 300
AT_ONCE = 8
FIRM_ZONE = ZoneInfo("America/New_York")
MONTH = timedelta(days=41)
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
SAID = (
    "Called: nothing new, the court has not answered; they were glad to hear it.",
    "Called: went through the other side's letter; they agree to wait for the report.",
    "Called: explained what comes next and what it will cost.",
    "Called: they asked about the date; told them it is not set yet.",
)
PARTNER = {"role": "partner", "email": "partner@firm.test"}


@dataclass
class Month:
    """The running platform, a partner's session at its gateway, and one seed for everything."""

    stack: Stack
    http: httpx2.Client
    size: int = MATTERS
    draw: random.Random = field(default_factory=lambda: random.Random(SEED))
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict)

    def now(self) -> datetime:
        return datetime.now(UTC) + platform_clock.offset(self.stack.clock_offset)

    def until(self, instant: datetime) -> None:
        """Move the platform's clock there. What is on its way arrives first: a mail that waits for
        days is given up."""
        let_it_spread()
        seconds = max((instant - self.now()).total_seconds(), 0.0)
        platform_clock.advance(self.stack.clock_offset, f"PT{seconds:.0f}S")
        let_it_spread()

    def make(self, path: str, body: Facts | None = None, **by: str) -> Facts:
        made: Facts = call(
            self.http, "POST", path, json=body or {}, headers=self._session(**by)
        ).json()
        return made

    def make_once_known(self, path: str, body: Facts, **by: str) -> None:
        """By a service that hears of the client and the lawyer in its own time."""
        waited(
            lambda: self.http.post(path, json=body, headers=self._session(**by)),
            f"an answer to {path} of {body}",
            lambda answer: answer.is_success,
            seconds=60,
        )

    def put(self, path: str, body: Facts) -> None:
        call(self.http, "PUT", path, json=body)

    def known(self) -> bool:
        """Whether the month was played before."""
        listed = call(self.http, "GET", "/v1/staff", params={"email": address(LAWYERS[0])})
        return bool(listed.json()["items"])

    def _session(self, role: str = "", **claims: str) -> dict[str, str]:
        """Somebody else's; without a role the partner's own. One each, they last for the month."""
        if not role:
            return {}
        who = (role, *claims.values())
        if who not in self.tokens:
            key = signing_key(self.stack.key("issuer"))
            self.tokens[who] = mint(key, self.stack.issuer, role, **claims)
        return {"Authorization": f"Bearer {self.tokens[who]}"}


@dataclass(frozen=True)
class Case:
    """A matter of the demo firm: its client and who answers them."""

    matter_id: str
    client_id: str
    client: str
    lawyer: str
    area: str

    def with_who_took_over(self) -> "Case":
        """As it is after `_hand_over`."""
        return replace(self, lawyer=LAWYERS[-2]) if self.lawyer == LAWYERS[-1] else self


def play(stack: Stack, size: int = MATTERS) -> bool:
    """False when it was played before. Raises Trouble with what the platform answered."""
    with client(stack, "gateway", "partner") as http:
        month = Month(stack, http, size)
        if month.known():
            return False
        begin = _first_day(month.now())
        end = begin + MONTH
        month.until(begin)
        lawyers = _lawyers(month)
        cases = _cases(month, lawyers)
        _weeks(month, lawyers, cases, begin, end)
        _last_night(month, cases, end)
    return True


def _first_day(now: datetime) -> datetime:
    """So that the month ends on a Friday at half past ten in the evening."""
    end = (now + MONTH).astimezone(FIRM_ZONE).replace(hour=22, minute=30, second=0, microsecond=0)
    end += timedelta(days=(4 - end.weekday()) % 7)
    if end.astimezone(UTC) - MONTH <= now:
        end += timedelta(days=7)
    return end.astimezone(UTC) - MONTH


def address(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@firm.test"


def _lawyers(month: Month) -> dict[str, str]:
    """Their ids by name, all under the partner."""
    listed = call(month.http, "GET", "/v1/staff", params={"email": "partner@firm.test"}).json()
    boss = listed["items"][0]["id"]
    made = {}
    for name in LAWYERS:
        entry = {"name": name, "email": address(name), "role": "attorney", "supervisor_id": boss}
        made[name] = str(month.make("/v1/staff", entry)["id"])
    return made


def _cases(month: Month, lawyers: dict[str, str]) -> list[Case]:
    """Three matters to every two clients, drawn before anything is made: threads change no draw."""
    names = [f"{first} {last}" for last in LAST for first in FIRST]
    month.draw.shuffle(names)
    people = [
        (name, month.draw.choice(LAWYERS), month.draw.choice(ZONES))
        for name in names[: max(month.size * 2 // 3, 2)]
    ]
    drawn = [month.draw.choice(list(AREAS)) for _ in range(month.size)]
    titles = [month.draw.choice(AREAS[area]) for area in drawn]

    def register(person: tuple[str, str, str]) -> str:
        name, lawyer, zone = person
        entry = {"name": name, "email": f"{name.lower().replace(' ', '.')}@clients.test"}
        entry |= {"time_zone": zone, "point_of_contact_id": lawyers[lawyer]}
        return str(month.make("/v1/clients", entry)["id"])

    ids = _all(register, people)

    def open_matter(number: int) -> Case:
        name, lawyer, _ = people[number % len(people)]
        client_id = ids[number % len(people)]
        body = {"client_id": client_id, "title": titles[number], "practice_area": drawn[number]}
        body |= {"point_of_contact_id": lawyers[lawyer], "reason": "Demo: engagement on file."}
        made = month.make("/v1/matters", body)
        return Case(str(made["id"]), client_id, name, lawyer, drawn[number])

    return _all(open_matter, range(month.size))


def _weeks(
    month: Month,
    lawyers: dict[str, str],
    cases: list[Case],
    begin: datetime,
    end: datetime,
) -> None:
    """The first matter is the silent one, the second is told once and then forgotten, the third
    has a consent that is withdrawn, the fourth is asked to decide. All others hear at least every
    fortnight: nobody has to be warned of them."""
    silent, forgotten, consenting, deciding = cases[:4]
    living = [one for one in cases if one not in (silent, forgotten)]
    told = [*living, _couple(month, cases)]
    _absences(month, lawyers, begin)
    consent = _consent(month, consenting)
    month.until(end - timedelta(days=28) + timedelta(minutes=110))
    _tell(month, forgotten, SAID[0])
    _call_all(month, told)
    month.until(begin + timedelta(days=20))
    _milestones(month, living)
    month.make(f"/v1/consents/{consent}/withdraw", role="client", client_id=consenting.client_id)
    _hand_over(month, lawyers)
    month.until(begin + timedelta(days=27, hours=1))
    _call_all(month, [one.with_who_took_over() for one in told])
    decision = _decide(month, deciding, end)
    month.until(end - timedelta(minutes=40))
    answer = {"option": "accept", "comment": "We talked it over until now."}
    by = {"role": "client", "client_id": deciding.client_id}
    month.make(f"/v1/decisions/{decision}/answer", answer, **by)


def _couple(month: Month, cases: list[Case]) -> Case:
    """The last matter has two clients: who joined it is told on their own."""
    matter, other = cases[-1], cases[-2]
    joined = {"client_id": other.client_id, "reason": "Husband and wife; both signed."}
    month.make(f"/v1/matters/{matter.matter_id}/joint-clients", joined)
    return replace(matter, client_id=other.client_id, client=other.client)


def _last_night(month: Month, cases: list[Case], end: datetime) -> None:
    """Friday, half past ten: somebody writes who cannot wait for Monday."""
    month.until(end)
    who = cases[4 % len(cases)].client
    sender = f"{who.lower().replace(' ', '.')}@clients.test"
    words = "URGENT: the police are at my door with a warrant. What shall I say?"
    mail.send(month.stack, mail.compose(Letter(sender, FIRM_ADDRESS, "Emergency", words)))


def _call_all(month: Month, cases: Iterable[Case]) -> None:
    """Each client hears by telephone from who answers them; the note of it counts."""
    drawn = [(one, month.draw.choice(SAID)) for one in cases]
    _all(lambda one: _call(month, *one), drawn)


def _call(month: Month, case: Case, note: str) -> None:
    held = {"held_at": month.now().isoformat(), "note": note}
    body = {"client_id": case.client_id, "matter_id": case.matter_id} | held
    month.make_once_known("/v1/calls", body, role="attorney", email=address(case.lawyer))


def _tell(month: Month, case: Case, note: str) -> None:
    """An update is drafted; a partner reads it, calls, and notes what was said."""
    draft = month.make(f"/v1/matters/{case.matter_id}/updates", {"about": "no_news"}, **PARTNER)
    told = {"channel": "phone", "held_at": month.now().isoformat(), "note": note}
    month.make(f"/v1/updates/{draft['id']}/told", told, **PARTNER)


def _milestones(month: Month, cases: Iterable[Case]) -> None:
    """A third of the matters reach the first milestone of their plan: its update waits for a
    person, and the client is told by telephone too."""
    plans = {area: _first_milestone(month, area) for area in AREAS}
    reached = [(one, month.draw.choice(SAID)) for one in cases if month.draw.random() < 0.33]

    def reach(one: tuple[Case, str]) -> None:
        case, note = one
        path = f"/v1/matters/{case.matter_id}/milestones"
        month.make(path, {"slug": plans[case.area]}, **PARTNER)
        _tell(month, case, note)

    _all(reach, reached)


def _first_milestone(month: Month, area: str) -> str:
    plan = call(month.http, "GET", f"/v1/milestone-plans/{area}").json()
    return str(plan["milestones"][0]["slug"])


def _absences(month: Month, lawyers: dict[str, str], begin: datetime) -> None:
    """Two are away for two weeks, each with somebody who is there."""
    first = begin.astimezone(FIRM_ZONE).date()
    for who, cover, day in ((0, 1, 6), (2, 3, 18)):
        body = {"staff_id": lawyers[LAWYERS[who]], "stand_in_id": lawyers[LAWYERS[cover]]}
        body["first_day"] = (first + timedelta(days=day)).isoformat()
        body["last_day"] = (first + timedelta(days=day + 13)).isoformat()
        month.make("/v1/absences", body)


def _consent(month: Month, case: Case) -> str:
    body = {"purpose": "insurance", "recipient": "Harbour Insurance", "scope": "The whole file."}
    by = {"role": "client", "client_id": case.client_id}
    return str(month.make(f"/v1/clients/{case.client_id}/consents", body, **by)["id"])


def _hand_over(month: Month, lawyers: dict[str, str]) -> None:
    """The last of them leaves the firm: everything changes hands, then the entry ends."""
    leaving, taking = LAWYERS[-1], LAWYERS[-2]
    body = {"to_staff_id": lawyers[taking]}
    begun = month.make(f"/v1/staff/{lawyers[leaving]}/handovers", body)

    def ended() -> bool:
        path = f"/v1/handovers/{begun['id']}"
        return call(month.http, "GET", path).json()["ended_at"] is not None

    waited(ended, "the handover", seconds=60)
    entry = {"name": leaving, "email": address(leaving), "role": "attorney", "active": False}
    month.put(f"/v1/staff/{lawyers[leaving]}", entry)


def _decide(month: Month, case: Case, end: datetime) -> str:
    """Put to the client; they will answer in the last hour."""
    options = [
        {"key": "accept", "text": "Accept the offer.", "consequences": "The matter ends now."},
        {"key": "refuse", "text": "Refuse it.", "consequences": "It goes on, with its costs."},
    ]
    body = {"kind": "settlement_offer", "question": "They offer 40,000.", "options": options}
    body |= {"recommendation": "Accept.", "reply_by": end.isoformat()}
    return str(month.make(f"/v1/matters/{case.matter_id}/decisions", body, **PARTNER)["id"])


def _all(do: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
    """In the order of the items; the first that failed ends it."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(do, items))
