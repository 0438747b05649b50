"""Events in: which fact does what to the clocks."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.billing import (
    BillingConcernAnswered,
    BillingConcernRaised,
    BillingConcernResolved,
)
from shared.contracts.intake import (
    InformationProvided,
    InformationRequested,
    InformationWaived,
)
from shared.contracts.matters import (
    AbsencePlanned,
    CadencePromised,
    ClientsMerged,
    DeadlineScheduled,
    DecisionExplained,
    DecisionQuestioned,
    DecisionRecorded,
    DecisionRequested,
    DecisionWithdrawn,
    DevelopmentRecorded,
    FirmChanged,
    JointClientJoined,
    JointClientLeft,
    MatterClosed,
    MatterOpened,
    MilestoneReached,
    MilestoneReverted,
    PointOfContactAssigned,
    ProgressUpdateSent,
    StaffChanged,
    StaffRegistered,
    StrategyExplained,
    StrategyQuestioned,
    UpdateRequested,
    WallLowered,
    WallRaised,
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
from sla_monitor import actions, deadlines, informing, publishing

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
    """Only a person's word meets or pauses anything; updates and notices are nobody's answer, but
    an answer too is news of the matter."""
    if event.automatic:
        return
    if event.matter_id and event.kind in ("answer", "update"):
        of = event.matter_id, event.client_id
        await informing.inform(session, *of, event.sent_at, event.message_id)
    if event.kind not in ("answer", "question", "acknowledgment"):
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
        if event.matter_id:
            await informing.inform(session, event.matter_id, event.client_id, at, cause)


@handlers.on(MatterOpened)
async def on_matter_opened(session: AsyncSession, event: MatterOpened) -> None:
    await informing.follow_matter(session, event.matter_id, event.client_id, event.opened_at)


@handlers.on(CadencePromised)
async def on_cadence_promised(session: AsyncSession, event: CadencePromised) -> None:
    within = None if event.days is None else timedelta(days=event.days)
    await informing.promise_cadence(session, event.matter_id, within)


@handlers.on(ProgressUpdateSent)
async def on_progress_update_sent(session: AsyncSession, event: ProgressUpdateSent) -> None:
    cause = event.message_id or event.update_id
    of = event.matter_id, event.client_id
    await informing.inform(session, *of, event.sent_at, cause)


@handlers.on(UpdateRequested)
async def on_update_requested(session: AsyncSession, event: UpdateRequested) -> None:
    of = event.matter_id, event.requested_at, event.request_id
    await informing.prompt(session, *of, by=event.client_id)


@handlers.on(MilestoneReached)
async def on_milestone_reached(session: AsyncSession, event: MilestoneReached) -> None:
    """When it was entered late, the client is owed it from then on only by the cadence."""
    await informing.prompt(session, event.matter_id, event.reached_at, event.milestone_id)


@handlers.on(MilestoneReverted)
async def on_milestone_reverted(session: AsyncSession, event: MilestoneReverted) -> None:
    await informing.unprompt(session, event.matter_id, event.milestone_id)


@handlers.on(DevelopmentRecorded)
async def on_development_recorded(session: AsyncSession, event: DevelopmentRecorded) -> None:
    if event.significant:
        of = event.matter_id, event.happened_at, event.development_id
        await informing.prompt(session, *of)


@handlers.on(DecisionRequested)
async def on_decision_requested(session: AsyncSession, event: DecisionRequested) -> None:
    of = event.decision_id, event.client_id, event.matter_id
    await informing.ask_client(session, "decision", *of, event.requested_at, event.reply_by)


@handlers.on(DecisionRecorded)
async def on_decision_recorded(session: AsyncSession, event: DecisionRecorded) -> None:
    await informing.hear_answer(session, "decision", event.decision_id, event.recorded_at)


@handlers.on(DecisionWithdrawn)
async def on_decision_withdrawn(session: AsyncSession, event: DecisionWithdrawn) -> None:
    await informing.withdraw(session, event.decision_id, event.withdrawn_at)


@handlers.on(DecisionQuestioned)
async def on_decision_questioned(session: AsyncSession, event: DecisionQuestioned) -> None:
    await informing.await_answer(session, event)


@handlers.on(StrategyQuestioned)
async def on_strategy_questioned(session: AsyncSession, event: StrategyQuestioned) -> None:
    await informing.await_answer(session, event)


@handlers.on(DecisionExplained)
async def on_decision_explained(session: AsyncSession, event: DecisionExplained) -> None:
    await informing.hear_answer(session, "question", event.question_id, event.answered_at)


@handlers.on(StrategyExplained)
async def on_strategy_explained(session: AsyncSession, event: StrategyExplained) -> None:
    await informing.hear_answer(session, "question", event.question_id, event.answered_at)


@handlers.on(JointClientJoined)
async def on_joint_client_joined(session: AsyncSession, event: JointClientJoined) -> None:
    await informing.follow_joint_client(session, event)


@handlers.on(JointClientLeft)
async def on_joint_client_left(session: AsyncSession, event: JointClientLeft) -> None:
    await informing.leave(session, event)


@handlers.on(MatterClosed)
async def on_matter_closed(session: AsyncSession, event: MatterClosed) -> None:
    matter = event.matter_id, event.closed_at
    await informing.close_matter(session, *matter, event.given_up)
    await deadlines.close_matter(session, event.matter_id)


@handlers.on(DeadlineScheduled)
async def on_deadline_scheduled(session: AsyncSession, event: DeadlineScheduled) -> None:
    await deadlines.schedule(session, event)


@handlers.on(InformationRequested)
async def on_information_requested(session: AsyncSession, event: InformationRequested) -> None:
    """The clock tells what is owed; reminding the client is intake's own, so nobody else does."""
    of = event.request_id, event.client_id, event.matter_id
    await informing.ask_client(session, "information", *of, event.requested_at, event.due_at)


@handlers.on(InformationProvided)
async def on_information_provided(session: AsyncSession, event: InformationProvided) -> None:
    if event.complete:
        at = event.provided_at
        await informing.hear_answer(session, "information", event.request_id, at)


@handlers.on(InformationWaived)
async def on_information_waived(session: AsyncSession, event: InformationWaived) -> None:
    """What is not needed any more is owed by nobody."""
    if event.complete:
        await informing.hear_answer(session, "information", event.request_id, event.waived_at)


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


@handlers.on(StreamHeadsStated, owners=["messaging", "matters", "billing"])
async def on_stream_heads_stated(session: AsyncSession, event: StreamHeadsStated) -> None:
    """How much each of those who can meet a clock had to tell: no breach before it was heard."""
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


@handlers.on(AbsencePlanned)
async def on_absence_planned(session: AsyncSession, event: AbsencePlanned) -> None:
    await publishing.note_absence(session, event)


@handlers.on(ClientsMerged)
async def on_clients_merged(session: AsyncSession, event: ClientsMerged) -> None:
    await publishing.note_merger(session, event)


@handlers.on(WallRaised)
async def on_wall_raised(session: AsyncSession, event: WallRaised) -> None:
    await publishing.note_wall(session, event)


@handlers.on(WallLowered)
async def on_wall_lowered(session: AsyncSession, event: WallLowered) -> None:
    await publishing.note_wall_lowered(session, event)
