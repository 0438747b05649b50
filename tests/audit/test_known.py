"""Who works here and which walls stand is read once and then on: never older than the question,
however many ask at once, and at the same price whatever is on the record."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from audit.app import create_app
from audit.known import Known
from shared.contracts.matters import PointOfContactAssigned, WallLowered, WallRaised
from shared.contracts.messaging import MessageFiled
from shared.ids import new_id
from support.facts import firm_changed
from support.firm_record import FRIDAY, Firm
from support.platform import Platform
from support.record import arrival, record_in
from support.running import bearer, running
from support.statements import statements_of

LAWYER = "lawyer@firm.test"


@pytest.fixture
async def firm(platform: Platform, tmp_path: Path) -> AsyncIterator[Firm]:
    async with record_in(platform, tmp_path) as record, running(create_app, record.settings) as one:
        made = Firm(platform, record, one, new_id(), new_id())
        lawyer = await made.staff(LAWYER)
        await made.told(
            firm_changed(),
            lawyer,
            await made.open_matter(made.client_id, made.matter_id),
            PointOfContactAssigned(
                assignment_id=new_id(), client_id=made.client_id, staff_id=lawyer.staff_id,
                from_at=FRIDAY,
            ),
        )  # fmt: skip
        yield made


async def wall(firm: Firm, wall_id: UUID, client_id: UUID) -> tuple[WallRaised, WallLowered]:
    reason = await firm.seal(client_id, "wall", "reason", "a conflict")
    return (
        WallRaised(
            wall_id=wall_id, client_id=client_id, kind="need_to_know", staff_ids=(new_id(),),
            reason=reason, raised_at=FRIDAY,
        ),
        WallLowered(wall_id=wall_id, client_id=client_id, reason=reason, lowered_at=FRIDAY),
    )  # fmt: skip


async def a_busy_year(firm: Firm) -> None:
    """More staff, walls around others, and a hundred messages, of which some are filed later."""
    await firm.told(*[await firm.staff(f"{number}@firm.test") for number in range(20)])
    await firm.told(*[(await wall(firm, new_id(), new_id()))[0] for _ in range(5)])
    reason = await firm.seal(firm.client_id, "filing", "reason", "theirs")
    for number in range(100):
        message_id = new_id()
        matter_id = firm.matter_id if number % 10 else None
        await firm.told(await firm.received(message_id, "a word", matter_id=matter_id))
        if matter_id is None:
            await firm.told(
                MessageFiled(
                    message_id=message_id, conversation_id=new_id(), client_id=firm.client_id,
                    matter_id=firm.matter_id, filed_by=new_id(), filed_at=FRIDAY, reason=reason,
                )
            )  # fmt: skip


@pytest.mark.parametrize("role", ["partner", "attorney", "client"])
async def test_a_timeline_takes_as_many_statements_however_much_is_on_the_record(
    firm: Firm, role: str
) -> None:
    claims = {"client_id": str(firm.client_id)} if role == "client" else {"email": LAWYER}
    path = f"/v1/matters/{firm.matter_id}/timeline?limit=20"

    async def asked() -> list[str]:
        headers = bearer(firm.platform, role, **claims)
        with statements_of(firm.service) as statements:
            answer = await firm.service.http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return statements

    few = await asked()
    await a_busy_year(firm)
    assert len(await asked()) == len(few) <= 7, few


async def test_who_stands_behind_a_wall_that_was_just_told_is_kept_out_of_the_next_page(
    firm: Firm,
) -> None:
    """Also of one that was lowered before it was told to be raised: that one never stands."""
    path = f"/v1/matters/{firm.matter_id}/timeline"
    raised, lowered = await wall(firm, new_id(), firm.client_id)
    late, early = await wall(firm, new_id(), firm.client_id)
    for events, status in (((), 200), ((early, late), 200), ((raised,), 404), ((lowered,), 200)):
        await firm.told(*events)
        assert await firm.status(path, "attorney", email=LAWYER) == status, events


async def test_of_many_who_read_on_at_once_each_knows_what_a_new_start_reads(firm: Firm) -> None:
    known = Known()

    async def reads() -> None:
        for _ in range(5):
            async with firm.record.db.transaction() as session:
                await known.read_on(session)

    async def tells() -> None:
        for number in range(10):
            raised, lowered = await wall(firm, new_id(), firm.client_id)
            await firm.told(await firm.staff(f"{number}@firm.test"), raised)
            await firm.told(*[lowered] * (number % 2))

    await asyncio.gather(tells(), *(reads() for _ in range(8)))
    started = Known()
    async with firm.record.db.transaction() as session:
        await known.read_on(session)
        await started.read_on(session)
    assert len(started.walls(None)) == 5
    assert (known.firm, known.staff) == (started.firm, started.staff)
    assert known.walls(None) == started.walls(None)


async def test_where_a_wall_cannot_be_read_nothing_is_shown(firm: Firm) -> None:
    """Nobody knows whom it keeps out, at the first question and at those that follow."""
    await firm.record.append(
        [arrival(1, service="matters", epoch=2, type_name=WallRaised.type_name())]
    )
    for _ in range(2):
        path = f"/v1/matters/{firm.matter_id}/timeline"
        assert await firm.status(path, "attorney", email=LAWYER) == 500
