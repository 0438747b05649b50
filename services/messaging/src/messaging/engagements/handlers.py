"""Events of intake in: each becomes a mail to whom it concerns, or a message of the client."""

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.engagements import actions
from messaging.outbound.postponed import patient
from shared.contracts.intake import (
    CodeIssued,
    ConsultationRequested,
    ConsultationScheduled,
    EngagementHeldUp,
    EngagementQuestionAsked,
    LinkIssued,
)
from shared.handlers import Handlers

handlers = Handlers()


@handlers.on(ConsultationRequested)
@patient
async def on_consultation_requested(session: AsyncSession, event: ConsultationRequested) -> None:
    await actions.tell_of_request(session, event)


@handlers.on(LinkIssued)
@patient
async def on_link_issued(session: AsyncSession, event: LinkIssued) -> None:
    await actions.send_link(session, event)


@handlers.on(CodeIssued)
@patient
async def on_code_issued(session: AsyncSession, event: CodeIssued) -> None:
    await actions.send_code(session, event)


@handlers.on(ConsultationScheduled)
@patient
async def on_consultation_scheduled(session: AsyncSession, event: ConsultationScheduled) -> None:
    await actions.invite(session, event)


@handlers.on(EngagementQuestionAsked)
@patient
async def on_engagement_question_asked(
    session: AsyncSession, event: EngagementQuestionAsked
) -> None:
    await actions.take_question(session, event)


@handlers.on(EngagementHeldUp)
@patient
async def on_engagement_held_up(session: AsyncSession, event: EngagementHeldUp) -> None:
    await actions.tell_of_hold_up(session, event)
