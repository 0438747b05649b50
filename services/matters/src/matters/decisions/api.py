"""HTTP in: decisions put to clients, their answers, and what they still want to know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlmodel import col

import matters.representatives.queries as representatives
import matters.staff.queries as staff
from matters import access
from matters.clients.models import Client
from matters.decisions import actions, queries
from matters.decisions.actions import Choice
from matters.decisions.models import Channel, Decision, DecisionQuestion, State
from matters.decisions.rules import jointly
from matters.local_time import PointInTime
from matters.matters.models import Matter
from matters.sealed import opened
from shared.accesses import record_access
from shared.auth import Caller
from shared.contracts.matters import DecisionKind, Jointly
from shared.db import Transaction
from shared.errors import Invalid, NotFound, Refusal
from shared.idempotency import IdempotentRoute
from shared.pages import Page, PageQuery, one_page, page
from shared.policy import PolicyTable, permit
from shared.values import Prose, Reason, Slug

POLICY: PolicyTable = {
    "read decisions": {
        "partner": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "put decisions": {"partner": "any", "attorney": "team"},
    "record decisions": {"partner": "any", "attorney": "team", "client": "self"},
    "ask about decisions": {"client": "self"},
}

router = APIRouter(prefix="/v1", tags=["decisions"], route_class=IdempotentRoute)


class WithoutAuthority(Refusal):
    """This person may be informed but may not decide for the client."""


class Option(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: Slug
    text: Reason
    consequences: Reason


class NewDecision(BaseModel):
    """Settlement and plea offers, jury, conflict and fee waivers are asked for in writing whatever
    `in_writing` says."""

    model_config = ConfigDict(extra="forbid")
    kind: DecisionKind
    question: Reason
    options: Annotated[list[Option], Field(min_length=2, max_length=10)]
    recommendation: Reason
    reply_by: PointInTime
    in_writing: bool = False

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({one.key for one in self.options}) < len(self.options):
            raise ValueError("each option has a key of its own")
        return self


class Answer(BaseModel):
    """By the client in the portal: the option, and what they want to add. By staff: also who
    decided (a representative; without one the client) and how; in writing, in which message."""

    model_config = ConfigDict(extra="forbid")
    option: Slug
    comment: Prose = ""
    representative_id: UUID | None = None
    channel: Channel | None = None
    writing_id: UUID | None = None


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: Reason


class QuestionShown(BaseModel):
    """Without `decision_id` it is about the strategy."""

    id: UUID
    decision_id: UUID | None
    question: str
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None


class DecisionShown(BaseModel):
    """Joint clients are asked each on their own, under one `joint_decision_id`. `jointly` is what
    they have decided together so far; `divided` ones have decided nothing."""

    id: UUID
    matter_id: UUID
    client_id: UUID
    joint_decision_id: UUID | None
    jointly: Jointly | None
    kind: DecisionKind
    state: State
    question: str
    options: list[Option]
    recommendation: str
    in_writing: bool
    reply_by: datetime
    requested_by: UUID
    requested_at: datetime
    chosen: str | None
    decided_by: UUID | None
    channel: Channel | None
    comment: str | None
    recorded_at: datetime | None
    withdrawn_at: datetime | None


@router.post("/matters/{matter_id}/decisions", status_code=201)
async def post_decision(
    matter_id: UUID, body: NewDecision, caller: Caller, session: Transaction, request: Request
) -> DecisionShown:
    """Put it to the client, with what each choice would mean and what the firm recommends; to joint
    clients each on their own: the answer here is the matter's client's."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "put decisions", matter_id)
    by = (await staff.member(session, caller)).staff_id
    options = [Choice(**one.model_dump()) for one in body.options]
    facts = body.model_dump(exclude={"options"})
    put = await actions.request(session, matter, options=options, by=by, **facts)
    return await _one(session, put[0])


@router.get("/matters/{matter_id}/decisions")
async def list_decisions(
    matter_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[DecisionShown]:
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read decisions", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    its = (col(Decision.matter_id) == matter_id) & access.theirs(caller, Decision)
    wanted = one_page(select(Decision).where(its), Decision.decision_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    answers = await queries.answers(session, found)
    return page(
        found, paging, lambda row: _shown(session, row, answers), lambda row: [str(row.decision_id)]
    )


@router.post("/decisions/{decision_id}/answer")
async def post_answer(
    decision_id: UUID, body: Answer, caller: Caller, session: Transaction, request: Request
) -> DecisionShown:
    """Only from who may decide for the client; the first counts."""
    await access.hold_key(request, Decision, decision_id)
    decision = await _decision(session, caller, "record decisions", decision_id)
    channel = "portal" if caller.role == "client" else body.channel
    if channel is None or (channel == "portal" and caller.role != "client"):
        raise Invalid("Say how the client told you: email, letter, phone, in_person or video.")
    await actions.record(
        session,
        decision,
        option=body.option,
        decided_by=await _who_decides(session, caller, decision, body.representative_id),
        channel=channel,
        writing_id=body.writing_id,
        comment=body.comment,
        recorded_by=caller.id,
    )
    return await _one(session, decision)


@router.post("/decisions/{decision_id}/withdraw")
async def post_withdrawal(
    decision_id: UUID, body: Words, caller: Caller, session: Transaction, request: Request
) -> DecisionShown:
    await access.hold_key(request, Decision, decision_id)
    decision = await _decision(session, caller, "put decisions", decision_id)
    await actions.withdraw(session, decision, reason=body.text)
    return await _one(session, decision)


@router.post("/decisions/{decision_id}/questions", status_code=201)
async def post_question(
    decision_id: UUID, body: Words, caller: Caller, session: Transaction, request: Request
) -> QuestionShown:
    """The client wants to know more, or has a concern about the strategy."""
    await access.hold_key(request, Decision, decision_id)
    decision = await _decision(session, caller, "ask about decisions", decision_id)
    matter = await session.get_one(Matter, decision.matter_id)
    asker = decision.client_id
    return _question(session, await actions.ask(session, matter, asker, body.text, about=decision))


@router.post("/matters/{matter_id}/questions", status_code=201)
async def post_question_of_strategy(
    matter_id: UUID, body: Words, caller: Caller, session: Transaction, request: Request
) -> QuestionShown:
    """The client wants to know why the matter is conducted as it is, or has a concern. It is owed
    an answer: no matter closes over it."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "ask about decisions", matter_id)
    assert caller.client_id is not None, "a client's token names the client"
    asker = caller.client_id
    return _question(session, await actions.ask(session, matter, asker, body.text, about=None))


@router.get("/matters/{matter_id}/questions")
async def list_questions_of_matter(
    matter_id: UUID, caller: Caller, session: Transaction, paging: PageQuery, request: Request
) -> Page[QuestionShown]:
    """About decisions and about the strategy, answered or not, in the order of asking."""
    await access.hold_key(request, Matter, matter_id)
    matter = await access.matter(session, caller, POLICY, "read decisions", matter_id)
    await record_access(session, caller, matter.client_id, "timeline")
    wanted = queries.in_matter(matter_id).where(access.theirs(caller, DecisionQuestion))
    wanted = one_page(wanted, DecisionQuestion.question_id, paging)
    found = (await session.execute(wanted)).scalars().all()
    return page(
        found, paging, lambda row: _question(session, row), lambda row: [str(row.question_id)]
    )


@router.get("/decisions/{decision_id}/questions")
async def list_questions(
    decision_id: UUID, caller: Caller, session: Transaction, request: Request
) -> Page[QuestionShown]:
    await access.hold_key(request, Decision, decision_id)
    await _decision(session, caller, "read decisions", decision_id)
    found = await queries.questions(session, decision_id)
    return Page(items=[_question(session, one) for one in found])


@router.post("/decision-questions/{question_id}/answer")
async def post_explanation(
    question_id: UUID, body: Words, caller: Caller, session: Transaction, request: Request
) -> QuestionShown:
    await access.hold_key(request, DecisionQuestion, question_id)
    permit(POLICY, caller, "put decisions")
    asked = await session.get(DecisionQuestion, question_id, with_for_update=True)
    if asked is None:
        raise NotFound(access.NOTHING)
    await access.matter(session, caller, POLICY, "put decisions", asked.matter_id)
    by = (await staff.member(session, caller)).staff_id
    await actions.explain(session, asked, body.text, by=by)
    return _question(session, asked)


async def _decision(
    session: Transaction, caller: Caller, action: str, decision_id: UUID
) -> Decision:
    permit(POLICY, caller, action)
    decision = await session.get(Decision, decision_id)
    if decision is None:
        raise NotFound(access.NOTHING)
    access.own(caller, decision)
    await access.matter(session, caller, POLICY, action, decision.matter_id)
    await record_access(session, caller, decision.client_id, "timeline")
    return decision


async def _who_decides(
    session: Transaction, caller: Caller, decision: Decision, representative_id: UUID | None
) -> UUID:
    """The client, or a representative of theirs who may decide. Raises WithoutAuthority."""
    if caller.role == "client":
        client = await session.get_one(Client, decision.client_id)
        if caller.email is None or caller.email == client.email:
            return decision.client_id
        speaks = await representatives.with_email(session, decision.client_id, caller.email)
    elif representative_id is None:
        await representatives.require_person(session, decision.client_id)
        return decision.client_id
    else:
        speaks = await representatives.standing(session, representative_id)
    if speaks is None or speaks.client_id != decision.client_id or speaks.authority != "decide":
        raise WithoutAuthority(
            "This person may not decide for the client; somebody who may has to."
        )
    return speaks.representative_id


async def _one(session: Transaction, row: Decision) -> DecisionShown:
    await session.flush()
    return _shown(session, row, await queries.answers(session, [row]))


def _shown(
    session: Transaction, row: Decision, answers: Mapping[UUID, list[tuple[str, str | None]]]
) -> DecisionShown:
    options = [
        Option(
            key=one["key"],
            text=opened(session, one["text"]),
            consequences=opened(session, one["consequences"]),
        )
        for one in row.content["options"]
    ]
    words = {name: opened(session, row.content[name]) for name in ("question", "recommendation")}
    comment = opened(session, row.comment) if row.comment else None
    joint = jointly(answers[row.joint_decision_id]) if row.joint_decision_id else None
    facts = row.model_dump(exclude={"decision_id", "content", "comment"}) | {"jointly": joint}
    return DecisionShown.model_validate(
        facts | words | {"id": row.decision_id, "options": options, "comment": comment}
    )


def _question(session: Transaction, row: DecisionQuestion) -> QuestionShown:
    return QuestionShown(
        id=row.question_id,
        decision_id=row.decision_id,
        question=opened(session, row.question),
        asked_at=row.asked_at,
        answer=opened(session, row.answer) if row.answer else None,
        answered_at=row.answered_at,
    )
