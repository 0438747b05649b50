"""Events of intake in: each becomes one mail, or one message of the client."""

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.engagements import actions
from messaging.outbound.postponed import patient
from shared.contracts.intake import (
    CodeIssued,
    ConsultationScheduled,
    EngagementQuestionAsked,
    LinkIssued,
)
from shared.handlers import Handlers

handlers = Handlers()


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
