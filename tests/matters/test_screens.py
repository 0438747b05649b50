"""Whom a waived conflict names is kept away by a wall, whenever the matter opens, and nothing of
the client is parked because of who answers them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from matters.clients.queries import NeverRegistered
from shared.contracts.intake import ConflictWaived
from shared.contracts.matters import MatterOpened, PointOfContactAssigned, TeamChanged, WallRaised
from shared.ids import new_id
from support.firm import World
from support.prospect import Prospect


@pytest.fixture
async def firm(world: World) -> dict[str, dict[str, Any]]:
    grace = await world.staff("Grace", "partner", managing_partner=True)
    alan = await world.staff("Alan", "partner")
    return {"ada": await world.staff("Ada"), "grace": grace, "alan": alan}


@pytest.fixture
async def prospect(world: World, firm: dict[str, dict[str, Any]]) -> Prospect:
    """Whom Ada answers."""
    prospect = Prospect(world)
    await world.hear(await prospect.requested(point_of_contact_id=firm["ada"]["id"]))
    return prospect


def waived(prospect: Prospect, *screened: dict[str, Any], **more: Any) -> ConflictWaived:
    facts = {
        "check_id": new_id(),
        "revision": 1,
        "client_id": prospect.client_id,
        "consultation_id": new_id(),
        "decided_by": new_id(),
        "reasons": prospect.sealed("Ada acted for the other side until May.", "reasons"),
        "consents": (),
        "screened": tuple(UUID(one["id"]) for one in screened),
        "waived_at": datetime.now(UTC),
    }
    return ConflictWaived.model_validate(facts | more)


async def seen(world: World, who: dict[str, Any], path: str) -> int:
    return (await world.call("GET", path, role=who["role"], email=who["email"])).status_code


async def test_a_wall_stands_before_the_matter_opens_and_nobody_behind_it_gets_into_it(
    world: World, firm: dict[str, dict[str, Any]], prospect: Prospect
) -> None:
    ada, grace, alan = firm["ada"], firm["grace"], firm["alan"]
    event = waived(prospect, ada, grace)
    await world.hear(event, event, waived(prospect, ada))
    (wall,) = await world.told(WallRaised)
    assert (wall.kind, wall.matter_id) == ("screen", None)
    assert {str(one) for one in wall.staff_ids} == {ada["id"], grace["id"]}
    assert await world.opened(wall.reason) == "Ada acted for the other side until May."
    shown = (
        await world.call("GET", f"/v1/clients/{prospect.client_id}", email=alan["email"])
    ).json()
    assert shown["point_of_contact_id"] == alan["id"]
    await world.hear(await prospect.signed(ada, team=(UUID(grace["id"]),)))
    (opened,) = await world.told(MatterOpened)
    path = f"/v1/matters/{opened.matter_id}"
    assert [await seen(world, one, path) for one in (ada, grace, alan)] == [404, 404, 200]
    assert await world.told(TeamChanged) == []
    assert {one.staff_id for one in await world.told(PointOfContactAssigned)} == {
        UUID(ada["id"]),
        UUID(alan["id"]),
    }


async def test_a_wall_after_the_matter_opened_takes_contact_and_team_away(
    world: World, firm: dict[str, dict[str, Any]], prospect: Prospect
) -> None:
    ada, grace, alan = firm["ada"], firm["grace"], firm["alan"]
    await world.hear(await prospect.signed(ada, team=(UUID(alan["id"]),)))
    path = f"/v1/matters/{prospect.matter_id}"
    planned = {
        "staff_id": ada["id"],
        "from_at": (datetime.now(UTC) + timedelta(days=9)).isoformat(),
    }
    await world.call("PUT", f"{path}/point-of-contact", planned)
    assert await seen(world, ada, path) == 200
    await world.hear(waived(prospect, ada, alan))
    assert [await seen(world, one, path) for one in (ada, alan, grace)] == [404, 404, 200]
    last = (await world.told(TeamChanged))[-1]
    assert last.members == ()
    for subject in (prospect.client_id, prospect.matter_id):
        *_, (contact, _, until_at) = await world.contacts(subject)
        assert (contact, until_at) == (grace["id"], None)


async def test_a_contact_stays_without_a_screened_stand_in_and_goes_if_one_covers_them(
    world: World, firm: dict[str, dict[str, Any]], prospect: Prospect
) -> None:
    ada, grace, alan = firm["ada"], firm["grace"], firm["alan"]
    noor = await world.staff("Noor")
    door = f"/v1/clients/{prospect.client_id}/point-of-contact"
    handed = await world.call("PUT", door, {"staff_id": ada["id"], "stand_in_id": noor["id"]})
    assert handed.status_code == 200, handed.text
    await world.hear(waived(prospect, noor))
    assert (await world.contacts(prospect.client_id))[-1][0] == ada["id"]
    today = datetime.now(UTC).date()
    first, last = [str(today + timedelta(days=one)) for one in (2, 5)]
    cover = {"staff_id": ada["id"], "stand_in_id": alan["id"]}
    await world.made("/v1/absences", **cover, first_day=first, last_day=last)
    await world.hear(waived(prospect, alan))
    assert (await world.contacts(prospect.client_id))[-1][0] == grace["id"]
    assert len(await world.told(WallRaised)) == 2


async def test_a_waiver_that_screens_nobody_raises_nothing_and_one_of_a_stranger_waits(
    world: World, firm: dict[str, dict[str, Any]], prospect: Prospect
) -> None:
    await world.hear(waived(prospect))
    assert await world.told(WallRaised) == []
    stranger = Prospect(world)
    asked = await stranger.requested()
    with pytest.raises(NeverRegistered):
        await world.hear(waived(stranger, firm["ada"]))
    await world.hear(asked, waived(stranger, firm["ada"]))
    assert len(await world.told(WallRaised)) == 1
