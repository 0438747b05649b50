"""What clients answer to our letters about bills. Whether it is a concern a person says: nothing is
opened by itself, and nothing is overlooked."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from billing.concerns.models import BillingConcern, BillQuestion
from billing.directory import queries as directory
from billing.invoices.models import Invoice
from shared import clock
from shared.contracts.messaging import ClientMessageReceived, conversation_of_bills
from shared.errors import NotFound, Refusal


class QuestionDone(Refusal):
    """The message became a concern, or was dismissed, before."""


async def hear(session: AsyncSession, event: ClientMessageReceived) -> None:
    """A person's message in the conversation of a matter's bills waits to be read as a concern. If
    somebody was faster than this event, it is that concern's already."""
    if event.matter_id is None or event.automatic:
        return
    if event.conversation_id != conversation_of_bills(event.client_id, event.matter_id):
        return
    theirs = col(BillingConcern.client_id).in_(directory.entries_of(event.client_id))
    known = await session.execute(
        select(col(BillingConcern.concern_id)).where(
            col(BillingConcern.message_id) == event.message_id,
            theirs | (col(BillingConcern.matter_id) == event.matter_id),
        )
    )
    row = BillQuestion(
        message_id=event.message_id,
        client_id=event.client_id,
        matter_id=event.matter_id,
        invoice_id=await _newest_bill(session, event),
        received_at=event.received_at,
        concern_id=known.scalar_one_or_none(),
    )
    await session.execute(insert(BillQuestion).values(row.model_dump()).on_conflict_do_nothing())


async def take_up(session: AsyncSession, concern: BillingConcern, message_id: UUID) -> None:
    """The message is this concern's from now on. One that was not heard of yet is when it is heard.
    Raises NotFound for a message of another client."""
    row = await _locked(session, message_id)
    if row is None:
        return
    if row.client_id not in await directory.entries(session, concern.client_id):
        raise NotFound("There is nothing here that you may see.")
    row.concern_id, row.dismissed_at = concern.concern_id, None


async def dismiss(session: AsyncSession, message_id: UUID) -> BillQuestion:
    """It was no concern. Raises NotFound, QuestionDone."""
    row = await _locked(session, message_id)
    if row is None:
        raise NotFound("There is nothing here that you may see.")
    if row.concern_id is not None or row.dismissed_at is not None:
        raise QuestionDone("The message became a concern, or was dismissed, before.")
    row.dismissed_at = clock.now()
    return row


async def _locked(session: AsyncSession, message_id: UUID) -> BillQuestion | None:
    found = await session.execute(
        select(BillQuestion)
        .where(col(BillQuestion.message_id) == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


async def _newest_bill(session: AsyncSession, event: ClientMessageReceived) -> UUID | None:
    found = await session.execute(
        select(col(Invoice.invoice_id))
        .where(
            col(Invoice.matter_id) == event.matter_id, col(Invoice.issued_at) <= event.received_at
        )
        .order_by(col(Invoice.issued_at).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()
