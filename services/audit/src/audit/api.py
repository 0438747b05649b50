"""HTTP in: entries for those who may read them, the completeness of the record, and each matter's
timeline."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from audit import access, merkle, queries, streams, timeline
from audit.access import POLICY, of_matter, permit_client
from audit.known import known
from shared import accesses, clock
from shared.auth import Caller, CallerIdentity
from shared.contracts import FIRM_ID, OWNERS
from shared.contracts.audit import RecordCorrected
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.keyring import Keyring, owners_in, seal
from shared.outbox import emit
from shared.pages import Page, PageQuery, page
from shared.policy import permit
from shared.runtime import Runtime

router = APIRouter(prefix="/v1", tags=["record"], route_class=IdempotentRoute)


class Entry(BaseModel):
    """One leaf with what its commitment opens to. `entry` and `metadata` are the exact texts:
    leaf_hash = SHA-256(0x00 ‖ entry), entry's `meta` = HMAC-SHA256(salt, metadata)."""

    index: int
    leaf_hash: str = Field(description="base64")
    event_id: UUID
    type: str
    time: AwareDatetime
    client_id: UUID | None
    matter_id: UUID | None
    entry: str
    salt: str = Field(description="base64")
    metadata: str


class EntryWithValue(Entry):
    value: str = Field(description="base64 of the event's value; entry's `value_sha256` is of it")


class NewCorrection(BaseModel):
    """What is right."""

    model_config = ConfigDict(extra="forbid")

    correction: str = Field(min_length=1, max_length=10_000)


class CorrectionMade(BaseModel):
    """`event_id` is on the record within a second or two."""

    id: UUID
    event_id: UUID
    corrects: UUID


class Gap(BaseModel):
    first: int
    last: int


class StreamCompleteness(BaseModel):
    """1…`contiguous` are in the record; `head` is the highest number heard or stated."""

    stream: str
    contiguous: int
    head: int
    gaps: list[Gap]
    forks: int


class ServiceCompleteness(BaseModel):
    """`last_heard_at`: when the service's last statement of its streams was recorded; null when it
    never made one."""

    service: str
    last_heard_at: AwareDatetime | None
    streams: list[StreamCompleteness]


class Completeness(BaseModel):
    """`strays`: records on our topics that have no place in any stream."""

    services: list[ServiceCompleteness]
    strays: int


class ToldGap(BaseModel):
    """Numbers of a stream that are missing, or (`silent`) a service that states nothing."""

    gap_id: UUID
    service: str
    kind: Literal["missing", "cut-tail", "silent"]
    stream: str | None
    first: int | None
    last: int | None
    last_heard_at: AwareDatetime | None
    detected_at: AwareDatetime
    healed_at: AwareDatetime | None


@router.get("/record/entries")
async def list_entries(
    request: Request,
    caller: Caller,
    session: Transaction,
    paging: PageQuery,
    client_id: UUID | None = None,
    matter_id: UUID | None = None,
    after: Annotated[int, Query(ge=-1, le=2**62)] = -1,
) -> Page[Entry]:
    """Entries in log order, those of a client or matter, or all, with index above `after`."""
    selection = await access.selection(
        session, _runtime(request).keys, caller, client_id, matter_id
    )
    start = _index_in(paging.after) if paging.after else after
    found = await queries.entries_after(session, selection, start, paging.limit + 1)
    concerned = (row.client_id for row in found[: paging.limit] if row.client_id)
    await accesses.record_accesses(session, caller, concerned, "entries")
    return page(found, paging, lambda row: Entry(**_members(row)), lambda row: [row.index])


@router.get("/record/entries/{index}")
async def get_entry(
    request: Request, index: int, caller: Caller, session: Transaction
) -> EntryWithValue:
    """One entry, with the value that it commits to."""
    keys = _runtime(request).keys
    await keys.hold(FIRM_ID)
    row = await _entry(session, keys, caller, index)
    if row is None:
        permit(POLICY, caller, "read entries")
        raise NotFound("There is no entry here that you may see.")
    await permit_client(session, keys, caller, "read entries", row.client_id, row.matter_id)
    if row.client_id:
        await accesses.record_access(session, caller, row.client_id, "entries")
    return EntryWithValue(**_members(row), value=_base64(row.value))


@router.post("/record/entries/{index}/corrections", status_code=201)
async def post_correction(
    request: Request, index: int, body: NewCorrection, caller: Caller, session: Transaction
) -> CorrectionMade:
    """Says what is right instead of an entry, in an entry of its own: both stay."""
    keys = _runtime(request).keys
    await keys.hold(FIRM_ID)
    async with _runtime(request).db.transaction() as looking:
        row = await _entry(looking, keys, caller, index)
        permit(POLICY, caller, "correct the record")
        if row is None or row.client_id is None:
            raise NotFound("There is no entry about a client here that you may see.")
        about = (row.client_id, row.matter_id)
        await permit_client(looking, keys, caller, "correct the record", *about)
    await keys.hold(row.client_id)
    correction_id = new_id()
    sealed = seal(session, row.client_id, correction_id, "correction", "text", body.correction)
    event_id = emit(
        session,
        RecordCorrected(
            correction_id=correction_id,
            client_id=row.client_id,
            matter_id=row.matter_id,
            corrects=row.event_id,
            corrects_index=row.index,
            corrected_by=caller.id,
            role=caller.role,
            corrected_at=clock.now(),
            correction=sealed,
        ),
    )
    return CorrectionMade(id=correction_id, event_id=event_id, corrects=row.event_id)


@router.get("/record/completeness")
async def get_completeness(caller: Caller, session: Transaction) -> Completeness:
    """Whether every number of every stream is in the record, up to what each service stated."""
    permit(POLICY, caller, "read completeness")
    forks, strays = await queries.contradictions(session)
    known = await streams.all_progress(session)
    stated = await queries.stated(session, OWNERS)
    services = {one.service: one for one in await queries.last_statements(session, OWNERS)}
    found: dict[str, list[StreamCompleteness]] = {service: [] for service in services}
    for stream in sorted(known.keys() | stated.keys() | forks.keys()):
        progress = known.get(stream, streams.Progress())
        head = max(progress.head, stated.get(stream, 0))
        gaps = await streams.gaps(session, stream, progress, head)
        found.setdefault(stream[0], []).append(
            StreamCompleteness(
                stream=streams.name_of(stream),
                contiguous=progress.contiguous,
                head=head,
                gaps=[Gap(first=first, last=last) for first, last in gaps],
                forks=forks.get(stream, 0),
            )
        )
    return Completeness(
        services=[
            ServiceCompleteness(
                service=one,
                last_heard_at=services[one].heard_at if one in services else None,
                streams=its,
            )
            for one, its in sorted(found.items())
            if its
        ],
        strays=strays,
    )


@router.get("/record/gaps")
async def list_gaps(
    caller: Caller, session: Transaction, paging: PageQuery, state: Literal["open"] | None = None
) -> Page[ToldGap]:
    """Gaps and silences as GapDetected told them; `state=open`: those that have not healed."""
    permit(POLICY, caller, "read completeness")
    found = await queries.gaps_after(
        session, only_open=state == "open", after=paging.after_id(), limit=paging.limit + 1
    )
    return page(found, paging, _told_gap, lambda row: [str(row.gap_id)])


@router.get("/matters/{matter_id}/timeline")
async def get_timeline(
    request: Request, matter_id: UUID, caller: Caller, paging: PageQuery
) -> Page[timeline.TimelineItem]:
    """Every communication and event of a matter on all channels, oldest first."""
    runtime = _runtime(request)
    after = _place_in(paging.after) if paging.after else None
    await runtime.keys.hold(FIRM_ID)
    async with runtime.db.transaction() as session:
        permit(POLICY, caller, "read timeline")
        selection = await of_matter(session, matter_id)
        about = (selection.client_id, matter_id)
        await permit_client(session, runtime.keys, caller, "read timeline", *about)
        kinds = timeline.SHOWN_TO_CLIENTS if caller.role == "client" else None
        found = await queries.events_of(session, selection, kinds, after, paging.limit + 1)
        corrected = {} if kinds else await queries.corrections_of(session, selection.clients)
        firm = (await known(session)).firm
        await accesses.record_accesses(session, caller, selection.clients, "timeline")
    # Keys come over the network, so they are fetched when no transaction is open.
    events = {row.index: timeline.event_of(row) for row in found}
    await runtime.keys.hold(
        *selection.clients, *{one for event in events.values() if event for one in owners_in(event)}
    )
    zone = firm.time_zone if firm else "UTC"
    reader = timeline.Reader(runtime.keys, zone, caller.role == "client")
    return page(
        found,
        paging,
        lambda row: timeline.item(
            row,
            events[row.index],
            reader,
            [timeline.correction(one, reader) for one in corrected.get(row.event_id, [])],
        ),
        lambda row: [row.fact_at.isoformat(), row.index],
    )


async def _entry(
    session: AsyncSession, keys: Keyring, caller: CallerIdentity, index: int
) -> Any | None:
    if not 0 <= index < 2**62:
        return None
    return await queries.entry(session, index, await access.closed_to(session, keys, caller))


def _members(row: Any) -> dict[str, Any]:
    return {
        "index": row.index,
        "leaf_hash": _base64(merkle.leaf_hash(row.entry)),
        "event_id": row.event_id,
        "type": row.type,
        "time": row.fact_at,
        "client_id": row.client_id,
        "matter_id": row.matter_id,
        "entry": row.entry.decode(),
        "salt": _base64(row.salt),
        "metadata": row.metadata.decode(),
    }


def _told_gap(row: Any) -> ToldGap:
    silent = row.kind == "silent"
    return ToldGap(
        stream=None if silent else streams.name_of((row.service, row.partition, row.epoch)),
        **{name: getattr(row, name) for name in ToldGap.model_fields if name != "stream"},
    )


def _index_in(key: list[Any]) -> int:
    if len(key) != 1 or not isinstance(key[0], int) or not 0 <= key[0] < 2**62:
        raise Invalid("The cursor is not one of this list.")
    return key[0]


def _place_in(key: list[Any]) -> tuple[datetime, int]:
    try:
        instant, index = datetime.fromisoformat(key[0]), int(key[1])
        if instant.tzinfo is None or not 0 <= index < 2**62:
            raise ValueError(key)
        return instant, index
    except (ValueError, TypeError, IndexError) as error:
        raise Invalid("The cursor is not one of this list.") from error


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.state.runtime
    return runtime


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
