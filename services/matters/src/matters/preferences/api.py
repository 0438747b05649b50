"""HTTP in: how a client wants to hear from the firm."""

from datetime import time
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from matters import access
from matters.clients.models import Client
from matters.preferences import actions
from matters.preferences.models import ClientPreferences
from matters.sealed import opened
from shared import revisions
from shared.accesses import record_access
from shared.auth import Caller
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.policy import PolicyTable
from shared.revisions import IfMatch
from shared.values import Preferences, Prose

POLICY: PolicyTable = {
    "read preferences": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "set preferences": {
        "partner": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
}

router = APIRouter(prefix="/v1/clients", tags=["preferences"], route_class=IdempotentRoute)


def _on_the_minute(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("a time on the clocks of the client's zone, in whole minutes: 21:30")
    return value


WallClock = Annotated[time, AfterValidator(_on_the_minute)]


class HowToTell(BaseModel):
    """`preferences`: purpose → channel or format, such as `updates: call`. Quiet hours are by the
    clocks of the client's zone, in whole minutes, and may span midnight; `language` is BCP 47."""

    model_config = ConfigDict(extra="forbid")
    preferences: Preferences = {}
    quiet_from: WallClock | None = None
    quiet_until: WallClock | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    accessibility: Prose = ""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("quiet hours have a beginning and an end")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError("quiet hours leave some time in which the client can be told")
        return self


@router.get("/{client_id}/preferences")
async def get_preferences(
    client_id: UUID, caller: Caller, session: Transaction, request: Request, response: Response
) -> HowToTell:
    await access.hold_key(request, Client, client_id)
    client = await access.client(session, caller, POLICY, "read preferences", client_id)
    await record_access(session, caller, client_id, "client")
    kept = await session.get(ClientPreferences, client_id)
    return _shown(session, client, kept or ClientPreferences(client_id=client_id), response)


@router.put("/{client_id}/preferences")
async def put_preferences(
    client_id: UUID,
    body: HowToTell,
    caller: Caller,
    session: Transaction,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> HowToTell:
    """All of it. A wish that needs a consent (text messages, a newsletter) is refused without."""
    await access.hold_key(request, Client, client_id)
    client = await access.client(session, caller, POLICY, "set preferences", client_id)
    facts = body.model_dump()
    kept = await actions.prefer(session, client, by=caller.id, if_match=if_match, **facts)
    return _shown(session, client, kept, response)


def _shown(
    session: Transaction, client: Client, kept: ClientPreferences, response: Response
) -> HowToTell:
    response.headers["ETag"] = revisions.etag(kept.revision)
    needs = opened(session, kept.accessibility) if kept.accessibility else ""
    return HowToTell(
        preferences=client.preferences,
        quiet_from=kept.quiet_from,
        quiet_until=kept.quiet_until,
        language=kept.language,
        accessibility=needs,
    )
