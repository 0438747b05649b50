"""The demo firm's days: the platform spoken to through its public API, a clock that moves, and
which days are working days by the firm's own calendar."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from privity import mail, platform_clock
from privity.clients import call, let_it_spread, waited
from privity.keys import signing_key
from privity.mail import Letter
from privity.stack import FIRM_ADDRESS, Stack
from privity.tokens import mint

Facts = dict[str, Any]

SEED = 2026
FIRM_ZONE = ZoneInfo("America/New_York")


@dataclass
class Days:
    """The running platform, a partner's session at its gateway, and one seed for everything."""

    stack: Stack
    http: httpx2.Client
    tell: Callable[[str], None] = print
    draw: random.Random = field(default_factory=lambda: random.Random(SEED))
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict)
    holidays: set[date] = field(default_factory=set)

    def now(self) -> datetime:
        return datetime.now(UTC) + platform_clock.offset(self.stack.clock_offset)

    def until(self, instant: datetime) -> None:
        """Move the platform's clock there. What is on its way arrives first: a mail that waits for
        days is given up."""
        let_it_spread()
        seconds = max((instant - self.now()).total_seconds(), 0.0)
        platform_clock.advance(self.stack.clock_offset, f"PT{seconds:f}S")

    def say(self, what: str) -> None:
        self.tell(f"{self.now().astimezone(FIRM_ZONE):%a %d %b %H:%M}  {what}")

    def working_days(self, first: date, count: int) -> list[date]:
        """The next so many from there on, by the firm's calendar."""
        days = (first + timedelta(days=after) for after in range(60))
        working = (day for day in days if day.weekday() < 5 and day not in self._holidays())
        return [next(working) for _ in range(count)]

    def _holidays(self) -> set[date]:
        if not self.holidays:
            wanted = self.get("/v1/firm")["calendar_id"]
            calendar = next(one for one in self.listed("/v1/calendars") if one["id"] == wanted)
            self.holidays = {date.fromisoformat(one["date"]) for one in calendar["holidays"]}
        return self.holidays

    def get(self, path: str, **params: Any) -> Facts:
        found: Facts = call(self.http, "GET", path, params=params).json()
        return found

    def listed(self, path: str, **params: Any) -> list[Facts]:
        found: list[Facts] = self.get(path, limit=100, **params)["items"]
        return found

    def make(self, path: str, body: Facts | None = None, /, **by: str) -> Facts:
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

    def approve(self, update_id: str, **by: str) -> None:
        """The very words that were read."""
        path, headers = f"/v1/updates/{update_id}", self._session(**by)
        read = call(self.http, "GET", path, headers=headers)
        headers = headers | {"If-Match": read.headers["ETag"]}
        call(self.http, "POST", f"{path}/approve", headers=headers)

    def put(self, path: str, body: Facts) -> None:
        call(self.http, "PUT", path, json=body)

    def write(self, client: str, subject: str, text: str) -> None:
        """A client's mail to the firm."""
        letter = Letter(client, FIRM_ADDRESS, subject, text)
        mail.send(self.stack, mail.compose(letter))

    def _session(self, role: str = "", **claims: str) -> dict[str, str]:
        """Somebody else's; without a role the partner's own. One each, they last for the month."""
        if not role:
            return {}
        who = (role, *claims.values())
        if who not in self.tokens:
            key = signing_key(self.stack.key("issuer"))
            self.tokens[who] = mint(key, self.stack.issuer, role, **claims)
        return {"Authorization": f"Bearer {self.tokens[who]}"}


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """On the firm's wall clock."""
    return datetime.combine(day, time(hour, minute), FIRM_ZONE).astimezone(UTC)
