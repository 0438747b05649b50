"""HTTP in: consents, disclosures, and who has seen a client's file."""

from base64 import b64decode
from binascii import Error as NotBase64
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select, tuple_
from sqlmodel import col

import matters.joint_clients.queries as joint_clients
import matters.staff.queries as staff
from matters import access
from matters.clients.models import Client
from matters.consents import actions
from matters.consents.models import Consent, Disclosure, FileView
from matters.local_time import PointInTime
from matters.sealed import opened, opened_bytes
from shared.accesses import record_access
from shared.auth import Caller
from shared.contracts.matters import DisclosureBasis
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.values import Line, Reason, Slug

POLICY: PolicyTable = {
    "read confidences": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "keep consents": {"partner": "any", "attorney": "team", "client": "self"},
    "disclose": {"partner": "any", "attorney": "team"},
}

router = APIRouter(prefix="/v1", tags=["confidentiality"], route_class=IdempotentRoute)
Document = Annotated[str, StringConstraints(max_length=900_000)]


class NewConsent(BaseModel):
    """What may be told (`scope`) to whom, for which `purpose`; without a matter about all of
    theirs, without `expires_at` until it is withdrawn."""

    model_config = ConfigDict(extra="forbid")
    matter_id: UUID | None = None
    purpose: Slug
    recipient: Line
    scope: Reason
    expires_at: PointInTime | None = None


class NewDisclosure(BaseModel):
    """`grounds`: the law, the court and its file number, or how the consent covers it. By consent
    the `recipient` is whom that names. With a court's order its `document`, base64."""

    model_config = ConfigDict(extra="forbid")
    matter_id: UUID | None = None
    basis: DisclosureBasis
    purpose: Slug
    consent_id: UUID | None = None
    recipient: Line
    content: Reason
    grounds: Reason
    document: Document | None = None


class ConsentShown(BaseModel):
    id: UUID
    client_id: UUID
    matter_id: UUID | None
    purpose: str
    recipient: str
    scope: str
    given_by: UUID
    granted_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None


class DisclosureShown(BaseModel):
    id: UUID
    client_id: UUID
    matter_id: UUID | None
    basis: DisclosureBasis
    purpose: str
    consent_id: UUID | None
    recipient: str
    content: str
    grounds: str
    has_document: bool
    made_by: UUID
    made_at: datetime


class ViewShown(BaseModel):
    """Somebody with this role read so often between the two instants."""

    caller_id: UUID
    role: str
    purpose: str
    count: int
    first_at: datetime
    last_at: datetime


@router.post("/clients/{client_id}/consents", status_code=201)
async def post_consent(
    client_id: UUID, body: NewConsent, caller: Caller, session: Transaction, request: Request
) -> ConsentShown:
    """By the client, or entered for them by who works for them."""
    await access.hold_key(request, Client, client_id)
    await _client(session, caller, "keep consents", client_id, body.matter_id)
    consent = await actions.grant(session, client_id=client_id, by=caller.id, **body.model_dump())
    return _consent(session, consent)


@router.get("/clients/{client_id}/consents")
async def list_consents(
    client_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[ConsentShown]:
    """Also withdrawn and expired ones, in the order of granting."""
    await access.hold_keys_of_entries(request, client_id)
    await _client(session, caller, "read confidences", client_id, None)
    theirs = select(Consent).where(col(Consent.client_id).in_(joint_clients.entries(client_id)))
    found = (await session.execute(one_page(theirs, Consent.consent_id, paging))).scalars().all()
    return page(
        found, paging, lambda row: _consent(session, row), lambda row: [str(row.consent_id)]
    )


@router.post("/consents/{consent_id}/withdraw")
async def post_withdrawal(
    consent_id: UUID, caller: Caller, session: Transaction, request: Request
) -> ConsentShown:
    """Nothing more is disclosed by it; what was, stands on the record."""
    await access.hold_key(request, Consent, consent_id)
    permit(POLICY, caller, "keep consents")
    consent = await session.get(Consent, consent_id)
    if consent is None:
        raise NotFound(access.NOTHING)
    # Who left a matter of joint clients takes back what they allowed in it.
    matter_id = None if caller.role == "client" else consent.matter_id
    await _client(session, caller, "keep consents", consent.client_id, matter_id)
    await actions.withdraw(session, consent, by=caller.id)
    return _consent(session, consent)


@router.post("/clients/{client_id}/disclosures", status_code=201)
async def post_disclosure(
    client_id: UUID, body: NewDisclosure, caller: Caller, session: Transaction, request: Request
) -> DisclosureShown:
    """Refused without a basis that stands now."""
    await access.hold_key(request, Client, client_id)
    await _client(session, caller, "disclose", client_id, body.matter_id)
    facts = body.model_dump(exclude={"document"})
    disclosure = await actions.disclose(
        session,
        client_id=client_id,
        by=(await staff.member(session, caller)).staff_id,
        document=_decoded(body.document),
        **facts,
    )
    return _disclosure(session, disclosure)


@router.get("/clients/{client_id}/disclosures")
async def list_disclosures(
    client_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[DisclosureShown]:
    """To whom what was told, and on which basis."""
    await access.hold_keys_of_entries(request, client_id)
    await _client(session, caller, "read confidences", client_id, None)
    theirs = select(Disclosure).where(
        col(Disclosure.client_id).in_(joint_clients.entries(client_id))
    )
    wanted = one_page(theirs, Disclosure.disclosure_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    return page(
        found, paging, lambda row: _disclosure(session, row), lambda row: [str(row.disclosure_id)]
    )


@router.get(
    "/disclosures/{disclosure_id}/document",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_document(
    disclosure_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Response:
    """The court's order on which it was made, byte for byte as it was sent."""
    permit(POLICY, caller, "read confidences")
    await access.hold_key(request, Disclosure, disclosure_id)
    disclosure = await session.get(Disclosure, disclosure_id)
    if disclosure is None:
        raise NotFound(access.NOTHING)
    client_id, matter_id = disclosure.client_id, disclosure.matter_id
    await _client(session, caller, "read confidences", client_id, matter_id)
    if disclosure.document is None:
        raise NotFound("It was made without a court's order, and has no document.")
    return Response(
        opened_bytes(session, disclosure.document),
        media_type="application/octet-stream",
        headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
    )


@router.get("/clients/{client_id}/views")
async def list_views(
    client_id: UUID, caller: Caller, session: Transaction, paging: PageQuery
) -> Page[ViewShown]:
    """Who has seen the file, the first first, as all services told it: some minutes late."""
    await _client(session, caller, "read confidences", client_id, None)
    key = tuple_(FileView.first_at, FileView.caller_id, FileView.purpose, FileView.client_id)
    entries = joint_clients.entries(client_id)
    wanted = select(FileView).where(col(FileView.client_id).in_(entries))
    if paging.after is not None:
        wanted = wanted.where(key > tuple_(*_place(paging.after)))
    found = (await session.execute(wanted.order_by(key).limit(paging.limit + 1))).scalars().all()
    return page(
        found,
        paging,
        lambda row: ViewShown(**row.model_dump(exclude={"client_id"})),
        lambda row: [
            row.first_at.isoformat(),
            str(row.caller_id),
            row.purpose,
            str(row.client_id),
        ],
    )


async def _client(
    session: Transaction, caller: Caller, action: str, client_id: UUID, matter_id: UUID | None
) -> None:
    await access.client(session, caller, POLICY, action, client_id)
    if matter_id is not None:
        await access.matter(session, caller, POLICY, action, matter_id)
        members = await joint_clients.members(session, matter_id)
        there = [one for one in members if one.client_id == client_id]
        if not there or (there[0].left_at is not None and action != "read confidences"):
            raise NotFound(access.NOTHING)
    if action == "read confidences":
        await record_access(session, caller, client_id, "client")


def _place(after: list[object]) -> tuple[datetime, UUID, str, UUID]:
    try:
        first_at, caller_id, purpose, client_id = (str(one) for one in after)
        return datetime.fromisoformat(first_at), UUID(caller_id), purpose, UUID(client_id)
    except ValueError as error:
        raise Invalid("The cursor is not of this list; take it from its `next`.") from error


def _decoded(document: str | None) -> bytes | None:
    try:
        return None if document is None else b64decode(document, validate=True)
    except (NotBase64, ValueError) as error:
        raise Invalid("The document is not base64.") from error


def _consent(session: Transaction, row: Consent) -> ConsentShown:
    words = {name: opened(session, getattr(row, name)) for name in ("recipient", "scope")}
    facts = row.model_dump(exclude={"consent_id", "recipient", "scope"})
    return ConsentShown.model_validate(facts | words | {"id": row.consent_id})


def _disclosure(session: Transaction, row: Disclosure) -> DisclosureShown:
    words = {
        name: opened(session, getattr(row, name)) for name in ("recipient", "content", "grounds")
    }
    facts = row.model_dump(exclude={"disclosure_id", "document", *words})
    facts |= {"id": row.disclosure_id, "has_document": row.document is not None}
    return DisclosureShown.model_validate(facts | words)
