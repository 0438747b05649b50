"""What clients ask of their matter reaches who must answer, and the answer reaches the client; who
put a decision hears what became of it. Each is one mail, however often its event is heard."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from messaging.conversations.models import Message
from messaging.email.rendering import Block
from messaging.notices.actions import Subject, tell
from messaging.notices.cases import Case, acting_person, case_of, case_to_write
from messaging.outbound.postponed import NotYetKnown
from messaging.settings import MessagingSettings
from messaging.updates import texts
from messaging.updates.actions import outcome_of, say, thread_of
from shared import clock
from shared.contracts import Sealed
from shared.contracts.matters import (
    DecisionExplained,
    DecisionQuestioned,
    DecisionRecorded,
    StrategyExplained,
    StrategyQuestioned,
    UpdateRequested,
)
from shared.keyring import unseal


async def tell_of_question(
    session: AsyncSession, event: DecisionQuestioned | StrategyQuestioned
) -> None:
    """Who acts for the point of contact; with the words where the policy lets them be mailed."""
    case = await case_of(session, event.client_id, event.matter_id, clock.now())
    about = "a decision" if isinstance(event, DecisionQuestioned) else "the strategy"
    blocks = texts.question(case.client.name, _name(case), about, _words(session, event.question))
    title = f"{case.client.name} asks about {about}: {_name(case)}"
    await _tell(session, case, event.matter_id, f"question/{event.question_id}", title, blocks)


async def pass_on_answer(
    session: AsyncSession, event: DecisionExplained | StrategyExplained
) -> None:
    """To the client, as the words of who answered: it is what they asked for, so it does not wait
    for their morning."""
    case = await case_to_write(session, event.client_id, event.matter_id)
    subject = f"{texts.ANSWER_SUBJECT}: {_name(case)}"
    body = texts.answer(case.client.name, unseal(session, event.answer))
    of = event.client_id, event.matter_id, event.question_id, event.answered_by
    await say(session, *of, subject, body, leaves_by=clock.now())


async def tell_of_outcome(session: AsyncSession, event: DecisionRecorded) -> None:
    """Whoever put the decision, or who acts for them. Raises NotYetKnown while it was not put."""
    put = await session.get(Message, event.decision_id)
    if put is None or put.staff_id is None:
        raise NotYetKnown(f"decision {event.decision_id}")
    case = await case_of(session, event.client_id, event.matter_id, clock.now())
    blocks = texts.decided(case.client.name, _name(case), event.option, event.jointly)
    title = f"{texts.OUTCOMES[event.jointly]}: {_name(case)}"
    purpose = outcome_of(event.decision_id)
    await _tell(session, case, event.matter_id, purpose, title, blocks, to=put.staff_id)


async def tell_of_request(session: AsyncSession, event: UpdateRequested) -> None:
    case = await case_of(session, event.client_id, event.matter_id, clock.now())
    title = f"{case.client.name} asks how it stands: {_name(case)}"
    blocks = texts.asked_how_it_stands(case.client.name, _name(case))
    await _tell(session, case, event.matter_id, f"asked/{event.request_id}", title, blocks)


async def _tell(
    session: AsyncSession,
    case: Case,
    matter_id: UUID,
    purpose: str,
    title: str,
    blocks: tuple[Block, ...],
    *,
    to: UUID | None = None,
) -> None:
    client_id = case.client.client_id
    await tell(
        session,
        case.house,
        await acting_person(session, to, clock.now()) if to else case.contact,
        purpose=purpose,
        about="question",
        of=Subject(
            conversation_id=await thread_of(session, client_id, matter_id),
            client_id=client_id,
            matter_id=matter_id,
        ),
        title=title,
        blocks=blocks,
    )


def _words(session: AsyncSession, sealed: Sealed) -> str | None:
    settings: MessagingSettings = session.info["settings"]
    return unseal(session, sealed) if settings.messaging_notice_bodies else None


def _name(case: Case) -> str:
    assert case.matter is not None, "it is asked of a matter"
    return case.matter
