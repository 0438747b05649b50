"""Hear concerns, answer and resolve them. What is disputed bears no penalty, cannot be paid from
trust, and stays there apart, until it is resolved (Rule 1.15(e))."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.concerns import questions
from billing.concerns.models import BillingConcern, ConcernClock, DisputedLine
from billing.concerns.questions import QuestionDone
from billing.directory import queries as directory
from billing.directory.models import BilledMatter
from billing.invoices import actions as invoices
from billing.invoices import booking
from billing.invoices import queries as bills
from billing.invoices.models import CreditNote, Invoice, InvoiceLine
from billing.invoices.rules import WrongState
from billing.ledger import queries as balances
from billing.ledger import rules as books
from billing.penalties import actions as penalties
from billing.profiles import PROFILES
from billing.terms import queries as terms
from shared import clock
from shared.contracts.billing import (
    BillingConcernAnswered,
    BillingConcernRaised,
    BillingConcernResolved,
    BillingDisputeSettled,
    ConcernKind,
)
from shared.contracts.sla_monitor import ConcernDue
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

Channel = Literal["portal", "email", "phone", "staff"]


class DisputedAlready(Refusal):
    """Another open concern disputes one of these lines: add to that one."""


class NoticeNotServed(Refusal):
    """The law of the terms' profile asks that the client is served a form before we differ."""

    status = 422


class ConcernClosed(Refusal):
    """It was resolved: what is new is a new concern."""


async def raise_concern(
    session: AsyncSession,
    matter: BilledMatter,
    *,
    invoice: Invoice | None,
    lines: Sequence[int],
    disputes: bool,
    kind: ConcernKind,
    channel: Channel,
    words: str,
    raised_at: datetime,
    message_id: UUID | None = None,
    by: UUID,
) -> BillingConcern:
    """The invoice, if one is meant, is locked. Raises Invalid for lines that it does not have,
    QuestionDone for a message that was made a concern before."""
    concern_id = new_id()
    sealed = seal(session, matter.client_id, concern_id, "concern", "text", words)
    contact = await directory.point_of_contact(
        session, matter.client_id, matter.matter_id, clock.now()
    )
    concern = BillingConcern(
        concern_id=concern_id,
        client_id=matter.client_id,
        matter_id=matter.matter_id,
        invoice_id=invoice.invoice_id if invoice else None,
        lines=sorted(set(lines)),
        kind=kind,
        channel=channel,
        currency=invoice.currency if invoice else None,
        owner_id=contact,
        text=sealed.model_dump(mode="json"),
        message_id=message_id,
        raised_by=by,
        raised_at=raised_at,
    )
    added = await session.execute(
        insert(BillingConcern)
        .values(concern.model_dump())
        .on_conflict_do_nothing(index_elements=["message_id"])
        .returning(col(BillingConcern.concern_id))
    )
    if added.one_or_none() is None:
        raise QuestionDone("The message was made a concern before: see that one.")
    concern = await session.get_one(BillingConcern, concern_id)
    if message_id:
        await questions.take_up(session, concern, message_id)
    meant = await _meant(session, invoice, lines)
    if disputes and invoice:
        await _dispute(session, concern, invoice, meant, by)
    told = concern.model_dump() | {"text": sealed}
    emit(session, BillingConcernRaised.model_validate(told))
    return concern


async def answer(
    session: AsyncSession,
    concern: BillingConcern,
    step: Literal["acknowledged", "answered"],
    words: str,
    by: UUID,
) -> None:
    """A person says that they are on it, or explains. The concern is locked."""
    _refuse_closed(concern)
    at = clock.now()
    sealed = seal(session, concern.client_id, new_id(), "concern", "answer", words)
    concern.acknowledged_at = concern.acknowledged_at or at
    if step == "answered":
        concern.answered_at, concern.state = at, "answered"
        concern.answer = sealed.model_dump(mode="json")
    elif concern.state == "raised":
        concern.state = "acknowledged"
    emit(
        session,
        BillingConcernAnswered(
            concern_id=concern.concern_id,
            client_id=concern.client_id,
            matter_id=concern.matter_id,
            step=step,
            text=sealed,
            answered_by=by,
            answered_at=at,
        ),
    )


async def resolve(
    session: AsyncSession,
    concern: BillingConcern,
    invoice: Invoice | None,
    *,
    outcome: Literal["explanation", "credit", "dispute"],
    credit: dict[int, int],
    words: str,
    served_on: date | None,
    by: UUID,
) -> None:
    """Concern and invoice are locked. A credit is a credit note over these amounts by line. A
    dispute goes to others to decide: what is disputed stays apart, and where the terms' profile
    asks for it the client was served the form named there on that day. Raises NoticeNotServed."""
    _refuse_closed(concern)
    if (outcome == "credit") != bool(credit):
        raise Invalid("A credit names the amounts by line; the other outcomes name none.")
    if invoice and outcome != "dispute":
        await _settle(session, concern, invoice, by)
    if credit:
        note = await _credit(session, invoice, credit, words, by)
        concern.credit_note_id = note.credit_note_id
    if outcome == "dispute":
        await _serve(session, concern, served_on)
    sealed = seal(session, concern.client_id, new_id(), "concern", "conclusion", words)
    concern.conclusion = sealed.model_dump(mode="json")
    concern.state, concern.outcome, concern.resolved_at = "resolved", outcome, clock.now()
    told = concern.model_dump() | {"text": sealed, "resolved_by": by}
    emit(session, BillingConcernResolved.model_validate(told))


async def settle_dispute(
    session: AsyncSession,
    concern: BillingConcern,
    invoice: Invoice | None,
    *,
    credit: dict[int, int],
    words: str,
    by: UUID,
) -> None:
    """What others had to decide is decided: it is owed, or is credited. The money is free again,
    and the client hears how it ended, once. Raises WrongState."""
    if concern.outcome != "dispute" or concern.settled_at is not None:
        raise WrongState("Only what ended as a dispute is settled later, once.")
    if invoice:
        await _settle(session, concern, invoice, by)
    note = await _credit(session, invoice, credit, words, by) if credit else None
    sealed = seal(session, concern.client_id, new_id(), "concern", "settlement", words)
    concern.settlement, concern.settled_at = sealed.model_dump(mode="json"), clock.now()
    emit(
        session,
        BillingDisputeSettled(
            concern_id=concern.concern_id,
            client_id=concern.client_id,
            matter_id=concern.matter_id,
            credit_note_id=note.credit_note_id if note else None,
            text=sealed,
            settled_by=by,
            settled_at=concern.settled_at,
        ),
    )


async def note_promise(session: AsyncSession, due: ConcernDue) -> None:
    """The newest revision, whatever order they are heard in."""
    row = due.model_dump(include={"concern_id", "revision", "target_at", "limit_at"})
    await session.execute(
        insert(ConcernClock)
        .values(row)
        .on_conflict_do_update(
            index_elements=["concern_id"],
            set_=row,
            where=col(ConcernClock.revision) < due.revision,
        )
    )


async def _meant(
    session: AsyncSession, invoice: Invoice | None, lines: Sequence[int]
) -> list[InvoiceLine]:
    if invoice is None:
        if lines:
            raise Invalid("Lines are of an invoice: name it.")
        return []
    if invoice.state != "issued":
        raise Invalid("Only an issued invoice can be questioned.")
    found = {one.number: one for one in await bills.lines(session, invoice.invoice_id)}
    if unknown := sorted(set(lines) - found.keys()):
        raise Invalid(f"The invoice has no line {unknown[0]}.")
    wanted = set(lines) or {one.number for one in found.values() if one.kind in ("F", "E")}
    return [found[number] for number in sorted(wanted)]


async def _dispute(
    session: AsyncSession,
    concern: BillingConcern,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    by: UUID,
) -> None:
    """Of what is still owed: nobody can contest more of an invoice than is left of it."""
    await _claim(session, concern, lines)
    contested = sum(max(one.total + one.tax - one.credited, 0) for one in lines)
    left = max(invoice.total - invoice.paid - invoice.credited - invoice.disputed, 0)
    concern.disputed = min(contested, left)
    for one in lines:
        one.disputed = True
    invoice.disputed += concern.disputed
    since = await _since(session, concern, invoice)
    await penalties.owe(session, invoice, -concern.disputed, since, by)
    in_trust = await balances.in_trust(session, invoice.matter_id, invoice.currency)
    concern.apart = min(concern.disputed, in_trust)
    apart = books.set_apart(concern.apart)
    await booking.book(session, invoice, "trust_dispute", apart, concern.concern_id, by)


async def _since(session: AsyncSession, concern: BillingConcern, invoice: Invoice) -> date:
    """The day of the firm on which the client disputed it, though it was recorded later."""
    assert invoice.issued_on is not None, "only what was issued is disputed"
    raised_on = concern.raised_at.astimezone(await directory.zone(session)).date()
    return max(raised_on, invoice.issued_on)


async def _claim(
    session: AsyncSession, concern: BillingConcern, lines: Sequence[InvoiceLine]
) -> None:
    rows = [
        {"invoice_id": one.invoice_id, "number": one.number, "concern_id": concern.concern_id}
        for one in lines
    ]
    added = await session.execute(
        insert(DisputedLine)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(col(DisputedLine.number))
    )
    if len(added.all()) < len(rows):
        raise DisputedAlready("Another open concern disputes one of these lines.")


async def _settle(
    session: AsyncSession, concern: BillingConcern, invoice: Invoice, by: UUID
) -> None:
    """Free what was disputed: from today on it is owed, and bears a penalty, like everything
    else."""
    await session.execute(
        delete(DisputedLine).where(col(DisputedLine.concern_id) == concern.concern_id)
    )
    await session.execute(
        update(InvoiceLine)
        .where(
            col(InvoiceLine.invoice_id) == invoice.invoice_id,
            col(InvoiceLine.number).in_(concern.lines) if concern.lines else true(),
        )
        .values(disputed=False)
    )
    if concern.disputed == 0:
        return  # all of it was paid when it was disputed: only its lines are free again
    invoice.disputed -= concern.disputed
    today = await directory.today(session)
    await penalties.owe(session, invoice, concern.disputed, today, by)
    back = books.given_back(concern.apart)
    await booking.book(session, invoice, "trust_release", back, concern.concern_id, by)
    concern.disputed = concern.apart = 0


async def _credit(
    session: AsyncSession, invoice: Invoice | None, credit: dict[int, int], words: str, by: UUID
) -> CreditNote:
    if invoice is None:
        raise Invalid("A credit is of an invoice: the concern names none.")
    return await invoices.credit(session, invoice, credit, words, by)


async def _serve(session: AsyncSession, concern: BillingConcern, served_on: date | None) -> None:
    """The days run from when the client was served the very form; no words of ours are one."""
    matter = await directory.matter(session, concern.matter_id)
    found = await terms.in_force(session, matter, clock.now())
    asked = [PROFILES[name].arbitration for name in found.terms.profiles] if found else []
    wanted = max((one for one in asked if one), key=lambda one: one.days, default=None)
    if wanted is None:
        return
    if served_on is None:
        raise NoticeNotServed(
            f"By the terms' profile the client is served this form first: {wanted.form}. Serve it,"
            " and say on which day (arbitration_served_on)."
        )
    if served_on > await directory.today(session):
        raise Invalid("The form is recorded once it was served.")
    concern.arbitration_form = wanted.form
    concern.arbitration_until = served_on + timedelta(days=wanted.days)


def _refuse_closed(concern: BillingConcern) -> None:
    if concern.state == "resolved":
        raise ConcernClosed("It was resolved: raise what is new as a new concern.")
