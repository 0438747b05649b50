"""A month of a made-up firm, for `privity up --demo`: twelve lawyers, three hundred matters,
absences, holidays, a handover, and whatever goes wrong in a month; played through the public API
with the clock moved. People work when the office is open; clients write when they like.

Time does not go back: a month that broke off is not taken up again.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from privity import demo_cast, demo_firm
from privity.clients import client, waited
from privity.demo_cast import LAWYERS, Case, address, each, with_one_matter
from privity.demo_days import FIRM_ZONE, Days, Facts, at
from privity.errors import Trouble
from privity.stack import Stack

MATTERS = 300
MONTH = timedelta(days=41, hours=12, minutes=30)
SAID = (
    "Called: nothing new, the court has not answered; they were glad to hear it.",
    "Called: went through the other side's letter; they agree to wait for the report.",
    "Called: explained what comes next and what it will cost.",
    "Called: they asked about the date; told them it is not set yet.",
)
PARTNER = {"role": "partner", "email": "partner@firm.test"}
ROUND = 3


@dataclass(frozen=True)
class Seen:
    """A matter that is worth a look, and why."""

    matter_id: str
    number: str
    why: str


@dataclass(frozen=True)
class Played:
    """What came of the month: `matters` are those that are worth a look."""

    ended_at: str
    invoices: int
    matters: list[Seen]


@dataclass(frozen=True)
class Absence:
    """Addresses of who is away, and of who stands in."""

    away: str
    stand_in: str
    first: date
    last: date


def play(stack: Stack, tell: Callable[[str], None] = print, size: int = MATTERS) -> Played:
    """Once: what was played before is told again. Raises Trouble with what the platform answered,
    and when the month was begun and never ended."""
    with client(stack, "gateway", "partner") as http:
        days = Days(stack, http, tell)
        if known := played(stack):
            return known
        if days.listed("/v1/staff", email=address(LAWYERS[0])):
            raise Trouble(
                "The demo firm's month broke off before its end, and time does not go back.",
                "Begin anew: `privity down --reset`, then `privity up --demo`.",
            )
        came = _month(days, size)
    _notes(stack).write_text(json.dumps(asdict(came)))
    return came


def played(stack: Stack) -> Played | None:
    """What came of a month that was played to its end."""
    notes = _notes(stack)
    if not notes.exists():
        return None
    facts = json.loads(notes.read_text())
    return Played(**facts | {"matters": [Seen(**one) for one in facts["matters"]]})


def _notes(stack: Stack) -> Path:
    return stack.home / "demo-month.json"


def first_day(now: datetime) -> datetime:
    """So that the month begins on a Saturday morning and ends on a Friday at half past ten in the
    evening."""
    end = (now + MONTH).astimezone(FIRM_ZONE).replace(hour=22, minute=30, second=0, microsecond=0)
    end += timedelta(days=(4 - end.weekday()) % 7)
    if end.astimezone(UTC) - MONTH <= now:
        end += timedelta(days=7)
    return end.astimezone(UTC) - MONTH


def _month(days: Days, size: int) -> Played:
    begin = first_day(days.now())
    end, first = begin + MONTH, begin.astimezone(FIRM_ZONE).date()
    days.until(begin)
    _warn_later(days)
    before = demo_cast.already_there(days)
    ids = demo_cast.lawyers(days)
    cases = demo_cast.cases(days, ids, size)
    silent, forgotten, consenting, deciding, walled, _, closing = cases[:7]
    alone = [one for one in with_one_matter(cases) if one not in (silent, deciding)]
    *writing, urgent = alone[-5:]
    living = [one for one in cases if one != silent]
    couple = _couple(days, cases)
    away = _absences(days, ids, first)
    _wall(days, walled, ids)
    consent = _consent(days, consenting)
    days.say(f"{len(LAWYERS)} lawyers, {size} matters and their clients are entered")

    _call_round(days, [*before, *living, couple], away, first + timedelta(days=11))
    days.say("everybody but one was called by who answers them, or who stands in")

    _milestones(days, living, away, first + timedelta(days=17))
    days.say("a third reached a milestone: told in a call, or in a report that a person approved")
    days.make(f"/v1/consents/{consent}/withdraw", **consenting.theirs)
    _hand_over(days, ids, cases)
    days.say("a client withdrew a consent; a lawyer left, all of theirs changed hands")
    cases, living, before = ([_after(one) for one in some] for some in (cases, living, before))
    deciding, urgent, closing = _after(deciding), _after(urgent), _after(closing)
    writing, couple = [_after(one) for one in writing], _after(couple)

    _call_round(days, [*before, *living, couple], away, first + timedelta(days=24))
    days.say("everybody but one was called again")

    (monday,) = days.working_days(first + timedelta(days=30), 1)
    _last_full_week(days, monday, deciding, writing, urgent, end)
    _close(days, closing)
    days.until(at(monday, 12))
    each(lambda case: _all_sent(days, case), (deciding, closing))
    days.say("letters came, all but one were answered; a decision was asked for, a matter closed")

    days.until(end - timedelta(hours=48) + timedelta(minutes=110))
    days.make(f"{forgotten.path}/update-requests", **forgotten.theirs)
    _told_in_mail(days, deciding, "notice")
    days.until(at(end.astimezone(FIRM_ZONE).date(), 15))
    invoices = demo_firm.plant(days.stack)
    days.say(f"three more letters, {invoices} invoices")

    days.until(end - timedelta(minutes=40))
    answer = {"option": "accept", "comment": "We talked it over until now."}
    decided = days.listed(f"{deciding.path}/decisions")[0]
    days.make(f"/v1/decisions/{decided['id']}/answer", answer, **deciding.theirs)
    days.until(end)
    days.write(
        urgent.client, "Emergency", "URGENT: the police are at my door with a warrant. What now?"
    )
    days.say("a decision in the last hour, and somebody who cannot wait for Monday")
    unanswered = [(one, "their letter was never answered") for one in writing[3:]]
    return Played(
        ended_at=end.isoformat(),
        invoices=invoices,
        matters=[
            Seen(one.matter_id, one.number, why)
            for one, why in (
                (silent, f"silent: nobody told the client anything for {MONTH.days} days"),
                (forgotten, "they asked how it stands: by 00:20 they have to hear"),
                (urgent, "Friday night, and urgent"),
                *unanswered,
                (deciding, "decided in the last hour"),
                (consenting, "a consent was withdrawn"),
                (couple, "two clients, each told on their own"),
                (walled, "a lawyer stands behind a wall around it"),
                (closing, "closed, with its file handed over"),
            )
        ],
    )


def _after(case: Case) -> Case:
    """As it is after `_hand_over`."""
    gone, taking = address(LAWYERS[-1]), address(LAWYERS[-2])
    return replace(case, lawyer=taking) if case.lawyer == gone else case


def _warn_later(days: Days) -> None:
    """The firm calls every fortnight or so: it wants to be warned two days before the target."""
    path = "/v1/clock-policies/update"
    rules = ("mode", "target", "limit", "ladder", "urgent")
    policy = {name: value for name, value in days.get(path).items() if name in rules}
    days.put(path, policy | {"warn_at": ["PT48H"]})


def _couple(days: Days, cases: Sequence[Case]) -> Case:
    """The last matter has two clients: who joined it is told on their own."""
    matter, other = cases[-1], cases[-2]
    joined = {"client_id": other.client_id, "reason": "Husband and wife; both signed."}
    days.make(f"{matter.path}/joint-clients", joined)
    return replace(matter, client_id=other.client_id, client=other.client)


def _absences(days: Days, ids: dict[str, str], first: date) -> list[Absence]:
    """Two are away for two weeks, each with somebody who is there."""
    planned = []
    for who, cover, day in ((0, 1, 6), (2, 3, 18)):
        begins, ends = first + timedelta(days=day), first + timedelta(days=day + 13)
        body = {"staff_id": ids[LAWYERS[who]], "stand_in_id": ids[LAWYERS[cover]]}
        body |= {"first_day": begins.isoformat(), "last_day": ends.isoformat()}
        days.make("/v1/absences", body)
        planned.append(Absence(address(LAWYERS[who]), address(LAWYERS[cover]), begins, ends))
    return planned


def _wall(days: Days, case: Case, ids: dict[str, str]) -> None:
    """Shuts out one who has nothing to do with it, and stands in for nobody."""
    out = next(name for name in LAWYERS[4:-2] if address(name) != case.lawyer)
    body = {"client_id": case.client_id, "matter_id": case.matter_id, "kind": "screen"}
    reason = "Acted for the other side in another firm."
    days.make("/v1/walls", body | {"staff_ids": [ids[out]], "reason": reason})


def _consent(days: Days, case: Case) -> str:
    body = {"purpose": "insurance", "recipient": "Harbour Insurance", "scope": "The whole file."}
    return str(days.make(f"/v1/clients/{case.client_id}/consents", body, **case.theirs)["id"])


def _call_round(days: Days, cases: Sequence[Case], away: Sequence[Absence], first: date) -> None:
    """Each client hears by telephone from who answers them that day; the note of it counts. Each
    evening the day's calls are entered."""
    drawn = [(one, days.draw.choice(SAID)) for one in cases]
    working = days.working_days(first, ROUND)
    for number, day in enumerate(working):
        days.until(at(day, 17))
        todays = [(_answering(one, away, day), note) for one, note in drawn[number::ROUND]]
        each(lambda call: _call(days, *call), _spread(todays, day))


def _answering(case: Case, away: Iterable[Absence], day: date) -> Case:
    """As it is on that day: with who stands in for somebody away."""
    for one in away:
        if one.away == case.lawyer and one.first <= day <= one.last:
            return replace(case, lawyer=one.stand_in)
    return case


def _spread(calls: Sequence[tuple[Case, str]], day: date) -> list[tuple[Case, str, datetime]]:
    """Nobody makes two at once: each lawyer's calls are spread over their day."""
    spread = []
    for lawyer in dict.fromkeys(case.lawyer for case, _ in calls):
        theirs = [one for one in calls if one[0].lawyer == lawyer]
        for number, (case, note) in enumerate(theirs):
            held_at = at(day, 9) + timedelta(hours=8) * number / len(theirs)
            spread.append((case, note, held_at))
    return spread


def _call(days: Days, case: Case, note: str, held_at: datetime) -> None:
    body = {"client_id": case.client_id, "matter_id": case.matter_id, "note": note}
    body["held_at"] = held_at.isoformat()
    days.make_once_known("/v1/calls", body, **case.by)


def _milestones(days: Days, cases: Iterable[Case], away: Sequence[Absence], first: date) -> None:
    """A third of the matters reach the first milestone of their plan. When it cannot be taken back
    any more there is a draft of what to tell: of ten one waits, a third go out as reports."""
    (day,) = days.working_days(first, 1)
    days.until(at(day, 10))
    reached = [_answering(one, away, day) for one in cases if days.draw.random() < 0.33]
    slugs = {one: _first_milestone(days, one) for one in {case.area for case in reached}}
    each(
        lambda case: days.make(f"{case.path}/milestones", {"slug": slugs[case.area]}, **case.by),
        reached,
    )
    days.until(at(day, 10, 15))
    drafts = [(case, number, days.draw.choice(SAID)) for number, case in enumerate(reached)]
    each(lambda one: _tell_of_it(days, *one), drafts)
    days.until(at(day, 10, 30))
    each(lambda case: _all_sent(days, case), reached)


def _first_milestone(days: Days, area: str) -> str:
    return str(days.get(f"/v1/milestone-plans/{area}")["milestones"][0]["slug"])


def _tell_of_it(days: Days, case: Case, number: int, note: str) -> None:
    def drafts() -> list[Facts]:
        found = days.listed(f"{case.path}/updates")
        return [one for one in found if one["about"] == "milestone" and one["state"] == "draft"]

    draft = waited(drafts, f"the draft of a milestone of {case.number}", seconds=60)[0]
    if number % 10 == 9:
        return
    if number % 3 == 2:
        return days.approve(draft["id"], **case.by)
    told = {"channel": "phone", "held_at": days.now().isoformat(), "note": note}
    days.make(f"/v1/updates/{draft['id']}/told", told, **case.by)


def _all_sent(days: Days, case: Case) -> None:
    """Whatever was approved has left, before the clock moves on by days."""
    waited(
        lambda: days.listed(f"{case.path}/updates"),
        f"what goes to the client of {case.number}",
        lambda some: not any(one["state"] in ("approved", "released") for one in some),
        seconds=60,
    )


def _hand_over(days: Days, ids: dict[str, str], cases: Iterable[Case]) -> None:
    """The last of them leaves the firm: everything changes hands, their clients are told, and the
    entry ends."""
    leaving, taking = LAWYERS[-1], LAWYERS[-2]
    begun = days.make(f"/v1/staff/{ids[leaving]}/handovers", {"to_staff_id": ids[taking]})
    waited(
        lambda: days.get(f"/v1/handovers/{begun['id']}"),
        "the handover",
        lambda one: one["ended_at"] is not None,
        seconds=60,
    )
    entry = {"name": leaving, "email": address(leaving), "role": "attorney", "active": False}
    days.put(f"/v1/staff/{ids[leaving]}", entry)
    theirs = [one for one in cases if one.lawyer == address(leaving)]
    each(lambda case: _told_in_mail(days, case, "notice"), theirs)


def _told_in_mail(days: Days, case: Case, what: str) -> None:
    """The client has it, before the clock moves on by days."""
    waited(
        lambda: days.get(f"{case.path}/standing")["told"],
        f"a mail to the client of {case.number} ({what})",
        lambda told: any(one["what"] == what for one in told),
        seconds=60,
    )


def _last_full_week(
    days: Days,
    monday: date,
    deciding: Case,
    writing: Sequence[Case],
    urgent: Case,
    end: datetime,
) -> None:
    """Clients write in the morning and are answered before noon, all but the fourth."""
    days.until(at(monday, 10))
    _assess(days, deciding)
    _decide(days, deciding, end)
    hearing = (end.astimezone(FIRM_ZONE) + timedelta(days=17)).strftime("%Y-%m-%dT10:00")
    body = {"title": "Hearing before the court", "due": hearing}
    days.make(f"{urgent.path}/deadlines", body, **urgent.by)
    for one in writing:
        days.write(one.client, "A question", "May I sign what they sent me, or do I wait for you?")
    days.until(at(monday, 11, 30))
    for one in writing[:3]:
        _answer(days, one)
    each(lambda case: _told_in_mail(days, case, "acknowledgment"), writing)


def _answer(days: Days, case: Case) -> None:
    letters = waited(
        lambda: days.listed("/v1/messages", client_id=case.client_id, state="unanswered"),
        f"the letter of {case.client}",
    )
    path = f"/v1/conversations/{letters[-1]['conversation_id']}/messages"
    words = "Please wait: clause 4 binds you for ten years. I call you tomorrow with a better one."
    days.make_once_known(path, {"body": words}, **case.by)


def _assess(days: Days, case: Case) -> None:
    body = {
        "prospects": "Between 40 and 60 in a hundred that the claim succeeds in full.",
        "risks": "If it fails, each side bears its own costs.",
        "limits": "We have not seen the other side's books.",
        "timeline": "Nine to fifteen months to a judgment.",
    }
    days.make(f"{case.path}/assessments", body, **case.by)


def _decide(days: Days, case: Case, end: datetime) -> None:
    """Put to the client; they will answer in the last hour."""
    options = [
        {"key": "accept", "text": "Accept the offer.", "consequences": "The matter ends now."},
        {"key": "refuse", "text": "Refuse it.", "consequences": "It goes on, with its costs."},
    ]
    body = {"kind": "settlement_offer", "question": "They offer 40,000.", "options": options}
    body |= {"recommendation": "Accept.", "reply_by": end.isoformat()}
    days.make(f"{case.path}/decisions", body, **PARTNER)


def _close(days: Days, case: Case) -> None:
    """With the client's file in their hands: a bundle of the record."""
    export = days.make("/v1/record/exports", {"matter_id": case.matter_id}, **case.by)
    waited(
        lambda: days.get(f"/v1/record/exports/{export['id']}"),
        "the client's file",
        lambda one: one["state"] == "ready",
        seconds=60,
    )
    given = {"export_id": export["id"], "channel": "in_person"}
    days.make_once_known(f"{case.path}/file-handovers", given, **case.by)
    letter = (
        "It is over, as you wished. Keep what we gave you for five years; nothing is left to do."
    )
    days.make(f"{case.path}/close", {"reason": "Settled.", "letter": letter}, **case.by)
