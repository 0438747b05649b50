"""Close a contingent matter: count what the terms say, make the fee billable, and tell the client
in writing (Rule 1.5(c))."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.closings import queries, rules, wording
from billing.closings.models import ClosingStatement
from billing.closings.rules import Closing, Laid
from billing.closings.wording import Named
from billing.directory import queries as directory
from billing.directory.models import BilledMatter, Timekeeper
from billing.documents import actions as documents
from billing.documents.typesetting import typeset
from billing.entries import actions as entries
from billing.entries import queries as recorded
from billing.entries.models import Entry
from billing.estimates import actions as estimates
from billing.terms import queries as terms
from billing.terms import wording as plain
from billing.terms.queries import InForce
from billing.terms.rules import Contingent, NoRate, Stage
from shared import clock
from shared.contracts import Sealed
from shared.contracts.billing import ClosingStatementIssued
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal, unseal
from shared.outbox import emit


class ClosedOtherwise(Refusal):
    """The matter has a closing statement already, or a newer one than was meant: read that one."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """How a matter ended, as a person says it; without `stage` nothing was recovered. `others` are
    paid out of what was; `replaces` is the version that this corrects."""

    stage: str | None
    recovered: int
    currency: str
    others: Sequence[Named]
    outcome: str
    replaces: int | None

    @property
    def version(self) -> int:
        return (self.replaces or 0) + 1


async def close(
    session: AsyncSession, matter: BilledMatter, staff: Timekeeper, decided: Decided, by: UUID
) -> ClosingStatement:
    """The statement, with the fee that it makes billable in the same transaction; the fee of the
    one that it corrects is written off. Raises NoRate, ClosedOtherwise, and EntryOnInvoice if that
    fee was invoiced already."""
    await estimates.lock(session, matter.matter_id)
    found, agreed = await _agreed(session, matter, decided.currency)
    await _replace(session, matter, decided.replaces, by)
    laid_out = await queries.expenses_unbilled(session, matter.matter_id)
    billed = await queries.expenses_billed(session, matter.matter_id)
    laid = Laid(billed, sum(one.amount or 0 for one in laid_out))
    stage = rules.stage_of(agreed, decided.stage) if decided.stage else None
    closed = _counted(agreed, stage, decided, laid)
    fee = None
    if stage and closed.fee:
        words = f"Share of what was recovered, {wording.percent(stage)}"
        fee = await entries.owe(session, matter, staff, found, stage.code, closed.fee, words, by)
    if stage is None and agreed.expenses_if_lost == "firm":
        laid_out = await _bear(session, laid_out, by)
    parts = wording.sections(
        agreed,
        stage,
        closed,
        decided.currency,
        outcome=decided.outcome,
        expenses=[(_words(session, one), one.amount or 0) for one in laid_out],
        others=decided.others,
    )
    return await _keep(session, matter, found, decided, closed, fee, parts, by)


async def _replace(
    session: AsyncSession, matter: BilledMatter, replaces: int | None, by: UUID
) -> None:
    before = await queries.newest(session, matter.matter_id)
    if (before.version if before else None) != replaces:
        raise ClosedOtherwise("The matter has another closing statement: read it, then correct it.")
    if before and before.entry_id:
        old = await recorded.entry(session, before.entry_id, lock=True)
        await entries.write_off(session, old, "The closing statement was corrected", by)


async def _agreed(
    session: AsyncSession, matter: BilledMatter, currency: str
) -> tuple[InForce, Contingent]:
    found = await terms.in_force(session, matter, clock.now())
    if found is None or found.terms.contingent is None:
        raise NoRate("The client has accepted no terms with a share of what is recovered.")
    if found.terms.currency != currency:
        raise Invalid(f"The matter is billed in {found.terms.currency}: give amounts in it.")
    return found, found.terms.contingent


def _counted(agreed: Contingent, stage: Stage | None, decided: Decided, laid: Laid) -> Closing:
    if (stage is None) != (decided.recovered == 0):
        raise Invalid("Name the stage at which something was recovered; without, nothing was.")
    if stage is None:
        if decided.others:
            raise Invalid("Nothing was recovered that others could be paid from.")
        return rules.lost(agreed, laid)
    others = sum(amount for _, amount in decided.others)
    return rules.won(agreed, stage, decided.recovered, laid, others)


async def _bear(session: AsyncSession, laid_out: Sequence[Entry], by: UUID) -> Sequence[Entry]:
    """Expenses that are the firm's when nothing is recovered can never be billed: none is left."""
    for one in laid_out:
        await entries.write_off(session, one, "Nothing was recovered: by the terms ours", by)
    return []


def _words(session: AsyncSession, entry: Entry) -> str:
    return unseal(session, Sealed.model_validate(entry.narrative))


async def _facts(
    session: AsyncSession,
    matter: BilledMatter,
    found: InForce,
    parts: Sequence[plain.Section],
    version: int,
    at: datetime,
) -> dict[str, Any]:
    firm, zone = await directory.firm(session), await directory.zone(session)
    client = await directory.client(session, matter.client_id)
    assert found.accepted_at is not None, "what is in force was accepted"
    signed = f"Version {found.version}, accepted {found.accepted_at.astimezone(zone):%-d %B %Y}"
    return {
        "firm": firm.name if firm else "",
        "title": "Closing statement",
        "footer": f"Closing statement · {matter.number}",
        "facts": [
            ["For", client.name],
            ["Matter", f"{matter.number} {matter.title}"],
            ["Date", f"{at.astimezone(zone):%-d %B %Y}"],
            ["Fee terms", signed],
            *([["Version", f"{version}, which replaces the one before"]] if version > 1 else []),
        ],
        "sections": plain.as_facts(parts),
    }


async def _keep(
    session: AsyncSession,
    matter: BilledMatter,
    found: InForce,
    decided: Decided,
    closed: Closing,
    fee: Entry | None,
    parts: Sequence[plain.Section],
    by: UUID,
) -> ClosingStatement:
    at, owner, statement_id = clock.now(), matter.client_id, new_id()
    facts = await _facts(session, matter, found, parts, decided.version, at)
    # Typesetting is work, not waiting: it must not hold up everybody else's requests.
    pdf = await asyncio.to_thread(typeset, "sections", facts, at)
    document = await documents.keep(session, owner, "closing-statement", pdf, "application/pdf")
    ended = seal(session, owner, statement_id, "closing", "outcome", decided.outcome)
    text = seal(session, owner, statement_id, "closing", "text", plain.as_text(parts))
    row = ClosingStatement(
        statement_id=statement_id,
        client_id=owner,
        matter_id=matter.matter_id,
        version=decided.version,
        terms_id=found.terms_id,
        terms_version=found.version,
        entry_id=fee.entry_id if fee else None,
        stage=decided.stage,
        currency=found.terms.currency,
        to_client=closed.to_client,
        **closed._asdict(),
        outcome=ended.model_dump(mode="json"),
        text=text.model_dump(mode="json"),
        content_id=document.content_id,
        commitment=document.commitment,
        issued_by=by,
        issued_at=at,
    )
    added = await session.execute(
        insert(ClosingStatement)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(ClosingStatement.statement_id))
    )
    if added.one_or_none() is None:
        raise ClosedOtherwise("Somebody closed the matter at the same time: read that statement.")
    percent = f"{closed.percent.normalize():f}"
    told = {"statement_version": row.version, "percent": percent, "document": document}
    emit(session, ClosingStatementIssued.model_validate(row.model_dump() | told))
    return row
