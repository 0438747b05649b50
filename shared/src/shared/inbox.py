"""The inbox makes a fact take effect once: an event's id is kept with what it changed.

A poll is one transaction; if it fails, its events run again one by one. What can never succeed
is parked with every later event of its key (parking.py), so that order per key holds without
losing any.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from aiokafka import ConsumerRecord
from opentelemetry import trace
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from shared import parking, telemetry
from shared.consumer import Stopped, store_offsets
from shared.contracts import FIRM_ID, Envelope, Event
from shared.db import Database
from shared.errors import Unavailable
from shared.handlers import Handler, Handlers, Whose
from shared.keyring import Keyring, owners_in
from shared.settings import Settings

log = structlog.get_logger()

TRIES = 3
PAUSE_SECONDS = 0.2
NEVER = (ValidationError, ValueError)


@dataclass(frozen=True, slots=True)
class Heard:
    """A record that this service listens to: parsed, or with the reason why it cannot be."""

    record: ConsumerRecord
    envelope: Envelope | None
    event: Event | None
    handler: Handler | None
    problem: str | None = None
    keys_of: Whose | None = None


class Inbox:
    """Applies the records of a poll through a service's handlers."""

    def __init__(self, settings: Settings, db: Database, keys: Keyring, handlers: Handlers) -> None:
        self._settings = settings
        self._db = db
        self._keys = keys
        self._handlers = handlers
        self._parked_in_a_row = 0

    async def apply(self, records: Sequence[ConsumerRecord]) -> None:
        """One transaction for the poll; after a failure, one for each record, in order."""
        heard = [one for one in map(self._hear, records) if one is not None]
        try:
            await self._hold_keys(heard)
            await self._apply_together(heard, records)
            self._parked_in_a_row = 0
        except Exception as error:  # noqa: BLE001 - whatever it was, each event is now tried alone
            log.warning("a poll failed, its events run one by one", error=repr(error))
            await self._apply_one_by_one(records)

    async def _apply_together(
        self, heard: Sequence[Heard], records: Sequence[ConsumerRecord]
    ) -> None:
        async with self._db.transaction() as session:
            new = await _take_in(session, heard)
            kept = await parking.keys_with_parked(session, [one for one in heard if one.envelope])
            for one in heard:
                if one.envelope is not None:
                    if one.envelope.id not in new:
                        continue
                    new.discard(one.envelope.id)  # what was sent twice may come twice in one poll
                if one.problem:
                    await parking.park(session, one.record, one.problem)
                else:
                    await _handle_or_follow(session, one, kept)
            await store_offsets(session, records)
            # Dying before the commit leaves offsets, inbox and effects as they were: all of the
            # poll is read again. Dying after it: the next start seeks behind it.

    async def _apply_one_by_one(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            heard = self._hear(record)
            problem = await self._try(heard, record)
            if problem is None:
                self._parked_in_a_row = 0
                continue
            await self._park(heard, record, problem)
            self._parked_in_a_row += 1
            if self._parked_in_a_row >= self._settings.consumer_breaker:
                raise Stopped(f"{self._parked_in_a_row} events in a row were parked: {problem}")

    async def _try(self, heard: Heard | None, record: ConsumerRecord) -> str | None:
        """None when it was handled, else why it never will be. A store that is away is waited
        for."""
        tries = 0
        while True:
            try:
                await self._hold_keys([heard] if heard else [])
                await self._apply_together([heard] if heard else [], [record])
                return None
            except NEVER as error:
                return type(error).__name__ + (f": {error}" if type(error) is ValueError else "")
            except Exception as error:  # noqa: BLE001 - told apart below, none is swallowed
                tries += 0 if _is_away(error) else 1
                if tries >= TRIES:
                    log.error("an event cannot be handled", error=repr(error))
                    return repr(error)
                await asyncio.sleep(PAUSE_SECONDS * (tries + 1))

    async def _park(self, heard: Heard | None, record: ConsumerRecord, problem: str) -> None:
        async with self._db.transaction() as session:
            new = await _take_in(session, [heard] if heard else [])
            if heard is None or heard.envelope is None or heard.envelope.id in new:
                await parking.park(session, record, problem)
            await store_offsets(session, [record])

    async def _hold_keys(self, heard: Sequence[Heard]) -> None:
        await hold_keys(self._keys, self._db, heard)

    def _hear(self, record: ConsumerRecord) -> Heard | None:
        """None for what this service does not listen to."""
        return hear(self._handlers, record)


def hear(handlers: Handlers, record: ConsumerRecord) -> Heard | None:
    try:
        envelope = Envelope.parse(record.key, list(record.headers), record.value or b"")
    except ValueError as error:
        return Heard(record, None, None, None, f"not an event of ours: {error}")
    found = handlers.find(envelope.type)
    if found is None:
        return None
    if envelope.service != record.topic.rpartition(".")[2]:
        return Heard(record, envelope, None, None, f"{envelope.source} may not tell {record.topic}")
    contract, handler = found
    try:
        event = contract.model_validate_json(envelope.value)
    except ValidationError as error:
        wrong = "; ".join(
            f"{one['loc']}: {one['msg']}" for one in error.errors(include_input=False)
        )
        return Heard(record, envelope, None, None, f"not a {contract.__name__}: {wrong}")
    return Heard(record, envelope, event, handler, keys_of=handlers.keys_of(envelope.type))


async def hold_keys(keys: Keyring, db: Database, heard: Sequence[Heard]) -> None:
    """Have at hand whatever the handlers may need. Whom they name is asked before their own
    transaction: who needs another key by then fails with KeyNotHeld and is tried again."""
    owners: dict[UUID, None] = {FIRM_ID: None}
    for one in heard:
        if one.event is not None:
            owners |= dict.fromkeys(owners_in(one.event))
    if asked := [one for one in heard if one.keys_of and one.event is not None]:
        async with db.transaction() as session:
            for one in asked:
                assert one.keys_of is not None
                owners |= dict.fromkeys(await one.keys_of(session, one.event))
    await keys.hold(*owners)


async def handle(session: AsyncSession, one: Heard) -> None:
    """Call the handler as a child of the span in which the fact was recorded."""
    assert one.envelope is not None
    assert one.handler is not None
    envelope = one.envelope
    service = session.info["service"]
    with telemetry.tracer().start_as_current_span(
        f"{service} on {envelope.type.split('.')[2]}",
        context=telemetry.parent(envelope.traceparent, envelope.tracestate),
        kind=trace.SpanKind.CONSUMER,
        attributes=telemetry.event_attributes(envelope.type, envelope.id, envelope.subject),
    ):
        await one.handler(session, one.event)


async def _take_in(session: AsyncSession, heard: Sequence[Heard]) -> set[UUID]:
    """The ids that are new here. A conflict waits for the other member's transaction: a member that
    lost its partitions while it was handling them cannot make anything happen twice."""
    ids = sorted({one.envelope.id for one in heard if one.envelope is not None})
    if not ids:
        return set()
    rows = await session.execute(
        text("""
            INSERT INTO inbox (event_id) SELECT unnest(CAST(:ids AS uuid[]))
            ON CONFLICT DO NOTHING RETURNING event_id
        """),
        {"ids": ids},
    )
    return set(rows.scalars())


async def _handle_or_follow(session: AsyncSession, one: Heard, kept: set[tuple[str, str]]) -> None:
    """An event of a key that has parked ones follows them, unless its contract says order =
    none."""
    assert one.envelope is not None
    assert one.event is not None
    place = (one.record.topic, one.envelope.key)
    if place in kept and one.event.ordered:
        await parking.park(session, one.record, "follows a parked event of its key")
    else:
        await handle(session, one)


def _is_away(error: BaseException) -> bool:
    """A store, the keyring or a connection does not answer: worth waiting for, without end."""
    if isinstance(error, DBAPIError) and not error.connection_invalidated:
        return isinstance(error, OperationalError | InterfaceError)
    return isinstance(error, OSError | TimeoutError | Unavailable | DBAPIError)
