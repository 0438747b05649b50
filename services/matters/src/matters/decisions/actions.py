"""Put a decision to the client, and keep what they decide: once, by who may, in the form that it
needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.joint_clients.queries as joint_clients
from matters.assessments.rules import require_no_promise
from matters.decisions import queries
from matters.decisions.models import Channel, Decision, DecisionQuestion
from matters.decisions.rules import WRITTEN, jointly, needs_writing
from matters.matters.models import Matter
from matters.matters.queries import hold_open
from matters.tables import ClientRow
from shared import clock
from shared.contracts import Sealed
from shared.contracts.matters import (
    DecisionExplained,
    DecisionKind,
    DecisionOption,
    DecisionQuestioned,
    DecisionRecorded,
    DecisionRequested,
    DecisionWithdrawn,
    StrategyExplained,
    StrategyQuestioned,
)
from shared.errors import Invalid, Refusal
from shared.ids import new_id
from shared.keyring import seal
from shared.outbox import emit

LONGEST_TO_REPLY = timedelta(days=366)


class AlreadyDecided(Refusal):
    """It was decided or withdrawn before: read it again."""


class MustBeInWriting(Refusal):
    """This decision counts only in writing: name the message, or let the client use the portal."""

    status = 422


class AlreadyAnswered(Refusal):
    """Somebody answered this question before."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    key: str
    text: str
    consequences: str


async def request(
    session: AsyncSession,
    matter: Matter,
    *,
    kind: DecisionKind,
    question: str,
    options: Sequence[Choice],
    recommendation: str,
    in_writing: bool,
    reply_by: datetime,
    by: UUID,
) -> Sequence[Decision]:
    """Messaging puts it to each client of the matter, and each answers for themselves. The first is
    the matter's own client's. Raises PromisesOutcome. The clients' keys must be held."""
    await hold_open(session, matter)
    said = [words for one in options for words in (one.text, one.consequences)]
    require_no_promise(question, recommendation, *said)
    now = await clock.database_now(session)
    if not now < reply_by <= now + LONGEST_TO_REPLY:
        raise Invalid(f"The time to reply lies ahead, by {LONGEST_TO_REPLY.days} days at most.")
    asked = await joint_clients.whom_to_tell(session, matter)
    facts = {
        "joint_decision_id": new_id() if len(asked) > 1 else None,
        "matter_id": matter.matter_id,
        "kind": kind,
        "in_writing": needs_writing(kind, in_writing),
        "reply_by": reply_by,
        "requested_by": by,
        "requested_at": now,
    }
    words = question, options, recommendation
    return [_put(session, client_id, *words, facts) for client_id in asked]


def _put(
    session: AsyncSession,
    client_id: UUID,
    question: str,
    options: Sequence[Choice],
    recommendation: str,
    facts: dict[str, Any],
) -> Decision:
    decision_id = new_id()

    def sealed(field: str, words: str) -> Sealed:
        return seal(session, client_id, decision_id, "decision", field, words)

    told = DecisionRequested(
        decision_id=decision_id,
        client_id=client_id,
        question=sealed("question", question),
        options=tuple(
            DecisionOption(
                key=one.key,
                text=sealed(f"option/{one.key}", one.text),
                consequences=sealed(f"consequences/{one.key}", one.consequences),
            )
            for one in options
        ),
        recommendation=sealed("recommendation", recommendation),
        **facts,
    )
    row = Decision(
        content=told.model_dump(mode="json", include={"question", "options", "recommendation"}),
        option_keys=[one.key for one in options],
        **told.model_dump(exclude={"question", "options", "recommendation"}),
    )
    session.add(row)
    emit(session, told)
    return row


async def record(
    session: AsyncSession,
    decision: Decision,
    *,
    option: str,
    decided_by: UUID,
    channel: Channel,
    writing_id: UUID | None,
    comment: str,
    recorded_by: UUID,
) -> None:
    """What somebody with authority decided; late counts too. Raises AlreadyDecided for the second
    of two, and MustBeInWriting. The key must be held."""
    together = await queries.together(session, decision)
    _require_requested(decision)
    if option not in decision.option_keys:
        raise Invalid(f"The choices are {', '.join(decision.option_keys)}.")
    written = channel in WRITTEN and (channel == "portal" or writing_id is not None)
    if decision.in_writing and not written:
        raise MustBeInWriting(
            "This decision counts only in writing: name the message with it (writing_id), or let"
            " the client answer in the portal."
        )
    now = await clock.database_now(session)
    decision.state, decision.chosen, decision.decided_by = "recorded", option, decided_by
    decision.channel, decision.written, decision.writing_id = channel, written, writing_id
    decision.recorded_by, decision.recorded_at = recorded_by, now
    said = _sealed(session, decision, decision.decision_id, "comment", comment) if comment else None
    decision.comment = said.model_dump(mode="json") if said else None
    joint = jointly([(one.state, one.chosen) for one in together])
    of = {"decision_id", "joint_decision_id", "matter_id", "client_id"}
    of |= {"decided_by", "channel", "writing_id"}
    emit(
        session,
        DecisionRecorded(
            option=option,
            in_writing=written,
            comment=said,
            late=now > decision.reply_by,
            jointly=joint if decision.joint_decision_id else None,
            **decision.model_dump(include=of | {"recorded_by", "recorded_at"}),
        ),
    )


async def withdraw(session: AsyncSession, decision: Decision, *, reason: str) -> None:
    """No longer asked of any of the clients; what one of them decided stands. The keys must be
    held."""
    together = await queries.together(session, decision)
    _require_requested(decision)
    await withdraw_each(session, [one for one in together if one.state == "requested"], reason)


async def withdraw_for(
    session: AsyncSession, matter_id: UUID, client_id: UUID, *, reason: str
) -> None:
    """Who left a matter is asked nothing more in it."""
    await withdraw_each(session, await queries.open_for(session, matter_id, client_id), reason)


async def withdraw_each(session: AsyncSession, decisions: Iterable[Decision], reason: str) -> None:
    now = await clock.database_now(session)
    for decision in decisions:
        decision.state, decision.withdrawn_at = "withdrawn", now
        emit(
            session,
            DecisionWithdrawn(
                reason=_sealed(session, decision, decision.decision_id, "withdrawn", reason),
                withdrawn_at=now,
                **_of(decision),
            ),
        )


async def ask(
    session: AsyncSession, matter: Matter, client_id: UUID, question: str, *, about: Decision | None
) -> DecisionQuestion:
    """A client of the matter wants to know more, or has a concern, about a decision or the
    strategy: it stays open until it is answered. Raises MatterClosed: write to us then."""
    await hold_open(session, matter)
    question_id = new_id()
    sealed = seal(session, client_id, question_id, "decision", "question", question)
    asked = DecisionQuestion(
        question_id=question_id,
        decision_id=about.decision_id if about else None,
        matter_id=matter.matter_id,
        client_id=client_id,
        question=sealed.model_dump(mode="json"),
        asked_at=await clock.database_now(session),
    )
    session.add(asked)
    told = DecisionQuestioned if about else StrategyQuestioned
    facts = {"question_id": question_id, "question": sealed, "asked_at": asked.asked_at}
    emit(session, told.model_validate(facts | _of(asked)))
    return asked


async def explain(session: AsyncSession, asked: DecisionQuestion, answer: str, *, by: UUID) -> None:
    if asked.answered_at is not None:
        raise AlreadyAnswered("Somebody answered this question before: read it again.")
    require_no_promise(answer)
    now = await clock.database_now(session)
    sealed = _sealed(session, asked, asked.question_id, "answer", answer)
    asked.answer = sealed.model_dump(mode="json")
    asked.answered_by, asked.answered_at = by, now
    told = DecisionExplained if asked.decision_id else StrategyExplained
    emit(
        session,
        told(
            question_id=asked.question_id,
            answer=sealed,
            answered_by=by,
            answered_at=now,
            **_of(asked),
        ),
    )


def _require_requested(decision: Decision) -> None:
    if decision.state != "requested":
        raise AlreadyDecided(f"It is {decision.state} already: read it again.")


def _of(row: Decision | DecisionQuestion) -> dict[str, Any]:
    return row.model_dump(include={"decision_id", "matter_id", "client_id"}, exclude_none=True)


def _sealed(
    session: AsyncSession,
    row: ClientRow,
    content_id: UUID,
    field: str,
    words: str,
) -> Sealed:
    return seal(session, row.client_id, content_id, "decision", field, words)
