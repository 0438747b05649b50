"""Close a matter. What is still owed, the client's file too, stands in the way until it is done, or
given up with a reason; a legal hold stops disposal, never closing. Retention counts from here."""

from collections.abc import Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

import matters.decisions.actions as decisions
import matters.decisions.queries as asked
import matters.files.queries as files
import matters.updates.actions as updates
from matters.clients.models import Client
from matters.closing import queries
from matters.closing.models import Closing
from matters.closing.queries import Open
from matters.closing.rules import FileGiven, about_the_file
from matters.files.queries import Given
from matters.matters.models import Matter
from matters.matters.queries import require_open
from matters.updates.rules import day
from shared import clock
from shared.contracts.matters import LeftOpen, MatterClosed
from shared.errors import Refusal
from shared.keyring import seal
from shared.outbox import emit


class StillOpen(Refusal):
    """Something is still owed in the matter: end it, or give it up with a reason."""


async def close(
    session: AsyncSession,
    matter: Matter,
    *,
    reason: str,
    letter: str,
    give_up: Mapping[UUID, str],
    by: UUID,
) -> Closing:
    """The closing letter goes out as the last update. Raises StillOpen with what stands in the
    way, and MatterClosed for the second of two at once. The client's key must be held."""
    await session.refresh(matter, with_for_update=True)
    require_open(matter)
    # Locked before what is open is counted: who answers now either was first, or hears of it.
    undecided = await asked.open_in(session, matter.matter_id, lock=True)
    given = await files.last_given(session, matter.matter_id)
    left = await _require_given_up(session, matter, given, give_up)
    for decision in undecided:
        await decisions.withdraw_each(session, [decision], give_up[decision.decision_id])
    last_words = await _about_the_file(session, matter, given, give_up.get(matter.matter_id, ""))
    await updates.write_last(session, matter, f"{letter.rstrip()}\n\n{last_words}", by=by)
    matter.closed_at = await clock.database_now(session)
    content = matter.client_id, matter.matter_id, "closing"
    told = MatterClosed(
        matter_id=matter.matter_id,
        client_id=matter.client_id,
        closed_at=matter.closed_at,
        closed_by=by,
        reason=seal(session, *content, "reason", reason),
        given_up=tuple(one.id for one in left),
        left_open=tuple(
            LeftOpen(**one._asdict(), reason=seal(session, *content, str(one.id), give_up[one.id]))
            for one in left
        ),
        file_handover_id=given.handover.handover_id if given else None,
    )
    emit(session, told)
    closing = _row(told)
    session.add(closing)
    return closing


async def _require_given_up(
    session: AsyncSession, matter: Matter, given: Given | None, give_up: Mapping[UUID, str]
) -> Sequence[Open]:
    left = await queries.still_open(session, matter.matter_id)
    left += [] if given else [Open(matter.matter_id, "file")]
    if in_the_way := [one for one in left if one.id not in give_up]:
        raise StillOpen(
            "Something is still owed in the matter: end it, or give it up with a reason.",
            open=[{"id": str(one.id), "kind": one.kind} for one in in_the_way],
        )
    return left


async def _about_the_file(
    session: AsyncSession, matter: Matter, given: Given | None, why_not: str
) -> str:
    if given is None:
        return about_the_file(None, why_not=why_not)
    client = await session.get_one(Client, matter.client_id)
    zone = ZoneInfo(client.time_zone)
    return about_the_file(
        FileGiven(
            given_on=day(given.handover.given_at, zone),
            made_on=day(given.pack.exported_at, zone),
            channel=given.handover.channel,
            entries=given.pack.entries,
            digest=given.pack.digest,
        )
    )


def _row(told: MatterClosed) -> Closing:
    kept = told.model_dump(include=set(Closing.model_fields) - {"reason", "given_up"})
    return Closing(
        reason=told.reason.model_dump(mode="json"),
        given_up=[one.model_dump(mode="json") for one in told.left_open],
        **kept,
    )
