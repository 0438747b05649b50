"""Timelines over a record of a million events in ten thousand matters, of which ten have thousands:
the first page, one in the middle and the last one, by a partner, a lawyer of the team and the
client; and those of matters of a common size. EVENTS=100000 in the environment makes it smaller."""

import asyncio
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import httpx2

from audit.checkpoints import signer_of
from audit.log import Log
from audit.rows import Arrival
from audit.settings import AuditSettings
from ground import Ground, World, table
from pages import by, measured, row
from shared import sealing
from shared.contracts import FIRM_ID, Event, Sealed
from shared.contracts.audit import RecordCorrected
from shared.contracts.matters import (
    MatterOpened,
    PointOfContactAssigned,
    StaffChanged,
    WallLowered,
    WallRaised,
)
from shared.contracts.messaging import (
    ClientMessageReceived,
    MessageAcknowledged,
    MessageFiled,
    MessageSent,
    StaffNotified,
)
from shared.contracts.sla_monitor import AcknowledgmentDue, ClockMet, ResponseDue
from shared.db import Database
from shared.ids import new_id
from shared.keyring import FileKeyProvider, Keyring
from shared.sealing import DataKey
from support.facts import firm_changed
from support.record import Teller

EVENTS = int(os.environ.get("EVENTS", "1000000"))
MATTERS, STAFF, LARGE = EVENTS // 100, 12, 10
A_LARGE_ONE = EVENTS // 200
EXCHANGE = 10
ABSENCES, WALLS, STANDING, UNFILED = 1000, 60, 6, 10
APPENDED_AT_ONCE = 20_000
READS, PAGE, LONGEST_PAGE = 200, 50, 500
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
ROLES = {"partner": "a partner", "attorney": "a lawyer of its team", "client": "the client"}


class Firm:
    """Everybody's ids and addresses, and who works for whom: two matters a client, each with one of
    twelve lawyers. Words are sealed under the firm's key: ten thousand keys would measure those."""

    def __init__(self, key: DataKey) -> None:
        self.key = key
        self.staff = [new_id() for _ in range(STAFF)]
        self.clients = [new_id() for _ in range(MATTERS // 2)]
        self.matters = [new_id() for _ in range(MATTERS)]
        self.words = self.sealed("subject", "The papers of which we spoke on the telephone")

    def sealed(self, field: str, words: str) -> Sealed:
        return sealing.seal(self.key, new_id(), "message", field, words.encode())

    def client_of(self, matter: int) -> UUID:
        return self.clients[matter % len(self.clients)]

    def address(self, lawyer: int) -> str:
        return f"lawyer{lawyer}@firm.test"


async def run(ground: Ground) -> None:
    with ground.world("timeline", "audit") as world:
        firm = await _fill(world)
        port = await asyncio.to_thread(world.start, "audit")
        await _proved(world)
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as http:
            rows = await _timelines(world, firm, http)
    table(
        f"Timelines over {EVENTS:,} events (goal: p99 ≤ 30 ms)",
        [("", "p50 ms", "p99 ms", "p50 ratio"), *rows],
    )


async def _fill(world: World) -> Firm:
    """As audit itself appends, in larger polls."""
    file = world.stack.home / f"checkpoint-{world.name}"
    settings = world.settings(AuditSettings, audit_checkpoint_file=file)
    keys = Keyring(
        settings.keyring_database_url.get_secret_value(), FileKeyProvider(settings.kek_file)
    )
    await keys.open()
    await keys.hold(FIRM_ID, create=True)
    firm, db = Firm(keys.key(FIRM_ID)), Database(settings)
    seed = settings.audit_signing_key_file.read_bytes()
    log = Log(signer_of(settings.audit_origin, seed), settings.audit_checkpoint_file)
    await log.open(db)
    tell = Teller()
    for poll in _polls(tell(event, at) for event, at in _story(firm)):
        async with db.transaction() as session:
            appended = await log.append(session, poll)
        await log.published(appended)
    await keys.close()
    await db.close()
    watch = await world.connect("audit")
    await watch.execute("VACUUM ANALYZE", timeout=600)
    await watch.execute("CHECKPOINT", timeout=600)
    await watch.close()
    return firm


async def _proved(world: World) -> None:
    """The first daily audit of the record is over: it takes a core while it lasts, and with it
    pages take three times as long."""
    watch = await world.connect("audit")
    while not await watch.fetchval("SELECT 1 FROM audits WHERE state = 'done'"):
        await asyncio.sleep(0.5)
    await watch.close()


def _polls(arrivals: Iterator[Arrival]) -> Iterator[tuple[Arrival, ...]]:
    while poll := tuple(islice(arrivals, APPENDED_AT_ONCE)):
        yield poll


def _story(firm: Firm) -> Iterator[tuple[Event, datetime]]:
    """Facts with their instants, in the order in which the log has them: exchanges of all matters
    take turns, so that what is of one matter lies far apart."""
    yield firm_changed(), BEGAN
    for lawyer, staff_id in enumerate(firm.staff):
        yield _entry(firm, staff_id, lawyer, None), BEGAN
    for number, matter_id in enumerate(firm.matters):
        yield from ((one, BEGAN) for one in _opened(firm, number, matter_id))
    for number in range(WALLS):
        yield from ((one, BEGAN) for one in _walled(firm, number))
    turns = A_LARGE_ONE // EXCHANGE
    every = max(turns * MATTERS * EXCHANGE // EVENTS, 1)
    for turn in range(turns):
        at = BEGAN + turn * timedelta(hours=8)
        for _ in range(ABSENCES // turns + 1):
            lawyer = turn % STAFF
            yield _entry(firm, firm.staff[lawyer], lawyer, firm.staff[lawyer - 1]), at
            yield _entry(firm, firm.staff[lawyer], lawyer, None), at
        for number in range(MATTERS if turn % every == 0 else LARGE):
            yield from _exchange(firm, number, turn, at + timedelta(seconds=number))


def _entry(firm: Firm, staff_id: UUID, lawyer: int, stand_in_id: UUID | None) -> Event:
    """As it is told when somebody goes away, and again when they are back."""
    address = firm.sealed("email", firm.address(lawyer))
    return StaffChanged(
        staff_id=staff_id, name=firm.words, email=address, role="attorney", stand_in_id=stand_in_id
    )


def _opened(firm: Firm, number: int, matter_id: UUID) -> Iterator[Event]:
    client_id, staff_id = firm.client_of(number), firm.staff[number % STAFF]
    yield MatterOpened(
        matter_id=matter_id, client_id=client_id, number=f"B-{number}", title=firm.words,
        practice_area="family", reason=firm.words, opened_at=BEGAN,
    )  # fmt: skip
    for of in (None, matter_id) if number < len(firm.clients) else (matter_id,):
        yield PointOfContactAssigned(
            assignment_id=new_id(), client_id=client_id, matter_id=of, staff_id=staff_id,
            from_at=BEGAN,
        )  # fmt: skip


def _walled(firm: Firm, number: int) -> Iterator[Event]:
    """Around clients of common matters; all but a few are lowered again."""
    wall_id, client_id = new_id(), firm.clients[-1 - number]
    yield WallRaised(
        wall_id=wall_id, client_id=client_id, kind="screen", staff_ids=(new_id(),),
        reason=firm.words, raised_at=BEGAN,
    )  # fmt: skip
    if number >= STANDING:
        yield WallLowered(wall_id=wall_id, client_id=client_id, reason=firm.words, lowered_at=BEGAN)


def _exchange(firm: Firm, number: int, turn: int, at: datetime) -> Iterator[tuple[Event, datetime]]:
    """A message, what it is owed, and what became of it: ten events within an hour. One message in
    ten is filed to its matter when it has been acknowledged."""
    client_id, matter_id, staff_id = (
        firm.client_of(number), firm.matters[number], firm.staff[number % STAFF],
    )  # fmt: skip
    message_id, clock_id, response_id = new_id(), new_id(), new_id()
    filed_later = turn % UNFILED == UNFILED - 1
    first = {"conversation_id": matter_id, "client_id": client_id,
             "matter_id": None if filed_later else matter_id}  # fmt: skip
    then = first | {"matter_id": matter_id}
    dues: dict[str, Any] = {
        "opened_at": at, "target_at": at, "limit_at": at, "policy_version": 1,
        "calendar_version": 1, "time_zone": "Europe/Berlin",
    }  # fmt: skip
    sent: dict[str, Any] = {"channel": "email", "body": firm.words}
    met: dict[str, Any] = {"message_ids": (message_id,), "cause_id": message_id, "met_at": at}
    told = [
        ClientMessageReceived(message_id=message_id, received_at=at, **sent, **first),
        ResponseDue(clock_id=response_id, message_ids=(message_id,), **dues, **first),
        AcknowledgmentDue(
            clock_id=clock_id, message_id=message_id, response_clock_id=response_id,
            response_target_at=at, response_limit_at=at, **dues, **first,
        ),
        MessageAcknowledged(
            acknowledgment_id=new_id(), covers=(message_id,), automatic=True, acknowledged_at=at,
            **sent, **first,
        ),
        ClockMet(clock_id=clock_id, kind="acknowledgment", **met, **first),
        StaffNotified(
            notice_id=new_id(), staff_id=staff_id, message_id=message_id, about="message",
            notified_at=at, **first,
        ),
        MessageFiled(
            message_id=message_id, filed_by=staff_id, filed_at=at, reason=firm.words, **then,
        ) if filed_later else _sent(staff_id, at, "notice", then, sent),
        _sent(staff_id, at, "answer", then, sent),
        ClockMet(clock_id=response_id, kind="response", **met, **then),
        _corrected(at, then, firm.words) if turn % 50 == 0
        else _sent(staff_id, at, "notice", then, sent),
    ]  # fmt: skip
    assert len(told) == EXCHANGE
    return ((one, at + place * timedelta(minutes=5)) for place, one in enumerate(told))


def _sent(
    staff_id: UUID, at: datetime, kind: Any, of: dict[str, Any], sent: dict[str, Any]
) -> Event:
    return MessageSent(
        message_id=new_id(), kind=kind, sent_at=at, staff_id=staff_id, **sent, **of
    )  # fmt: skip


def _corrected(at: datetime, of: dict[str, Any], words: Sealed) -> Event:
    return RecordCorrected(
        correction_id=new_id(), client_id=of["client_id"], matter_id=of["matter_id"],
        corrects=new_id(), corrects_index=0, corrected_by=new_id(), role="partner",
        corrected_at=at, correction=words,
    )  # fmt: skip


async def _timelines(world: World, firm: Firm, http: httpx2.AsyncClient) -> list[tuple[str, ...]]:
    bare = await measured(http, [("/healthz", {})] * READS)
    rows = [row("a door without a question", bare, bare)]
    common = random.sample(range(LARGE, MATTERS - WALLS), READS)
    large = [number % LARGE for number in range(READS)]
    for role, who in ROLES.items():
        asked = [_asked(world, firm, role, number) for number in common]
        rows.append(row(f"of a matter, by {who}", await measured(http, asked), bare))
    for role, who in ROLES.items():
        cursors = {
            number: await _cursors(world, firm, http, role, number) for number in range(LARGE)
        }
        for place, page in enumerate(("first", "middle", "last")):
            asked = [_asked(world, firm, role, one, cursors[one][place]) for one in large]
            name = f"{page} page of {A_LARGE_ONE:,}, by {who}"
            rows.append(row(name, await measured(http, asked), bare))
    return rows


async def _cursors(
    world: World, firm: Firm, http: httpx2.AsyncClient, role: str, number: int
) -> tuple[str, str, str]:
    """Where the first page begins, one in the middle, and the last."""
    cursors, middle, limit = [""], "", LONGEST_PAGE
    while True:
        path, headers = _asked(world, firm, role, number, cursors[-1], limit)
        page = (await http.get(path, headers=headers)).raise_for_status().json()
        if page["next"] is not None:
            cursors.append(page["next"])
        elif limit == PAGE:
            return "", middle, cursors[-1]
        else:  # the last of the long pages is read once more, in short ones
            middle, limit = cursors[len(cursors) // 2], PAGE


def _asked(
    world: World, firm: Firm, role: str, number: int, cursor: str = "", limit: int = PAGE
) -> tuple[str, dict[str, str]]:
    path = f"/v1/matters/{firm.matters[number]}/timeline?limit={limit}"
    path += f"&cursor={cursor}" if cursor else ""
    if role == "client":
        return path, by(world, role=role, client_id=str(firm.client_of(number)))
    lawyer = firm.address(number % STAFF) if role == "attorney" else "partner@firm.test"
    return path, by(world, lawyer, role)
