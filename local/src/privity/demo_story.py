"""The main job, done once with a new client: a letter comes, is acknowledged, answered and proved.

Everything goes through the doors that anybody has: the HTTP API, mail, and the public log.
"""

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from uuid import uuid4

import httpx2

from privity import mail, status, tracing
from privity.clients import call, client, let_it_spread, waited
from privity.demo_told import Teller, spoken
from privity.errors import Trouble
from privity.mail import Letter, Mail
from privity.stack import FIRM_ADDRESS, Stack
from privity.terminal import COMMAND
from privity.verify import Report, verify

Facts = dict[str, Any]

CONTACT = status.ATTORNEY
LETTER = """\
Dear Mr Okafor,

the landlord wants the lease back, signed, by Friday. Clause 7 lets him keep the deposit \
if I paint a wall. May I sign it as it stands?

Kind regards
Ann Example
"""
ANSWER = """\
Dear Ms Example,

please do not sign it yet. Strike the second sentence of clause 7; the rest of the lease \
is sound. I am writing to the landlord today.

Daniel Okafor
"""
FORGERY = "Please pay the deposit to this account instead: DE00 0000 0000 0000 0000 00"


PROMISES = {"acknowledgment": "Acknowledgment", "response": "Answer"}


@dataclass(frozen=True)
class Story:
    """What happened, as the platform told it; times are RFC 3339 in UTC."""

    told_at: str
    firm: Facts
    client: Facts
    matter: Facts
    contact: Facts
    letter: Facts
    acknowledgment: Mail
    notice: Mail
    clocks: dict[str, Facts]
    explanation: list[Facts]
    forgery: Facts
    answer: Mail
    timeline: list[Facts]
    proof: Report
    trace: str | None
    services_of_the_trace: list[str]

    def as_json(self) -> Facts:
        return asdict(self) | {"proof": self.proof.as_json()}


@dataclass(frozen=True)
class Scene:
    """Where the story plays: the platform, a partner's session, and who hears it."""

    stack: Stack
    http: httpx2.Client
    tell: Teller

    def get(self, path: str, **params: Any) -> Any:
        return call(self.http, "GET", path, params=params).json()

    def post(self, path: str, body: Facts) -> Any:
        return call(self.http, "POST", path, json=body).json()


def play(stack: Stack, tell: Teller) -> Story:
    """Raises Trouble when something that must happen does not happen in time."""
    with client(stack, "gateway", "partner") as http:
        scene = Scene(stack, http, tell)
        firm, people, matter = _open_the_matter(scene)
        letter = _ann_writes(scene, people["client"])
        acknowledgment = _ann_is_answered(scene, people["client"], letter)
        notice = _the_lawyer_is_told(scene, people["client"])
        clocks, explanation = _the_clocks_run(scene, letter, people["client"], firm)
        forgery = _a_forgery_changes_nothing(scene, notice, people["client"], clocks)
        answer = _the_lawyer_answers(scene, notice, people["client"])
        clocks = _the_clock_is_met(scene, letter, people["client"])
        timeline = _the_timeline(scene, matter, firm)
        proof = _the_record_is_proved(scene, timeline)
        trace, services = _the_trace(scene, letter)
        return Story(
            told_at=_now(),
            firm=firm,
            matter=matter,
            **people,
            letter=scene.get(f"/v1/messages/{letter['id']}") | letter,
            acknowledgment=acknowledgment,
            notice=notice,
            clocks=clocks,
            explanation=explanation,
            forgery=forgery,
            answer=answer,
            timeline=timeline,
            proof=proof,
            trace=trace,
            services_of_the_trace=services,
        )


def _open_the_matter(scene: Scene) -> tuple[Facts, dict[str, Facts], Facts]:
    before = _verified(scene)
    firm = scene.get("/v1/firm")
    contact = scene.get("/v1/staff", email=CONTACT)["items"][0]
    named = {"point_of_contact_id": contact["id"]}
    person = scene.post(
        "/v1/clients",
        named
        | {
            "name": "Ann Example",
            "email": f"ann.{uuid4().hex[-6:]}@clients.test",
            "time_zone": "Europe/Berlin",
        },
    )
    matter = scene.post(
        "/v1/matters",
        named
        | {
            "client_id": person["id"],
            "title": "Lease of the harbour studio",
            "practice_area": "real-estate",
            "reason": "Opened for the demo; the engagement letter is on file.",
        },
    )
    scene.tell.chapter("The firm has a new client")
    scene.tell.say(f"{firm['name']} registers {person['name']}, of Berlin, and opens a matter.")
    scene.tell.rows(
        ("Client", f"{person['name']} <{person['email']}>"),
        ("Matter", f"{matter['number']} {matter['title']}"),
        ("Point of contact", f"{contact['name']} <{contact['email']}>"),
        ("The record so far", f"{before.size} entries, checked and remembered from outside"),
    )
    let_it_spread()
    return firm, {"client": person, "contact": contact}, matter


def _ann_writes(scene: Scene, person: Facts) -> Facts:
    scene.tell.chapter("Ann writes one email to the firm")
    sender = f"{person['name']} <{person['email']}>"
    message = mail.compose(Letter(sender, FIRM_ADDRESS, "My lease", LETTER.strip()))
    began = time.monotonic()
    said = mail.send(scene.stack, message)
    took = time.monotonic() - began
    scene.tell.quote(LETTER, subject="My lease")
    scene.tell.say(
        f"The firm's mail server says after {took:.1f} s, when it is stored for good:", said
    )
    return {
        "id": _id_in(said),
        "to": FIRM_ADDRESS,
        "said": said,
        "text": LETTER.strip(),
        "mail_id": str(message["Message-ID"]),
    }


def _ann_is_answered(scene: Scene, person: Facts, letter: Facts) -> Mail:
    found = waited(lambda: mail.inbox(scene.stack, person["email"]), "an acknowledgment")[0]
    scene.tell.chapter("At once she knows who answers, and by when")
    shown = waited(
        lambda: scene.get(f"/v1/messages/{letter['id']}"),
        "the acknowledgment's receipt",
        lambda one: one["acknowledged_at"],
    )
    seconds = seconds_between(shown["received_at"], shown["acknowledged_at"])
    scene.tell.say(f"In Ann's mailbox, {seconds:.1f} s after her letter had arrived:")
    scene.tell.quote(found.text, subject=found.subject)
    return found


def _the_lawyer_is_told(scene: Scene, person: Facts) -> Mail:
    def notices() -> list[Mail]:
        newest = mail.inbox(scene.stack, CONTACT)
        return [one for one in newest if person["email"] in one.text]

    notice = waited(notices, "a notice to the lawyer")[0]
    scene.tell.chapter("Her lawyer is told in the same moment")
    scene.tell.say(f"In the mailbox of {notice.to}:")
    scene.tell.quote(notice.text, subject=notice.subject)
    return notice


def _the_clocks_run(
    scene: Scene, letter: Facts, person: Facts, firm: Facts
) -> tuple[dict[str, Facts], list[Facts]]:
    clocks = _clocks(scene, letter, lambda found: found["acknowledgment"]["state"] == "met")
    explained = scene.get(f"/v1/clocks/{clocks['response']['id']}/explanation")
    scene.tell.chapter("Two promises, two clocks")
    response, acknowledgment = clocks["response"], clocks["acknowledgment"]
    zone = person["time_zone"]
    scene.tell.rows(
        ("Acknowledgment", f"met; it had until {spoken(acknowledgment['limit_at'], zone)}"),
        ("Answer", f"running; aimed at {spoken(response['target_at'], zone)}"),
        ("", f"at the latest {spoken(response['limit_at'], zone)}"),
    )
    scene.tell.say("The acknowledgment was no answer: that clock runs on. How it was counted:")
    for span in explained["explanation"]:
        why = "counted" if span["counted"] else f"not counted: {reason(span)}"
        scene.tell.rows((f"from {spoken(span['from'], firm['time_zone'])}", why), width=33)
    return clocks, explained["explanation"]


def _a_forgery_changes_nothing(
    scene: Scene, notice: Mail, person: Facts, clocks: dict[str, Facts]
) -> Facts:
    scene.tell.chapter("Somebody forges the lawyer's reply")
    forged = mail.compose(Letter(CONTACT, _reply_address(notice), "Re: My lease", FORGERY))
    message = _id_in(mail.send(scene.stack, forged))
    shown = waited(
        lambda: scene.get(f"/v1/messages/{message}"),
        "the forged reply in triage",
        lambda one: one["state"] == "quarantined",
    )
    now = scene.get("/v1/clocks", message_id=clocks["response"]["message_ids"][0])["items"]
    state = next(one["state"] for one in now if one["kind"] == "response")
    letters = len(mail.inbox(scene.stack, person["email"]))
    scene.tell.say(
        "It has the lawyer's name and the right reply address, but nobody signed in to send it."
    )
    scene.tell.rows(
        ("The forged mail", f"{shown['state']} ({shown['quarantine_reason']}); a person looks"),
        ("The answer's clock", f"still {state}"),
        ("Ann's mailbox", f"still {letters} mail: nothing of it reached her"),
    )
    return {
        "id": message,
        "from": CONTACT,
        "text": FORGERY,
        "state": shown["state"],
        "reason": shown["quarantine_reason"],
        "clock": state,
        "letters_in_the_clients_mailbox": letters,
    }


def _the_lawyer_answers(scene: Scene, notice: Mail, person: Facts) -> Mail:
    scene.tell.chapter("The lawyer answers from his mail program")
    credentials = status.submission(scene.stack)
    message = EmailMessage()
    message["From"], message["To"] = notice.to, _reply_address(notice)
    message["Subject"] = f"Re: {notice.subject}"
    message["Date"], message["Message-ID"] = format_datetime(datetime.now(UTC)), make_msgid()
    message["In-Reply-To"] = message["References"] = notice.message_id
    message.set_content(ANSWER)
    said = mail.send(scene.stack, message, (credentials["user"], credentials["password"]))
    letters = waited(
        lambda: mail.inbox(scene.stack, person["email"]),
        "the answer",
        lambda found: len(found) > 1,
    )
    scene.tell.say("He signed in, so it counts:", said, "In Ann's mailbox:")
    scene.tell.quote(letters[0].text, subject=letters[0].subject)
    return letters[0]


def _the_clock_is_met(scene: Scene, letter: Facts, person: Facts) -> dict[str, Facts]:
    clocks = _clocks(scene, letter, lambda found: found["response"]["state"] == "met")
    zone = person["time_zone"]
    scene.tell.chapter("The promise is kept")
    for kind, clock in sorted(clocks.items()):
        scene.tell.rows(
            (PROMISES[kind], f"kept {spoken(clock['met_at'], zone)}"),
            ("", f"due  {spoken(clock['limit_at'], zone)}"),
        )
    return clocks


def _the_timeline(scene: Scene, matter: Facts, firm: Facts) -> list[Facts]:
    def items() -> list[Facts]:
        listed: list[Facts] = scene.get(f"/v1/matters/{matter['id']}/timeline", limit=100)["items"]
        return listed

    def is_whole(found: list[Facts]) -> bool:
        told = {one["summary"] for one in found if one["kind"] == "ClockMet"}
        return {"Acknowledgment given in time", "Answer given in time"} <= told

    found = waited(items, "the matter's timeline", is_whole)
    scene.tell.chapter("All of it stands in the matter's timeline")
    for one in found:
        when = spoken(one["time"], firm["time_zone"], seconds=True)
        scene.tell.rows((when, entry(one)), width=20)
    return found


def _the_record_is_proved(scene: Scene, timeline: list[Facts]) -> Report:
    record = status.addresses(scene.stack)["record"]
    last = max(one["index"] for one in timeline)
    proof = waited(lambda: _verified(scene), "a checkpoint", lambda one: one.size > last)
    if not proof.ok:
        raise Trouble("The record did not prove itself.", " ".join(proof.doubts))
    scene.tell.chapter("And the record proves itself to anybody")
    scene.tell.command(f"{COMMAND} verify {record['url']}")
    scene.tell.proofs(proof.proved)
    scene.tell.rows(("Root", proof.root or ""), ("Its key", record["key"]), width=8)
    return proof


def _the_trace(scene: Scene, letter: Facts) -> tuple[str | None, list[str]]:
    if scene.stack.tracing is None:
        return None, []

    def services(spans: list[tracing.Span]) -> set[str]:
        return {str(span.get("localEndpoint", {}).get("serviceName")) for span in spans}

    def spans() -> list[tracing.Span]:
        try:
            return tracing.find(scene.stack, letter["id"])
        except Trouble:  # the spans of the last second are still on their way
            return []

    found = waited(
        spans, "the trace", lambda some: services(some) >= {"messaging", "sla-monitor", "audit"}
    )
    page = tracing.page(scene.stack, found)
    scene.tell.chapter("Her letter's way through the services")
    scene.tell.say(f"{len(found)} steps in {', '.join(sorted(services(found)))}:", page)
    return page, sorted(services(found))


def entry(item: Facts) -> str:
    """A line of the timeline: mail says which way it went."""
    if item["direction"] is None:
        return str(item["summary"])
    way = "from the client" if item["direction"] == "inbound" else "to the client"
    return f"{item['channel'].capitalize()} {way}: {item['summary'].rstrip(',')}"


def reason(span: Facts) -> str:
    """Why a span was not counted, for people."""
    said = span["name"] or span["reason"]
    return f"{said}, {datetime.fromisoformat(span['day']):%a %d %b}" if span["day"] else str(said)


def seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _clocks(
    scene: Scene, letter: Facts, is_so: Callable[[dict[str, Facts]], bool]
) -> dict[str, Facts]:
    def found() -> dict[str, Facts]:
        items = scene.get("/v1/clocks", message_id=letter["id"])["items"]
        return {one["kind"]: one for one in items}

    return waited(found, "both clocks", lambda some: len(some) == 2 and is_so(some))


def _verified(scene: Scene) -> Report:
    record = status.addresses(scene.stack)["record"]
    return verify(record["url"], key=record["key"], state=scene.stack.home / "verified")


def _reply_address(notice: Mail) -> str:
    """Where an answer goes: the address of the notice's own Reply-To."""
    found = re.search(r"[\w.+-]+@[\w.-]+", notice.reply_to or "")
    if found is None:
        raise Trouble("The notice names no reply address.", "See `privity logs messaging`.")
    return found[0]


def _id_in(said: str) -> str:
    found = re.search(r"[0-9a-f-]{36}", said)
    if found is None:
        raise Trouble(f"The mail server named no message: {said}", "See `privity logs messaging`.")
    return found[0]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
