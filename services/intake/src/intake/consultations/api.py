"""HTTP in: requests for a consultation, from strangers and from staff, and what becomes of them."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlmodel import col
from starlette.requests import ClientDisconnect

import intake.directory.queries as directory
from intake import access
from intake.access import TABLE
from intake.consultations import actions, queries
from intake.consultations.actions import Named
from intake.consultations.models import Consultation, State
from intake.consultations.room import Room
from intake.open_door import OPEN, OpenRoute
from shared import clock
from shared.accesses import record_access, record_accesses
from shared.auth import Caller, CallerIdentity
from shared.contracts import Sealed
from shared.contracts.intake import ConsultationChannel
from shared.db import Transaction
from shared.errors import Invalid
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.keyring import unseal
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import permit
from shared.runtime import Runtime
from shared.values import EmailAddress, Line, PhoneNumber, Prose, Slug, TimeZone

STATEMENT = (
    "Sending this form creates no attorney-client relationship. Please tell us nothing confidential"
    " yet: until we have checked that we may act for you, we ask only who is concerned."
)


class FormRoute(OpenRoute):
    """A stranger is refused before anything that they send is read, and has a place only when all
    of it is there: who sends slowly keeps nobody out."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_in_turn(request: Request) -> Response:
            if request.method != "POST":
                return await handle(request)
            room: Room = request.app.state.room
            room.require_room()
            try:
                await request.body()
            except ClientDisconnect as error:
                raise Invalid("The form ended early; send it again.") from error
            with room.place():
                return await handle(request)

        return handle_in_turn


public = APIRouter(prefix="/v1/consultation-requests", tags=["intake"], route_class=FormRoute)
router = APIRouter(prefix="/v1/consultations", tags=["intake"], route_class=IdempotentRoute)


class NewParty(BaseModel):
    """Somebody else who is concerned; `also` are former and other names."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["related", "adverse"]
    kind: Literal["person", "company"] = "person"
    name: Line
    also: Annotated[list[Line], Field(max_length=10)] = []


class Asking(BaseModel):
    """Only what the conflict check and an answer need: there is no field for the story."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    also: Annotated[list[Line], Field(max_length=10)] = []
    kind: Literal["person", "company"] = "person"
    email: EmailAddress
    phone: PhoneNumber | None = None
    time_zone: TimeZone | None = None
    practice_area: Slug
    parties: Annotated[list[NewParty], Field(max_length=99)] = []


class RequestByForm(Asking):
    """`understood`: that no attorney-client relationship comes of it."""

    understood: Literal[True]


class RequestByStaff(Asking):
    """A phone note, a mail or a referral; `client_id` when a client asks again."""

    source: Literal["phone", "mail", "referral"]
    client_id: UUID | None = None
    point_of_contact_id: UUID | None = None


class RequestTaken(BaseModel):
    id: UUID
    requested_at: datetime
    statement: str = STATEMENT


class PartyShown(BaseModel):
    role: str
    kind: str
    name: str
    also: list[str]


class Duplicate(BaseModel):
    client_id: UUID
    because: str


class Note(BaseModel):
    """What was said."""

    model_config = ConfigDict(extra="forbid")
    needs: Annotated[Prose, Field(min_length=1)]
    objectives: Annotated[Prose, Field(min_length=1)]
    strategies: Prose = ""
    limitation_dates: Annotated[list[Line], Field(max_length=20)] = []
    next_steps: Annotated[Prose, Field(min_length=1)]


class ConsultationListed(BaseModel):
    id: UUID
    client_id: UUID
    state: State
    source: str
    name: str | None
    email: str | None
    phone: str | None
    time_zone: str
    practice_area: str
    point_of_contact_id: UUID | None
    requested_at: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    channel: ConsultationChannel | None
    place: str | None
    held_at: datetime | None
    declined_at: datetime | None


class ConsultationShown(ConsultationListed):
    """`duplicates`: who may be the same person; nothing is joined by itself."""

    parties: list[PartyShown]
    duplicates: list[Duplicate]
    note: Note | None


class MoreParties(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parties: Annotated[list[NewParty], Field(min_length=1, max_length=50)]


class Schedule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    staff_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    channel: ConsultationChannel
    place: Line

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Schedule":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class Held(BaseModel):
    model_config = ConfigDict(extra="forbid")
    staff_id: UUID
    channel: ConsultationChannel
    held_at: AwareDatetime
    note: Note


class Decline(BaseModel):
    """`by`: who does not want to go on. Nothing about a conflict is told to the person."""

    model_config = ConfigDict(extra="forbid")
    by: Literal["firm", "client"]
    reasons: Annotated[Prose, Field(min_length=1)]


@public.post("", status_code=201, openapi_extra=OPEN)
async def post_request(body: RequestByForm, session: Transaction, request: Request) -> RequestTaken:
    """Ask for a consultation; no account is needed. What the check finds is not said here."""
    runtime: Runtime = request.state.runtime
    async with runtime.db.transaction() as looking:
        await actions.require_room(looking)
    row = await _asked(request, session, body, source="form")
    return RequestTaken(id=row.consultation_id, requested_at=row.requested_at)


@router.post("", status_code=201)
async def post_consultation(
    body: RequestByStaff, caller: Caller, session: Transaction, request: Request
) -> RequestTaken:
    permit(TABLE, caller, "take consultations")
    async with request.state.runtime.db.transaction() as looking:
        await access.require_named(looking, caller, [body.client_id])
    row = await _asked(
        request,
        session,
        body,
        source=body.source,
        client_id=body.client_id,
        point_of_contact_id=body.point_of_contact_id,
        taken_by=caller.id,
    )
    return RequestTaken(id=row.consultation_id, requested_at=row.requested_at)


@router.get("")
async def list_consultations(
    caller: Caller, session: Transaction, paging: PageQuery, state: State | None = None
) -> Page[ConsultationListed]:
    """Those that the caller may read, oldest first."""
    relation = permit(TABLE, caller, "read consultations")
    wanted = one_page(queries.newest(), Consultation.consultation_id, paging)
    wanted = wanted.where(access.not_walled_off(caller))
    if state is not None:
        wanted = wanted.where(col(Consultation.state) == state)
    if relation == "self":
        own = await directory.entries(session, caller.client_id)
        wanted = wanted.where(col(Consultation.client_id).in_(own))
    if relation == "team":
        staff_id = await directory.staff_id_of(session, caller)
        wanted = wanted.where(queries.seen_by(staff_id, caller.id))
    rows = list((await session.execute(wanted)).scalars())
    concerned = (row.client_id for row in rows[: paging.limit])
    await record_accesses(session, caller, concerned, "list")
    return page(rows, paging, _listed, lambda row: [str(row.consultation_id)])


@router.get("/{consultation_id}")
async def get_consultation(
    consultation_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ConsultationShown:
    client_id = await access.holding(request, caller, "read consultations", consultation_id)
    await record_access(session, caller, client_id, "client")
    row = await queries.consultation(session, consultation_id)
    return await _shown(session, caller, row)


@router.post("/{consultation_id}/parties")
async def post_parties(
    consultation_id: UUID,
    body: MoreParties,
    caller: Caller,
    session: Transaction,
    request: Request,
) -> ConsultationShown:
    """More people are concerned: the conflict check runs again."""
    await access.holding(request, caller, "work on consultations", consultation_id)
    row = await actions.add_parties(session, consultation_id, _named(body.parties))
    return await _shown(session, caller, row)


@router.post("/{consultation_id}/schedule")
async def post_schedule(
    consultation_id: UUID,
    body: Schedule,
    caller: Caller,
    session: Transaction,
    request: Request,
) -> ConsultationShown:
    """Give it a time, or another; the person gets an invitation."""
    await access.holding(request, caller, "work on consultations", consultation_id)
    row = await actions.schedule(session, consultation_id, **body.model_dump())
    return await _shown(session, caller, row)


@router.post("/{consultation_id}/cancel")
async def post_cancel(
    consultation_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ConsultationShown:
    await access.holding(request, caller, "work on consultations", consultation_id)
    return await _shown(session, caller, await actions.call_off(session, consultation_id))


@router.post("/{consultation_id}/hold")
async def post_hold(
    consultation_id: UUID, body: Held, caller: Caller, session: Transaction, request: Request
) -> ConsultationShown:
    """It took place: note what was said."""
    await access.holding(request, caller, "work on consultations", consultation_id)
    row = await actions.hold(session, consultation_id, **body.model_dump())
    return await _shown(session, caller, row)


@router.post("/{consultation_id}/decline")
async def post_decline(
    consultation_id: UUID,
    body: Decline,
    caller: Caller,
    session: Transaction,
    request: Request,
) -> ConsultationShown:
    """Nothing will come of it; a non-engagement letter goes out."""
    await access.holding(request, caller, "work on consultations", consultation_id)
    row = await actions.decline(
        session,
        consultation_id,
        by_firm=body.by == "firm",
        reasons=body.reasons,
        by=caller.id,
    )
    return await _shown(session, caller, row)


async def _asked(
    request: Request,
    session: Transaction,
    body: Asking,
    *,
    source: Literal["form", "phone", "mail", "referral"],
    client_id: UUID | None = None,
    point_of_contact_id: UUID | None = None,
    taken_by: UUID | None = None,
) -> Consultation:
    await request.state.runtime.keys.hold(client_id or (fresh := new_id()), create=not client_id)
    if client_id is not None and await directory.unmerged(session, client_id) is None:
        raise directory.unknown(client_id)
    if point_of_contact_id is not None:
        await directory.active_staff(session, point_of_contact_id)
    row = Consultation(
        consultation_id=new_id(),
        client_id=client_id or fresh,
        known_client=client_id is not None,
        source=source,
        time_zone=body.time_zone or await directory.time_zone(session),
        requested_at=clock.now(),
        **body.model_dump(include={"kind", "name", "email", "phone", "practice_area"}),
        point_of_contact_id=point_of_contact_id,
        taken_by=taken_by,
    )
    return await actions.request(session, row, also=body.also, others=_named(body.parties))


def _named(parties: list[NewParty]) -> list[Named]:
    return [Named(one.role, one.kind, one.name, one.also) for one in parties]


def _listed(row: Consultation) -> ConsultationListed:
    return ConsultationListed(
        id=row.consultation_id,
        **row.model_dump(include=set(ConsultationListed.model_fields)),
    )


async def _shown(
    session: Transaction, caller: CallerIdentity, row: Consultation
) -> ConsultationShown:
    """A person sees what they said themselves, and never who else the firm knows."""
    for_client = caller.role == "client"
    parties = await queries.parties(session, row.consultation_id)
    duplicates = [] if for_client else await _duplicates(session, caller, row)
    sealed = None if for_client else row.note
    return ConsultationShown(
        **_listed(row).model_dump(),
        parties=[PartyShown.model_validate(one, from_attributes=True) for one in parties],
        duplicates=duplicates,
        note=_note(session, Sealed.model_validate(sealed)) if sealed else None,
    )


async def _duplicates(
    session: Transaction, caller: CallerIdentity, row: Consultation
) -> list[Duplicate]:
    """But for those behind a wall."""
    closed = await access.closed_clients(session, caller)
    return [
        Duplicate(client_id=who, because=why)
        for who, why in await queries.duplicates(session, row)
        if who not in closed
    ]


def _note(session: Transaction, sealed: Sealed) -> Note:
    return Note.model_validate(orjson.loads(unseal(session, sealed)))
