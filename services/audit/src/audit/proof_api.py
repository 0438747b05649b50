"""HTTP in: proofs for people and for their programs: that something is in the log, and that one
log is the beginning of another; in hashes and in words."""

from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from audit import access, proofs, queries, rows, words
from audit.access import POLICY
from shared import accesses
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.pages import Page, PageQuery, page
from shared.policy import permit
from shared.runtime import Runtime

router = APIRouter(prefix="/v1/record", tags=["record"])


class InclusionProof(BaseModel):
    """RFC 6962 §2.1.1, hashes in base64, lowest first. `checkpoint` is the signed note of exactly
    `size` entries, null when the log never signed that size."""

    event_id: UUID
    index: int
    size: int
    leaf_hash: str
    root: str
    proof: list[str]
    checkpoint: str | None
    in_words: list[str]


class ConsistencyProof(BaseModel):
    """RFC 6962 §2.1.2, hashes in base64; the checkpoints as in InclusionProof."""

    from_size: int
    to_size: int
    from_root: str
    to_root: str
    proof: list[str]
    from_checkpoint: str | None
    to_checkpoint: str | None
    in_words: list[str]


class SignedCheckpoint(BaseModel):
    """A size that the log signed: the C2SP note, and when."""

    size: int
    signed_at: AwareDatetime
    note: str


@router.get("/checkpoints")
async def list_checkpoints(
    caller: Caller,
    session: Transaction,
    paging: PageQuery,
    after: Annotated[int, Query(ge=-1, le=2**62)] = -1,
) -> Page[SignedCheckpoint]:
    """Every checkpoint that the log signed with more than `after` entries, smallest first."""
    permit(POLICY, caller, "read proofs")
    start = _index_in(paging.after) if paging.after else after
    found = await proofs.signed_after(session, start, paging.limit + 1)
    return page(
        found,
        paging,
        lambda one: SignedCheckpoint(size=one.size, signed_at=one.at, note=one.note),
        lambda one: [one.size],
    )


@router.get("/proofs/inclusion")
async def prove_inclusion(
    caller: Caller, session: Transaction, event_id: UUID, size: int | None = None
) -> InclusionProof:
    """That an event is in the log: in the newest tree, or in the one of `size` entries."""
    permit(POLICY, caller, "read proofs")
    of_size = await _known_size(session, size)
    index = await proofs.index_of(session, event_id)
    if index is None or index >= of_size:
        raise NotFound("The tree of that size does not hold that event.")
    return await _inclusion(session, event_id, index, of_size)


@router.get("/proofs/inclusions")
async def prove_inclusions(
    request: Request,
    caller: Caller,
    session: Transaction,
    paging: PageQuery,
    message_id: UUID | None = None,
    matter_id: UUID | None = None,
    size: int | None = None,
) -> Page[InclusionProof]:
    """That every event of a message, or of a matter, is in the log of `size` entries. The pages
    after the first keep the size of the first."""
    if (message_id is None) == (matter_id is None):
        raise Invalid("Say of what: message_id, or matter_id.")
    keys = _runtime(request).keys
    if message_id:
        selection = await access.selection_of_message(session, keys, caller, message_id)
    else:
        selection = await access.selection(session, keys, caller, None, matter_id)
    start, of_size = _place_in(paging.after) if paging.after else (-1, size)
    of_size = await _known_size(session, of_size)
    found = await queries.entries_after(session, selection, start, paging.limit + 1, of_size)
    await accesses.record_accesses(session, caller, selection.clients, "entries")
    proved = {
        row.index: await _inclusion(session, row.event_id, row.index, of_size)
        for row in found[: paging.limit]
    }
    return page(found, paging, lambda row: proved[row.index], lambda row: [row.index, of_size])


@router.get("/proofs/consistency")
async def prove_consistency(
    caller: Caller,
    session: Transaction,
    old: Annotated[int, Query(alias="from", ge=1)],
    new: Annotated[int | None, Query(alias="to", ge=1)] = None,
) -> ConsistencyProof:
    """That the tree of `to` entries begins with the tree of `from` entries."""
    permit(POLICY, caller, "read proofs")
    to = await _known_size(session, new)
    if old > to:
        raise Invalid(f"There is no consistency proof from {old} to {to}.")
    before, after = await proofs.signed(session, old), await proofs.signed(session, to)
    return ConsistencyProof(
        from_size=old,
        to_size=to,
        from_root=_base64(await proofs.root(session, old)),
        to_root=_base64(await proofs.root(session, to)),
        proof=[_base64(one) for one in await proofs.consistency(session, old, to)],
        from_checkpoint=before.note if before else None,
        to_checkpoint=after.note if after else None,
        in_words=words.consistency_words(
            old, to, before.at if before else None, after.at if after else None
        ),
    )


async def _inclusion(
    session: AsyncSession, event_id: UUID, index: int, of_size: int
) -> InclusionProof:
    leaf = await rows.stored(session, [(0, index)])
    steps = await proofs.inclusion(session, index, of_size)
    signed = await proofs.signed(session, of_size)
    return InclusionProof(
        event_id=event_id,
        index=index,
        size=of_size,
        leaf_hash=_base64(leaf[0, index]),
        root=_base64(await proofs.root(session, of_size)),
        proof=[_base64(one) for one in steps],
        checkpoint=signed.note if signed else None,
        in_words=words.inclusion_words(index, of_size, len(steps), signed.at if signed else None),
    )


async def _known_size(session: AsyncSession, size: int | None) -> int:
    newest = await proofs.size(session)
    if size is not None and not 0 < size <= newest:
        raise Invalid(f"The log has {newest} entries; ask for a size from 1 to that.")
    return newest if size is None else size


def _index_in(key: list[Any]) -> int:
    if len(key) != 1 or not isinstance(key[0], int) or not 0 <= key[0] < 2**62:
        raise Invalid("The cursor is not one of this list.")
    return key[0]


def _place_in(key: list[Any]) -> tuple[int, int]:
    if len(key) != 2 or not all(isinstance(one, int) and 0 <= one < 2**62 for one in key):
        raise Invalid("The cursor is not one of this list.")
    return key[0], key[1]


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.state.runtime
    return runtime


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
