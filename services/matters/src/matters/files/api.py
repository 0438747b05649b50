"""HTTP in: hand a matter's file over to its client."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from sqlmodel import col

import matters.staff.queries as staff
from matters import access
from matters.files import actions, queries
from matters.files.models import FileHandover
from matters.files.queries import Given
from matters.local_time import PointInTime
from matters.matters.models import Matter
from matters.sealed import opened
from shared.accesses import record_access
from shared.auth import Caller
from shared.contracts.matters import FileChannel
from shared.db import Transaction
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable
from shared.values import Prose

POLICY: PolicyTable = {
    "read file handovers": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "hand files over": {"partner": "any", "attorney": "team", "paralegal": "team"},
}

router = APIRouter(prefix="/v1/matters", tags=["files"], route_class=IdempotentRoute)


class NewFileHandover(BaseModel):
    """`export_id` is a finished bundle of `POST /v1/record/exports`, of this matter or of the whole
    client. To the client (`client_id` is a joint one), or to a representative of theirs; `given_at`
    is now unless an earlier instant is given."""

    model_config = ConfigDict(extra="forbid")
    export_id: UUID
    channel: FileChannel
    given_at: PointInTime | None = None
    client_id: UUID | None = None
    representative_id: UUID | None = None
    note: Prose = ""


class FileHandoverShown(BaseModel):
    """What was given: the record up to `exported_at`, with `digest` (base64, SHA-256) of its list
    of files, by which the bundle is known again."""

    id: UUID
    matter_id: UUID
    export_id: UUID
    entries: int
    digest: str
    exported_at: datetime
    channel: FileChannel
    given_to: UUID
    given_by: UUID
    given_at: datetime
    note: str | None


@router.post("/{matter_id}/file-handovers", status_code=201)
async def post_file_handover(
    matter_id: UUID, body: NewFileHandover, caller: Caller, session: Transaction, request: Request
) -> FileHandoverShown:
    """The client has their file. Closing asks for it; it may be done again, and after closing."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "hand files over", matter_id)
    by = (await staff.member(session, caller)).staff_id
    return _shown(session, await actions.give(session, matter, by=by, **body.model_dump()))


@router.get("/{matter_id}/file-handovers")
async def list_file_handovers(
    matter_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[FileHandoverShown]:
    """Each time that the client got it, the first first."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read file handovers", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    its = queries.with_pack().where(col(FileHandover.matter_id) == matter_id)
    found = (await session.execute(one_page(its, FileHandover.handover_id, paging))).all()
    return page(
        [Given(*row) for row in found],
        paging,
        lambda one: _shown(session, one),
        lambda one: [str(one.handover.handover_id)],
    )


def _shown(session: Transaction, given: Given) -> FileHandoverShown:
    handover, pack = given
    note = opened(session, handover.note) if handover.note else None
    facts = pack.model_dump() | handover.model_dump(exclude={"handover_id", "note"})
    return FileHandoverShown.model_validate(facts | {"id": handover.handover_id, "note": note})
