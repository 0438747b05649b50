"""Events in: which fact does what to the clocks."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.billing import (
    BillingConcernAnswered,
    BillingConcernRaised,
    BillingConcernResolved,
)
from shared.contracts.matters import (
    FirmChanged,
    PointOfContactAssigned,
    StaffChanged,
    StaffRegistered,
)
from shared.contracts.messaging import (
    CallLogged,
    ClientMessageReceived,
    MessageAcknowledged,
    MessageBounced,
    MessageFiled,
    MessageQuarantined,
    MessageRefiled,
    MessageSent,
)
from shared.contracts.platform import StreamHeadsStated
from shared.handlers import Handlers
from sla_monitor import actions, publishing

handlers = Handlers()


@handlers.on(ClientMessageReceived)
async def on_client_message_received(session: AsyncSession, event: ClientMessageReceived) -> None:
    await actions.receive_message(session, event)


@handlers.on(MessageQuarantined)
async def on_message_quarantined(session: AsyncSession, event: MessageQuarantined) -> None:
    await actions.quarantine(session, event)


@handlers.on(MessageFiled)
async def on_message_filed(session: AsyncSession, event: MessageFiled) -> None:
    await actions.file(session, event)


@handlers.on(MessageRefiled)
async def on_message_refiled(session: AsyncSession, event: MessageRefiled) -> None:
    await actions.refile(session, event)


@handlers.on(MessageAcknowledged)
async def on_message_acknowledged(session: AsyncSession, event: MessageAcknowledged) -> None:
    await actions.acknowledge(session, event.covers, event.acknowledged_at, event.acknowledgment_id)


@handlers.on(MessageSent)
async def on_message_sent(session: AsyncSession, event: MessageSent) -> None:
    """Only a person's word meets or pauses anything; updates and notices are nobody's answer."""
    if event.automatic or event.kind not in ("answer", "question", "acknowledgment"):
        return
    where, at, cause = event.conversation_id, event.sent_at, event.message_id
    await actions.acknowledge_conversation(session, where, at, cause)
    if event.kind == "answer":
        await actions.answer(session, where, at, cause, event.answers)
    elif event.kind == "question":
        await actions.ask(session, where, at, cause)


@handlers.on(CallLogged)
async def on_call_logged(session: AsyncSession, event: CallLogged) -> None:
    """Counts from when it was held, however late it was entered."""
    if event.two_way:
        where, at, cause = event.conversation_id, event.held_at, event.message_id
        await actions.acknowledge_conversation(session, where, at, cause)
        await actions.answer(session, where, at, cause)


@handlers.on(MessageBounced)
async def on_message_bounced(session: AsyncSession, event: MessageBounced) -> None:
    await actions.bounce(session, event.message_id, event.conversation_id, event.bounced_at)


@handlers.on(BillingConcernRaised)
async def on_billing_concern_raised(session: AsyncSession, event: BillingConcernRaised) -> None:
    await actions.open_concern(session, event)


@handlers.on(BillingConcernAnswered)
async def on_billing_concern_answered(session: AsyncSession, event: BillingConcernAnswered) -> None:
    """That somebody is on it is no answer."""
    if event.step == "answered":
        await actions.answer_concern(session, event.concern_id, event.answered_at)


@handlers.on(BillingConcernResolved)
async def on_billing_concern_resolved(session: AsyncSession, event: BillingConcernResolved) -> None:
    await actions.answer_concern(session, event.concern_id, event.resolved_at)


@handlers.on(StreamHeadsStated, owners=["messaging"])
async def on_stream_heads_stated(session: AsyncSession, event: StreamHeadsStated) -> None:
    """How much messaging had to tell: no breach before all of that was heard."""
    await publishing.note_heads(session, event)


@handlers.on(FirmChanged)
async def on_firm_changed(session: AsyncSession, event: FirmChanged) -> None:
    await publishing.note_firm(session, event)


@handlers.on(StaffRegistered)
async def on_staff_registered(session: AsyncSession, event: StaffRegistered) -> None:
    await publishing.note_staff(session, event)


@handlers.on(StaffChanged)
async def on_staff_changed(session: AsyncSession, event: StaffChanged) -> None:
    await publishing.note_staff(session, event)


@handlers.on(PointOfContactAssigned)
async def on_point_of_contact_assigned(
    session: AsyncSession, event: PointOfContactAssigned
) -> None:
    await publishing.note_contact(session, event)
