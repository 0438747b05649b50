"""The drill: ten faults while a thousand messages are under way, and a ledger kept outside.

Whatever was acknowledged to the sender is there once, in order, clocked, acknowledged and on the
record; whatever was not acknowledged may be there, but then whole and once too.
"""

import asyncio
import os
import signal
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from privity import platform_clock, state, status
from privity.keys import signing_key
from privity.tokens import mint
from privity.verify import verify
from support.office import Client, Office, is_ready, running_office, until

CLIENTS = 12
MESSAGES_EACH = 90
SERVICES = ("matters", "sla_monitor", "messaging", "audit")

KILL, FREEZE = "kill", "freeze"
FAULTS = (
    (KILL, ("messaging",)),
    (FREEZE, ("kafka",)),
    (KILL, ("sla_monitor",)),
    (KILL, ("postgres",)),
    (FREEZE, ("messaging",)),
    (KILL, ("audit",)),
    (KILL, ("kafka",)),
    (FREEZE, ("sla_monitor", "audit")),
    (KILL, ("gateway", "matters")),
    (KILL, ("messaging", "kafka")),
)


@pytest.fixture
def office(folder: Path) -> Iterator[Office]:
    home = Path(tempfile.mkdtemp(prefix="drill-", dir=folder))  # its ledger is of this try alone
    with running_office(home) as running:
        yield running


@dataclass
class Load:
    """Clients of the firm that write without pause, each in order, and repeat until they hear
    201."""

    office: Office
    clients: list[Client]
    ledger: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    in_flight: int = 0
    repeats: int = 0

    async def run(self) -> None:
        async with httpx2.AsyncClient(
            base_url=self.office.stack.ports.url("gateway"), timeout=8, trust_env=False
        ) as http:
            await asyncio.gather(*(self._write_all(http, one) for one in self.clients))

    async def _write_all(self, http: httpx2.AsyncClient, client: Client) -> None:
        key = signing_key(self.office.stack.key("issuer"))
        bearer = mint(key, self.office.stack.issuer, "client", client_id=client.id)
        path = "/v1/conversations"
        for number in range(MESSAGES_EACH):
            headers = {"Authorization": f"Bearer {bearer}"}
            headers |= {"Idempotency-Key": f"{client.id}-{number}"}
            answer = await self._until_created(http, path, f"number {number}", headers)
            path = f"/v1/conversations/{answer['conversation_id']}/messages"
            self.ledger[client.id].append(answer["id"])

    async def _until_created(
        self, http: httpx2.AsyncClient, path: str, body: str, headers: dict[str, str]
    ) -> Any:
        while True:
            self.in_flight += 1
            try:
                answer = await http.post(path, json={"body": body}, headers=headers)
                if answer.status_code == 201:
                    return answer.json()
                assert answer.status_code in (409, 429, 500, 502, 503, 504), answer.text
            except httpx2.TransportError:
                pass
            finally:
                self.in_flight -= 1
            self.repeats += 1
            await asyncio.sleep(0.2)

    @property
    def count(self) -> int:
        return sum(map(len, self.ledger.values()))


async def faults(office: Office, load: Load) -> int:
    """All ten, spread over the load; how many hit while requests were in flight."""
    hits = 0
    share = CLIENTS * MESSAGES_EACH // (len(FAULTS) + 2)
    for number, (kind, names) in enumerate(FAULTS, 1):
        while load.count < number * share:
            await asyncio.sleep(0.02)
        while not load.in_flight:
            await asyncio.sleep(0)
        hits += load.in_flight > 0
        pids = [pid_of(office, name) for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGKILL if kind == KILL else signal.SIGSTOP)
        if kind == FREEZE:
            await asyncio.sleep(4)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    return hits


def pid_of(office: Office, name: str) -> int:
    running = state.read(office.stack.home)
    assert running is not None
    return next(part.pid for part in running.parts if part.name == name)


async def rows(office: Office, database: str, statement: str) -> list[asyncpg.Record]:
    address = office.stack.database_url.rpartition("/")[0]
    connection = await asyncpg.connect(f"{address}/{database}")
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement)
        return found
    finally:
        await connection.close()


@pytest.mark.timeout(900)
async def test_ten_faults_over_five_thousand_events_lose_and_double_nothing(
    office: Office,
) -> None:
    clients = [office.client(f"Client{number} Drill") for number in range(CLIENTS)]
    load = Load(office, clients)
    hits, _ = await asyncio.gather(faults(office, load), load.run())
    assert hits == len(FAULTS), "a fault struck while nothing was under way"
    assert load.repeats, "no request was ever interrupted: nothing was tested"
    await asyncio.to_thread(until, lambda: is_ready(office), bool, 60)
    await all_are_heard(office, load)
    platform_clock.advance(office.stack.clock_offset, "PT11M")  # ends the grouping of ten minutes
    await all_clocks_met(office, load)
    await each_message_is_kept_once_and_in_order(office, load)
    await every_event_is_in_the_log_once(office)
    no_mail_was_sent_in_two_forms(office, clients)
    record = status.addresses(office.stack)["record"]
    report = await asyncio.to_thread(
        verify, record["url"], key=record["key"], state=office.stack.home / "verified"
    )
    assert report.ok, report


async def all_are_heard(office: Office, load: Load) -> None:
    """Every message has its acknowledgment planned; most wait for the end of ten minutes."""
    for _ in range(1200):
        (found,) = await rows(office, "messaging", "SELECT count(*) FROM acknowledgments")
        if found["count"] == load.count:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{found['count']} of {load.count}")


OF_MESSAGES = "SELECT kind, state FROM clocks WHERE kind IN ('acknowledgment', 'response')"


async def all_clocks_met(office: Office, load: Load) -> None:
    """One acknowledgment clock a message, met; one response clock a conversation, running."""
    for _ in range(600):
        found = await rows(office, "sla_monitor", OF_MESSAGES)
        states = Counter((row["kind"], row["state"]) for row in found)
        if states == {("acknowledgment", "met"): load.count, ("response", "running"): CLIENTS}:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(states)


async def each_message_is_kept_once_and_in_order(office: Office, load: Load) -> None:
    found = await rows(
        office,
        "messaging",
        """SELECT subject, key, event_id FROM outbox WHERE type LIKE '%ClientMessageReceived.v1'
           ORDER BY partition, sequence""",
    )
    told: dict[str, list[str]] = defaultdict(list)
    for row in found:
        told[row["key"]].append(row["subject"])
    assert told == load.ledger


async def every_event_is_in_the_log_once(office: Office) -> None:
    sent: Counter[str] = Counter()
    for service in SERVICES:
        events = await rows(office, service, "SELECT event_id FROM outbox")
        sent.update(str(row["event_id"]) for row in events)
    assert len(sent) >= 5_000, len(sent)

    async def logged() -> Counter[str]:
        found = await rows(office, "audit", "SELECT event_id FROM entries")
        return Counter(str(row["event_id"]) for row in found)

    for _ in range(300):
        if (kept := await logged()) == sent or set(kept) >= set(sent):
            break
        await asyncio.sleep(0.1)
    assert set(sent) <= set(kept)
    assert max(kept.values()) == 1


def no_mail_was_sent_in_two_forms(office: Office, clients: list[Client]) -> None:
    """A mail may arrive twice after a crash at the final dot; then under one Message-ID, the
    same."""
    for address in ("attorney@firm.test", *(one.email for one in clients)):
        forms: dict[str, set[str]] = defaultdict(set)
        for letter in office.inbox(address):
            forms[letter.message_id].add(letter.text)
        assert forms, f"{address} heard nothing"
        assert all(len(texts) == 1 for texts in forms.values())
    letters = {one.message_id for one in office.inbox(clients[0].email)}
    assert 2 <= len(letters) <= 4  # at once, and grouped at the end of ten minutes
