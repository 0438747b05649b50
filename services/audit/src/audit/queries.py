"""Reads of the record: pages of entries, the events of a matter, what services stated."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from audit.readings import kind_of
from audit.streams import Stream
from shared.contracts import CONTRACTS, Event
from shared.contracts.audit import RecordCorrected
from shared.contracts.matters import MatterOpened
from shared.contracts.messaging import ClientMessageReceived, MessageFiled, MessageRefiled
from shared.contracts.platform import StreamHeadsStated

PLACING = [one.type_name() for one in (ClientMessageReceived, MessageFiled, MessageRefiled)]
"""What says to which matter a message belongs; the last one counts."""

FILING = (MessageFiled, MessageRefiled)

HOUSEKEEPING = [
    name
    for name, contract in CONTRACTS.items()
    if contract.owner in ("platform", "audit") or name.split(".")[2].endswith("PolicyPublished")
]
SETTLED = timedelta(seconds=10)


@dataclass(frozen=True)
class Closed:
    """What walls close to a caller: clients as a whole, matters, and (`touched`) every client of
    whom anything is closed, as what is of no single matter may be of that one."""

    clients: frozenset[UUID] = frozenset()
    matters: frozenset[UUID] = frozenset()
    touched: frozenset[UUID] = frozenset()

    def closes(self, client_id: UUID, matter_id: UUID | None) -> bool:
        around = client_id in self.touched if matter_id is None else matter_id in self.matters
        return around or client_id in self.clients


@dataclass(frozen=True)
class Selection:
    """Which entries: of a client's matter with the messages filed to it and what is its joint
    clients' in it, of a client's messages, of a client, or all that are not `closed`. `others`:
    joint clients, and ids under which one of all these was entered too."""

    client_id: UUID | None = None
    matter_id: UUID | None = None
    messages: Sequence[UUID] = ()
    others: Sequence[UUID] = ()
    closed: Closed = Closed()

    @property
    def clients(self) -> list[UUID]:
        """Whose entries these may be."""
        return [self.client_id, *self.others] if self.client_id else []


async def entries_after(
    session: AsyncSession, selection: Selection, after: int, limit: int, before: int = 2**62
) -> Sequence[Any]:
    """In log order, with `after` < index < `before`."""
    found = await session.execute(
        text(f"""
            SELECT e.*, r.type, r.fact_at, r.client_id, r.matter_id
            FROM readings r JOIN entries e USING (index)
            WHERE r.index > :after AND r.index < :before AND {_selected(selection)}
            ORDER BY r.index LIMIT :limit
        """),
        _parameters(selection) | {"after": after, "before": before, "limit": limit},
    )
    return found.all()


async def entry(session: AsyncSession, index: int, closed: Closed) -> Any | None:
    """None also where it is closed: as if it were not there."""
    found = await session.execute(
        text(f"""
            SELECT e.*, r.type, r.fact_at, r.client_id, r.matter_id
            FROM entries e JOIN readings r USING (index)
            WHERE e.index = :index AND {_open(closed)}
        """),
        {"index": index} | _closed_parameters(closed),
    )
    return found.one_or_none()


async def events_of(
    session: AsyncSession,
    selection: Selection,
    kinds: Collection[str] | None,
    after: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[Any]:
    """Oldest first by the instant of the fact, then by place in the log; without housekeeping, or
    only these kinds."""
    behind = "AND (r.fact_at, r.index) > (:fact_at, :index)" if after else ""
    types = [
        name
        for name in CONTRACTS
        if kinds is not None and kind_of(name) in kinds and name not in HOUSEKEEPING
    ]
    # Each way by its own index: of their disjunction every event's value would be read and sorted.
    ways = " UNION ".join(
        f"""
            (SELECT r.index, r.type, r.fact_at FROM readings r
            WHERE {selected} AND NOT r.type = ANY (:housekeeping) {behind}
            AND (:every_kind OR r.type = ANY (:types))
            ORDER BY r.fact_at, r.index LIMIT :limit)
        """
        for selected in _ways(selection)
    )
    found = await session.execute(
        text(f"""
            SELECT r.index, r.type, r.fact_at, e.event_id, e.value
            FROM ({ways}) AS r JOIN entries e USING (index)
            ORDER BY r.fact_at, r.index LIMIT :limit
        """),
        _parameters(selection)
        | {
            "housekeeping": HOUSEKEEPING,
            "limit": limit,
            "types": types,
            "every_kind": kinds is None,
        }
        | (dict(zip(("fact_at", "index"), after, strict=True)) if after else {}),
    )
    return found.all()


async def messages_of_matter(session: AsyncSession, matter_id: UUID) -> list[UUID]:
    """Messages that were filed to this matter, and not elsewhere since: they bring their earlier
    events with them. What is told of a message that came to the matter names the matter."""
    found = await session.execute(
        text(f"""
            SELECT message FROM (
                SELECT DISTINCT message_ids[1] AS message FROM readings
                WHERE matter_id = :matter_id AND type IN ({_names(FILING)})) AS filed
            WHERE :matter_id = (
                SELECT (array_agg(matter_id ORDER BY index DESC)
                        FILTER (WHERE type = ANY (:placing)))[1]
                FROM readings WHERE message_ids && ARRAY[message])
        """),
        {"placing": PLACING, "matter_id": matter_id},
    )
    return list(found.scalars())


async def place_of_message(
    session: AsyncSession, message_id: UUID
) -> tuple[UUID, UUID | None] | None:
    """Client and matter to which a message was filed last; None while it belongs to nobody."""
    found = await session.execute(
        text("""
            SELECT client_id, matter_id FROM readings
            WHERE message_ids && ARRAY[CAST(:message_id AS uuid)] AND type = ANY (:placing)
            AND client_id IS NOT NULL ORDER BY index DESC LIMIT 1
        """),
        {"message_id": message_id, "placing": PLACING},
    )
    row = found.one_or_none()
    return (row.client_id, row.matter_id) if row else None


async def client_of_matter(session: AsyncSession, matter_id: UUID) -> UUID | None:
    found = await session.execute(
        text(f"""
            SELECT client_id FROM readings
            WHERE matter_id = :matter_id AND type IN ({_names((MatterOpened,))}) LIMIT 1
        """),
        {"matter_id": matter_id},
    )
    client_id: UUID | None = found.scalars().first()
    return client_id


async def numbers_of_matters(session: AsyncSession, matters: Sequence[UUID]) -> dict[UUID, str]:
    found = await session.execute(
        text(f"""
            SELECT e.value FROM readings r JOIN entries e USING (index)
            WHERE r.matter_id = ANY (:matters) AND r.type IN ({_names((MatterOpened,))})
        """),
        {"matters": matters},
    )
    opened = [MatterOpened.model_validate_json(value) for value in found.scalars()]
    return {one.matter_id: one.number for one in opened}


async def values(
    session: AsyncSession, contracts: Sequence[type[Event]], client_id: UUID
) -> list[tuple[type[Event], bytes]]:
    """All events of these contracts about one client, in log order."""
    found = await session.execute(
        text(f"""
            SELECT r.type, e.value FROM readings r JOIN entries e USING (index)
            WHERE r.client_id = :client_id AND r.type IN ({_names(contracts)}) ORDER BY r.index
        """),
        {"client_id": client_id},
    )
    return [(CONTRACTS[row.type], row.value) for row in found]


async def events_after(
    session: AsyncSession, contracts: Sequence[type[Event]], after: int
) -> list[tuple[int, Event]]:
    """Of these contracts, with their indexes, in log order: those above one index."""
    found = await session.execute(
        text(f"""
            SELECT r.index, r.type, e.value FROM readings r JOIN entries e USING (index)
            WHERE r.type IN ({_names(contracts)}) AND r.index > :after ORDER BY r.index
        """),
        {"after": after},
    )
    return [(at, CONTRACTS[name].model_validate_json(value)) for at, name, value in found]


async def corrections_of(session: AsyncSession, clients: Sequence[UUID]) -> dict[UUID, list[Any]]:
    """The rows of all corrections to events about these clients, by the event that each corrects,
    newest first."""
    found = await session.execute(
        text(f"""
            SELECT r.index, r.type, r.fact_at, e.event_id, e.value
            FROM readings r JOIN entries e USING (index)
            WHERE r.client_id = ANY (:clients) AND r.type IN ({_names((RecordCorrected,))})
            ORDER BY r.index DESC
        """),
        {"clients": clients},
    )
    corrections: dict[UUID, list[Any]] = {}
    for row in found:
        corrected = RecordCorrected.model_validate_json(row.value)
        corrections.setdefault(corrected.corrects, []).append(row)
    return corrections


async def stated(session: AsyncSession, owners: Sequence[str]) -> dict[Stream, int]:
    """The last number of each stream that its service said to have told. A statement counts when
    ten seconds have passed: what was told before it may still be on its way in another partition.
    """
    found = await session.execute(
        text("""
            SELECT e.value FROM unnest(CAST(:types AS text[])) AS t(type) CROSS JOIN LATERAL (
                SELECT index FROM readings r JOIN entries s USING (index)
                WHERE r.type = t.type
                AND s.recorded_at < clock_timestamp() - CAST(:settled AS interval)
                ORDER BY index DESC LIMIT 1) AS last
            JOIN entries e USING (index)
        """),
        {"types": [StreamHeadsStated.type_name(one) for one in owners], "settled": SETTLED},
    )
    statements = [StreamHeadsStated.model_validate_json(value) for value in found.scalars()]
    return {
        (one.service, head.partition, head.epoch): head.last_sequence
        for one in statements
        for head in one.heads
    }


@dataclass(frozen=True)
class Statement:
    """The last statement of a service in the record; index -1 when it never made one."""

    service: str
    index: int
    heard_at: datetime | None


async def last_statements(session: AsyncSession, owners: Sequence[str]) -> list[Statement]:
    found = await session.execute(
        text("""
            SELECT t.service, coalesce(last.index, -1) AS last_index, last.recorded_at
            FROM unnest(CAST(:owners AS text[]), CAST(:types AS text[])) AS t(service, type)
            LEFT JOIN LATERAL (
                SELECT index, e.recorded_at FROM readings r JOIN entries e USING (index)
                WHERE r.type = t.type ORDER BY index DESC LIMIT 1) AS last ON true
            ORDER BY t.service
        """),
        {"owners": list(owners), "types": [StreamHeadsStated.type_name(one) for one in owners]},
    )
    return [Statement(row.service, row.last_index, row.recorded_at) for row in found]


async def overdue(
    session: AsyncSession, owners: Sequence[str], after: timedelta
) -> list[Statement]:
    """Services that have stated nothing for so long, and whose silence is not told yet."""
    now: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
    told = await session.execute(text("SELECT service, after_index FROM silences"))
    known = {(row.service, row.after_index) for row in told}
    return [
        one
        for one in await last_statements(session, owners)
        if (one.heard_at is None or one.heard_at < now - after)
        and (one.service, one.index) not in known
    ]


async def gaps_after(
    session: AsyncSession, *, only_open: bool, after: UUID | None, limit: int
) -> Sequence[Any]:
    """Gaps and silences as they were told, in the order of telling."""
    found = await session.execute(
        text("""
            SELECT g.*, h.healed_at FROM (
                SELECT gap_id, service, kind, partition, epoch, first, last,
                       CAST(NULL AS timestamptz) AS last_heard_at, detected_at FROM gaps
                UNION ALL
                SELECT gap_id, service, 'silent', NULL, NULL, NULL, NULL,
                       last_heard_at, detected_at FROM silences
            ) AS g LEFT JOIN gaps_healed h USING (gap_id)
            WHERE (h.healed_at IS NULL OR NOT :only_open)
            AND (CAST(:after AS uuid) IS NULL OR gap_id > :after) ORDER BY gap_id LIMIT :limit
        """),
        {"only_open": only_open, "after": after, "limit": limit},
    )
    return found.all()


async def contradictions(session: AsyncSession) -> tuple[dict[tuple[str, int, int], int], int]:
    """How many forks each stream has, and how many records had no place in any stream."""
    forks = await session.execute(
        text("SELECT service, partition, epoch, count(*) FROM forks GROUP BY 1, 2, 3")
    )
    strays = await session.execute(text("SELECT count(*) FROM strays"))
    return {(row[0], row[1], row[2]): row[3] for row in forks}, strays.scalar_one()


def _names(contracts: Sequence[type[Event]]) -> str:
    """Spelled out, not as parameters: only so an index of some types is found in every plan."""
    return ", ".join(f"'{one.type_name()}'" for one in contracts)


def _selected(selection: Selection) -> str:
    return f"({' OR '.join(_ways(selection))})"


def _ways(selection: Selection) -> list[str]:
    """Only the conditions that are asked for, so that each finds its index."""
    of_client = "(r.client_id = ANY (:clients) OR r.client_id IS NULL)"
    ways = []
    if selection.matter_id:
        ways.append(f"r.matter_id = :matter_id AND {of_client}")
    if selection.messages:
        ways.append(f"r.message_ids && CAST(:messages AS uuid[]) AND {of_client}")
    if ways:
        return ways
    if selection.client_id is None:
        return [_open(selection.closed)]
    return ["r.client_id = ANY (:clients)" if selection.others else "r.client_id = :client_id"]


def _open(closed: Closed) -> str:
    """Neither client nor matter is closed; what names no client is by its messages or its matter of
    none of whom anything is closed (a stranger's mail, filed later)."""
    if not closed.touched:
        return "true"
    return """
        CASE WHEN r.client_id IS NOT NULL THEN
            NOT r.client_id = ANY (:closed_clients)
            AND NOT (r.matter_id IS NULL AND r.client_id = ANY (:touched))
            AND NOT coalesce(r.matter_id = ANY (:closed_matters), false)
        ELSE
            NOT r.message_ids && ARRAY(SELECT unnest(message_ids) FROM readings
                                       WHERE client_id = ANY (:touched))
            AND NOT coalesce(r.matter_id = ANY (:closed_matters), false)
            AND NOT coalesce(r.matter_id = ANY (ARRAY(
                SELECT matter_id FROM readings WHERE client_id = ANY (:closed_clients))), false)
        END
    """


def _closed_parameters(closed: Closed) -> dict[str, Any]:
    if not closed.touched:
        return {}
    return {
        "closed_clients": list(closed.clients),
        "closed_matters": list(closed.matters),
        "touched": list(closed.touched),
    }


def _parameters(selection: Selection) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if not (selection.client_id or selection.messages):
        given |= _closed_parameters(selection.closed)
    if selection.client_id:
        of_one = not (selection.matter_id or selection.messages or selection.others)
        given |= {"client_id": selection.client_id} if of_one else {"clients": selection.clients}
    if selection.matter_id:
        given |= {"matter_id": selection.matter_id}
    if selection.messages:
        given |= {"messages": list(selection.messages)}
    return given
