"""HTTP in: calendars, dues, clock policies and clocks (interface: docs/openapi.yaml)."""

import asyncio
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import col

import shared.clock
from shared.accesses import record_access, record_accesses
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Invalid, NotFound, PreconditionFailed
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, Relation, permit
from sla_monitor import access, publishing, queries, telling
from sla_monitor.calendar import CalendarDraft, PublishedCalendar
from sla_monitor.counting import Due, Duration, Line, Mode, due
from sla_monitor.models import Calendar, Clock, Kind, State
from sla_monitor.rules import ClockPolicy, explained, scaled

MOST_DUES, MOST_LINES = 10_000, 200_000

POLICY: PolicyTable = {
    "publish calendars": {"partner": "any", "operations": "any"},
    "read calendars": dict.fromkeys(
        ("partner", "attorney", "paralegal", "billing", "compliance", "operations", "integration"),
        "any",
    ),
    "publish clock policies": {"partner": "any", "operations": "any"},
    "read clocks": {
        **dict.fromkeys(
            ("partner", "attorney", "paralegal", "compliance", "operations", "integration"), "any"
        ),
        "client": "self",
    },
}

router = APIRouter(tags=["clocks"], route_class=IdempotentRoute)
IfMatch = Annotated[str | None, Header()]


class CalendarShown(PublishedCalendar):
    """A version of a calendar, with its holidays as they were frozen."""

    id: UUID
    version: int
    published_at: datetime


class DueAsked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    start: AwareDatetime
    amount: Duration
    mode: Mode


class Stretch(BaseModel):
    """A stretch of time that counted, or why it did not: weekend, holiday, override, closed or
    pause. `name` is the holiday's name or the pause's id, `day` the date in the calendar's zone."""

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    counted: bool
    reason: str | None = None
    name: str | None = None
    day: date | None = None


class DueShown(BaseModel):
    due: datetime
    explanation: list[Stretch]


class ClockShown(BaseModel):
    """`target_at` and `limit_at` are null while the clock waits for the client."""

    id: UUID
    kind: Kind
    state: State
    revision: int
    conversation_id: UUID
    client_id: UUID | None
    matter_id: UUID | None
    message_ids: list[UUID]
    opened_at: datetime
    urgent: bool
    target_at: datetime | None
    limit_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    met_at: datetime | None
    time_zone: str
    policy_version: int
    calendar_id: UUID | None
    calendar_version: int


class Explanation(BaseModel):
    """What was counted from the start to the limit, or to now while the clock waits."""

    clock: ClockShown
    mode: Mode
    target: Duration
    limit: Duration
    explanation: list[Stretch]


@router.post("/v1/calendars", status_code=201)
async def post_calendar(
    draft: CalendarDraft, caller: Caller, session: Transaction
) -> CalendarShown:
    """Publish a calendar. Look at the holidays in the answer before the firm uses it."""
    permit(POLICY, caller, "publish calendars")
    return _calendar_shown(await publishing.publish_calendar(session, draft, caller.id))


@router.get("/v1/calendars")
async def list_calendars(
    caller: Caller, session: Transaction, request: PageQuery
) -> Page[CalendarShown]:
    """The newest version of each calendar, oldest calendar first."""
    permit(POLICY, caller, "read calendars")
    wanted = one_page(queries.newest_calendars(), Calendar.calendar_id, request)
    rows = (await session.execute(wanted)).scalars().all()
    return page(rows, request, _calendar_shown, lambda row: [str(row.calendar_id)])


@router.get("/v1/calendars/{calendar_id}")
async def get_calendar(
    calendar_id: UUID, caller: Caller, session: Transaction, response: Response
) -> CalendarShown:
    permit(POLICY, caller, "read calendars")
    row = await _calendar(session, calendar_id)
    response.headers["ETag"] = _etag(row.version)
    return _calendar_shown(row)


@router.put("/v1/calendars/{calendar_id}")
async def put_calendar(
    calendar_id: UUID,
    draft: CalendarDraft,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> CalendarShown:
    """Publish the next version. Running clocks are recomputed under it."""
    permit(POLICY, caller, "publish calendars")
    row = await _calendar(session, calendar_id)
    _check_version(if_match, row.version)
    row = await publishing.publish_calendar(session, draft, caller.id, replaces=row)
    response.headers["ETag"] = _etag(row.version)
    return _calendar_shown(row)


@router.post("/v1/calendars/{calendar_id}/due", response_model=DueShown | list[DueShown])
async def post_due(
    calendar_id: UUID,
    asked: DueAsked | Annotated[list[DueAsked], Field(max_length=MOST_DUES)],
    caller: Caller,
    request: Request,
) -> Response:
    """When an amount of time will have been counted, and how; one, or a list of up to 10,000."""
    permit(POLICY, caller, "read calendars")
    async with request.state.runtime.db.transaction() as session:  # a long count holds none open
        row = await _calendar(session, calendar_id)
        calendar = await queries.calendar_value(session, calendar_id, row.version)
    one = isinstance(asked, DueAsked)

    def count() -> bytes:
        shown, lines = [], 0
        for each in [asked] if isinstance(asked, DueAsked) else asked:
            answer = due(calendar, each.start, each.amount, each.mode)
            lines += len(answer.explanation)
            if lines > MOST_LINES:
                raise Invalid("The explanations get too long: ask for fewer or shorter dues.")
            shown.append(_due_shown(answer))
        return orjson.dumps(shown[0] if one else shown, option=orjson.OPT_UTC_Z)

    return Response(await asyncio.to_thread(count), media_type="application/json")


@router.get("/v1/clock-policies/{kind}")
async def get_clock_policy(
    kind: Kind, caller: Caller, session: Transaction, response: Response
) -> ClockPolicy:
    """The promise in force for clocks of this kind; its version is the ETag."""
    permit(POLICY, caller, "read calendars")
    version, policy = await queries.newest_policy(session, kind)
    response.headers["ETag"] = _etag(version)
    return policy


@router.put("/v1/clock-policies/{kind}")
async def put_clock_policy(
    kind: Kind,
    policy: ClockPolicy,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> ClockPolicy:
    """Make the next version. Running clocks are recomputed under it; past breaches stand."""
    permit(POLICY, caller, "publish clock policies")
    version, _ = await queries.newest_policy(session, kind)
    _check_version(if_match, version)
    await publishing.publish_policy(session, kind, policy, version + 1, caller.id)
    response.headers["ETag"] = _etag(version + 1)
    return policy


@router.get("/v1/clocks")
async def list_clocks(
    caller: Caller,
    session: Transaction,
    request: PageQuery,
    matter_id: UUID | None = None,
    message_id: UUID | None = None,
    conversation_id: UUID | None = None,
    client_id: UUID | None = None,
    kind: Kind | None = None,
    state: State | None = None,
) -> Page[ClockShown]:
    """Clocks, oldest first. `message_id` finds the acknowledgment and the response clock."""
    relation = permit(POLICY, caller, "read clocks")
    wanted = select(Clock).where(access.not_walled_off(caller))
    for column, value in (
        (Clock.matter_id, matter_id),
        (Clock.conversation_id, conversation_id),
        (Clock.kind, kind),
        (Clock.state, state),
    ):
        if value is not None:
            wanted = wanted.where(col(column) == value)
    client_id = caller.client_id if relation == "self" else client_id
    if client_id is not None:
        wanted = wanted.where(queries.of_client(client_id))
    if message_id is not None:
        wanted = wanted.where(col(Clock.clock_id).in_(queries.clocks_of(message_id)))
    rows = (await session.execute(one_page(wanted, Clock.clock_id, request))).scalars().all()
    concerned = (row.client_id for row in rows[: request.limit] if row.client_id)
    await record_accesses(session, caller, concerned, "clock")
    return page(rows, request, _clock_shown, lambda row: [str(row.clock_id)])


@router.get("/v1/clocks/{clock_id}/explanation")
async def explain_clock(clock_id: UUID, caller: Caller, session: Transaction) -> Explanation:
    """Counted and skipped stretches with reasons, under the versions the clock is pinned to."""
    clock = await access.readable_clock(session, clock_id, caller)
    own = clock is not None and await access.is_own(session, clock, caller)
    relations: list[Relation] = ["self"] if own else []
    permit(POLICY, caller, "read clocks", relations)
    if clock is None:
        raise NotFound("There is no such clock.")
    if clock.client_id is not None:
        await record_access(session, caller, clock.client_id, "clock")
    terms = await queries.pinned_terms(session, clock)
    until = clock.limit_at or max(shared.clock.now(), clock.opened_at)
    course = telling.course_of(clock)
    promise = scaled(terms.policy, clock.within)
    if clock.urgent_at is not None and promise.urgent is not None:
        mode, target, limit = Mode.ELAPSED, promise.urgent.target, promise.urgent.limit
    else:
        mode, target, limit = promise.mode, promise.target, promise.limit
    return Explanation(
        clock=_clock_shown(clock),
        mode=mode,
        target=target,
        limit=limit,
        explanation=[
            Stretch.model_validate(_line_shown(line))
            for line in explained(terms.calendar, terms.policy, course, until)
        ],
    )


async def _calendar(session: Transaction, calendar_id: UUID) -> Calendar:
    row = await queries.newest_calendar(session, calendar_id)
    if row is None:
        raise NotFound("There is no such calendar.")
    return row


def _calendar_shown(row: Calendar) -> CalendarShown:
    return CalendarShown(
        id=row.calendar_id,
        version=row.version,
        published_at=row.published_at,
        **row.document,
    )


def _clock_shown(clock: Clock) -> ClockShown:
    return ClockShown(
        id=clock.clock_id,
        message_ids=[each.message_id for each in clock.messages],
        urgent=clock.urgent_at is not None,
        **clock.model_dump(exclude={"clock_id", "message_id", "urgent_at", "within"}),
    )


def _due_shown(answer: Due) -> dict[str, Any]:
    return {"due": answer.due, "explanation": [_line_shown(line) for line in answer.explanation]}


def _line_shown(line: Line) -> dict[str, Any]:
    return {
        "from": line.start,
        "to": line.end,
        "counted": line.counted,
        "reason": line.reason,
        "name": line.name,
        "day": line.day,
    }


def _etag(version: int) -> str:
    return f'"{version}"'


def _check_version(if_match: str | None, version: int) -> None:
    if if_match not in (None, "*", _etag(version)):
        raise PreconditionFailed(f"The newest version is {version}: read it, then write again.")
