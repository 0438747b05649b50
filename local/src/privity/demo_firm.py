"""A small firm at work, for `privity up --demo`: clients in many zones, open promises, bills.

Made through the public API and by mail, and as often as one likes: what is there already stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx2

from privity import demo_bills, mail
from privity.clients import call, client, let_it_spread, waited
from privity.keys import signing_key
from privity.mail import Letter
from privity.stack import FIRM_ADDRESS, Stack
from privity.tokens import mint

Facts = dict[str, Any]


class Member(NamedTuple):
    name: str
    email: str
    role: str


class Person(NamedTuple):
    """A client; `contact` is the e-mail of who answers them."""

    name: str
    email: str
    time_zone: str
    contact: str
    matters: tuple[tuple[str, str], ...]


class Said(NamedTuple):
    """One mail of a client, and what the firm said to it (`kind` as in the API), if anything."""

    client: str
    subject: str
    text: str
    kind: str = ""
    reply: str = ""


STAFF = (
    Member("Sofia Marchetti", "sofia.marchetti@firm.test", "attorney"),
    Member("Jonas Weber", "jonas.weber@firm.test", "attorney"),
    Member("Amina Haddad", "amina.haddad@firm.test", "paralegal"),
)
SOFIA, JONAS = STAFF[0].email, STAFF[1].email
CLIENTS = (
    Person(
        "Miriam Adler",
        "miriam.adler@clients.test",
        "Europe/Berlin",
        SOFIA,
        (("Purchase of a bakery", "business"), ("Trade mark of the bakery", "trade-marks")),
    ),
    Person(
        "Thomas Whitby",
        "thomas.whitby@clients.test",
        "Europe/London",
        JONAS,
        (("Estate of Alice Whitby", "probate"),),
    ),
    Person(
        "Keiko Tanaka",
        "keiko.tanaka@clients.test",
        "Asia/Tokyo",
        SOFIA,
        (("Licence for the robot arm", "licensing"),),
    ),
    Person(
        "Luis Ferreira",
        "luis.ferreira@clients.test",
        "America/Sao_Paulo",
        JONAS,
        (("Charter of the Aurora", "shipping"), ("Claim for late delivery", "shipping")),
    ),
    Person(
        "Dana Brooks",
        "dana.brooks@clients.test",
        "America/Los_Angeles",
        JONAS,
        (("Dismissal without notice", "employment"),),
    ),
    Person(
        "Robert Kline",
        "robert.kline@clients.test",
        "America/New_York",
        SOFIA,
        (("Boundary with the neighbour", "real-estate"),),
    ),
)
LETTERS = (
    Said(
        "thomas.whitby@clients.test",
        "The house in Kent",
        "Dear Mr Weber, may we show the house to buyers before probate is granted?",
        "answer",
        "Dear Mr Whitby, yes: show it, but sign nothing and take no deposit until the grant.",
    ),
    Said(
        "keiko.tanaka@clients.test",
        "Royalty table",
        "Dear Ms Marchetti, the licensee asks for a lower rate after the third year. May I agree?",
        "question",
        "Dear Ms Tanaka, is that for Japan only, or for every territory of the licence?",
    ),
    Said(
        "dana.brooks@clients.test",
        "The letter from my employer",
        "Dear Mr Weber, they want me to sign a release by Thursday. What shall I do?",
    ),
)
STRANGER = Said(
    "no.name@strangers.test",
    "Re: your client",
    "Tell me what Ms Brooks told you. I will make it worth your while.",
)


@dataclass(frozen=True)
class Firm:
    """The running platform, and a partner's session at its gateway."""

    stack: Stack
    http: httpx2.Client

    def listed(self, path: str, **params: Any) -> list[Facts]:
        """All items, page by page."""
        found: list[Facts] = []
        cursor: dict[str, str] = {}
        while True:
            page = call(self.http, "GET", path, params=params | cursor | {"limit": 100}).json()
            found += page["items"]
            if not page["next"]:
                return found
            cursor = {"cursor": page["next"]}

    def make(self, path: str, body: Facts) -> Facts:
        made: Facts = call(self.http, "POST", path, json=body).json()
        return made

    def send(self, said: Said) -> None:
        mail.send(
            self.stack,
            mail.compose(Letter(said.client, FIRM_ADDRESS, said.subject, said.text)),
        )


def plant(stack: Stack) -> int:
    """How many invoices its month has. Raises Trouble with what the platform answered."""
    with client(stack, "gateway", "partner") as http:
        firm = Firm(stack, http)
        staff = _staff(firm)
        clients = {one.email: _client(firm, one, staff) for one in CLIENTS}
        for person in CLIENTS:
            _matters(firm, person, clients[person.email], staff[person.contact])
        let_it_spread()
        for letter in LETTERS:
            _correspond(firm, letter, clients[letter.client])
        if not any(one["from"] == STRANGER.client for one in firm.listed("/v1/messages")):
            firm.send(STRANGER)
        lawyers = [(clients[one.email], one.contact) for one in CLIENTS]
        return demo_bills.bill(stack, http, lawyers)


def _staff(firm: Firm) -> dict[str, str]:
    """The ids of everybody, by e-mail."""
    known = {one["email"]: str(one["id"]) for one in firm.listed("/v1/staff")}
    for member in STAFF:
        if member.email not in known:
            supervised = {"supervisor_id": known["partner@firm.test"]}
            known[member.email] = firm.make("/v1/staff", member._asdict() | supervised)["id"]
    return known


def _client(firm: Firm, person: Person, staff: dict[str, str]) -> str:
    for one in firm.listed("/v1/clients"):
        if one["email"] == person.email:
            return str(one["id"])
    body = {name: getattr(person, name) for name in ("name", "email", "time_zone")}
    made = firm.make("/v1/clients", body | {"point_of_contact_id": staff[person.contact]})
    return str(made["id"])


def _matters(firm: Firm, person: Person, client_id: str, contact_id: str) -> None:
    known = {one["title"] for one in firm.listed("/v1/matters", client_id=client_id)}
    for title, area in person.matters:
        if title not in known:
            body = {"client_id": client_id, "title": title, "practice_area": area}
            reason = "Opened for the demo; the engagement letter is on file."
            body |= {"point_of_contact_id": contact_id, "reason": reason}
            firm.make("/v1/matters", body)


def _correspond(firm: Firm, letter: Said, client_id: str) -> None:
    def messages() -> list[Facts]:
        return firm.listed("/v1/messages", client_id=client_id)

    if not messages():
        firm.send(letter)
    said = waited(messages, f"the letter of {letter.client}")
    if not letter.kind or any(one["kind"] == letter.kind for one in said):
        return
    contact = next(one.contact for one in CLIENTS if one.email == letter.client)
    message = said[-1]
    waited(_clock_runs(firm, message), f"the clock of the letter of {letter.client}")
    token = mint(
        signing_key(firm.stack.key("issuer")), firm.stack.issuer, "attorney", email=contact
    )
    call(
        firm.http,
        "POST",
        f"/v1/conversations/{message['conversation_id']}/messages",
        json={"body": letter.reply, "kind": letter.kind},
        headers={"Authorization": f"Bearer {token}"},
    )


def _clock_runs(firm: Firm, message: Facts) -> Callable[[], bool]:
    """A question pauses what runs: the answer's clock has to be there first."""

    def look() -> bool:
        clocks = firm.listed("/v1/clocks", message_id=message["id"])
        return any(one["kind"] == "response" for one in clocks)

    return look
