"""What intake tells: a prospective client is registered, and a signed engagement opens its matter,
once, whoever has left the firm meanwhile."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.clients.queries import NeverRegistered
from matters.matters.rules import agreed_cadence
from shared.contracts.matters import (
    CadencePromised,
    ClientChanged,
    ClientRegistered,
    JointClientJoined,
    MatterOpened,
    PartiesChanged,
    TeamChanged,
)
from support.firm import World
from support.prospect import Prospect


@pytest.fixture
async def prospect(world: World) -> Prospect:
    return Prospect(world)


async def test_who_asks_is_a_prospective_client_and_a_client_once_they_signed(
    world: World, prospect: Prospect
) -> None:
    ada = await world.staff("Ada")
    noor = await world.staff("Noor", "paralegal")
    asked = await prospect.requested(point_of_contact_id=ada["id"])
    await world.hear(asked, asked)
    (registered,) = await world.told(ClientRegistered)
    assert (registered.client_id, registered.state) == (prospect.client_id, "prospective")
    assert await world.opened(registered.email) == "cleo@clients.test"
    signed = await prospect.signed(ada, team=(UUID(noor["id"]),))
    await world.hear(signed, signed)
    (opened,) = await world.told(MatterOpened)
    assert (opened.matter_id, opened.engagement_id) == (prospect.matter_id, signed.engagement_id)
    assert opened.opened_at == signed.signed_at
    assert await world.opened(opened.title) == "Marsh divorce"
    assert [one.state for one in await world.told(ClientChanged)] == ["active"]
    (team,) = await world.told(TeamChanged)
    assert [str(one.staff_id) for one in team.members] == [noor["id"]]
    (parties,) = await world.told(PartiesChanged)
    assert await world.opened(parties.parties[0].name) == "Marc Marsh"
    assert [one.days for one in await world.told(CadencePromised)] == [14]
    shown = await world.call("GET", f"/v1/matters/{prospect.matter_id}/parties")
    assert [one["name"] for one in shown.json()["parties"]] == ["Marc Marsh"]
    assert (await world.call("GET", f"/v1/clients/{prospect.client_id}")).json()[
        "state"
    ] == "active"


async def test_without_a_contact_of_their_own_a_managing_partner_is_theirs(
    world: World, prospect: Prospect
) -> None:
    await world.staff("Alan", "partner")
    boss = await world.staff("Grace", "partner", managing_partner=True)
    await world.hear(await prospect.requested())
    shown = (await world.call("GET", f"/v1/clients/{prospect.client_id}")).json()
    assert shown["point_of_contact_id"] == boss["id"]


async def test_who_has_left_or_stands_behind_a_wall_is_left_out(
    world: World, prospect: Prospect
) -> None:
    ada, alan = await world.staff("Ada"), await world.staff("Alan")
    boss = await world.staff("Grace", "partner", managing_partner=True)
    await world.hear(await prospect.requested(point_of_contact_id=boss["id"]))
    entry = {"name": "Alan", "email": alan["email"], "role": "attorney", "active": False}
    await world.call("PUT", f"/v1/staff/{alan['id']}", entry)
    wall = {"client_id": str(prospect.client_id), "kind": "screen", "reason": "Opposed."}
    await world.made("/v1/walls", **wall, staff_ids=[ada["id"]])
    await world.hear(await prospect.signed(ada, team=(UUID(alan["id"]),)))
    shown = (await world.call("GET", f"/v1/matters/{prospect.matter_id}")).json()
    assert shown["point_of_contact_id"] == boss["id"]
    assert await world.told(TeamChanged) == []


async def test_whose_cover_stands_behind_a_wall_works_on_it_and_somebody_else_answers(
    world: World, prospect: Prospect
) -> None:
    ada, noor = await world.staff("Ada"), await world.staff("Noor")
    boss = await world.staff("Grace", "partner", managing_partner=True)
    await world.hear(await prospect.requested(point_of_contact_id=boss["id"]))
    wall = {"client_id": str(prospect.client_id), "kind": "screen", "reason": "Opposed."}
    await world.made("/v1/walls", **wall, staff_ids=[ada["id"]])
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    away = {"first_day": day, "last_day": day}
    await world.made("/v1/absences", staff_id=noor["id"], stand_in_id=ada["id"], **away)
    await world.hear(await prospect.signed(noor, team=(UUID(noor["id"]),)))
    shown = (await world.call("GET", f"/v1/matters/{prospect.matter_id}")).json()
    assert shown["point_of_contact_id"] == boss["id"]
    (told,) = await world.told(TeamChanged)
    assert [str(one.staff_id) for one in told.members] == [noor["id"]]


async def test_an_engagement_of_somebody_never_heard_of_is_refused_and_opens_when_replayed(
    world: World, prospect: Prospect
) -> None:
    ada = await world.staff("Ada")
    signed = await prospect.signed(ada)
    with pytest.raises(NeverRegistered):
        await world.hear(signed)
    assert await world.told(MatterOpened) == []
    await world.hear(await prospect.requested(point_of_contact_id=ada["id"]), signed)
    assert len(await world.told(MatterOpened)) == 1


@pytest.mark.parametrize("merged_first", [True, False])
async def test_the_matter_of_who_was_merged_meanwhile_opens_once_for_the_entry_that_stays(
    world: World, prospect: Prospect, merged_first: bool
) -> None:
    """Merged, and merged on, while the agreement lay with its signers. What opened before stands
    where it was opened."""
    ada = await world.staff("Ada")
    middle, stays = await world.client(ada, "Clio"), await world.client(ada, "Cleopatra")
    await world.hear(await prospect.requested(point_of_contact_id=ada["id"]))
    signed = await prospect.signed(ada)
    if not merged_first:
        await world.hear(signed)
    for into, old in ((middle["id"], str(prospect.client_id)), (stays["id"], middle["id"])):
        body = {"merged_id": old, "reason": "Entered twice."}
        assert (await world.call("POST", f"/v1/clients/{into}/merge", body)).status_code == 200
    await world.hear(signed, signed)
    (opened,) = await world.told(MatterOpened)
    assert str(opened.client_id) == (stays["id"] if merged_first else str(prospect.client_id))
    assert opened.title.owner == opened.client_id
    assert await world.opened(opened.title) == "Marsh divorce"
    changed = [one for one in await world.told(ClientChanged) if one.state == "active"]
    assert {one.client_id for one in changed} <= {opened.client_id, UUID(stays["id"])}
    if merged_first:
        again = {"merged_id": stays["id"], "reason": "Once more."}
        path = f"/v1/clients/{(await world.client(ada, 'Kleo'))['id']}/merge"
        assert (await world.call("POST", path, again)).status_code == 200
        await world.hear(signed)
        assert len(await world.told(MatterOpened)) == 1


async def test_joint_clients_who_turned_out_to_be_one_are_in_the_matter_once(
    world: World, prospect: Prospect
) -> None:
    """One signed for who is the client themselves, two others for one and the same."""
    ada = await world.staff("Ada")
    bob, robert = await world.client(ada, "Bob"), await world.client(ada, "Robert")
    cleo = await world.client(ada, "Cleopatra")
    await world.hear(await prospect.requested(point_of_contact_id=ada["id"]))
    signed = await prospect.signed(
        ada, joint_clients=tuple([prospect.jointly(one) for one in (cleo, bob, robert)])
    )
    for into, old in ((robert["id"], bob["id"]), (cleo["id"], str(prospect.client_id))):
        body = {"merged_id": old, "reason": "Entered twice."}
        assert (await world.call("POST", f"/v1/clients/{into}/merge", body)).status_code == 200
    await world.hear(signed)
    (opened,) = await world.told(MatterOpened)
    assert str(opened.client_id) == cleo["id"]
    assert [str(one.joint_client_id) for one in await world.told(JointClientJoined)] == [
        robert["id"]
    ]


async def test_parties_are_set_as_a_whole_and_not_over_what_nobody_saw(
    world: World, prospect: Prospect
) -> None:
    ada = await world.staff("Ada")
    matter = await world.matter(await world.client(ada), ada)
    path = f"/v1/matters/{matter['id']}/parties"
    body = {"parties": [{"role": "joint_client", "name": "Marc", "also": ["M. Marsh"]}]}
    first = await world.call("PUT", path, body, headers={"If-Match": '"0"'})
    assert first.status_code == 200, first.text
    assert (await world.call("PUT", path, body, headers={"If-Match": '"0"'})).status_code == 412
    own = {"role": "client", "client_id": matter["client_id"]}
    assert (await world.call("GET", path, **own)).status_code == 403
    (told,) = await world.told(PartiesChanged)
    assert await world.opened(told.parties[0].also[0]) == "M. Marsh"


@pytest.mark.parametrize(
    ("every", "days"),
    [("P14D", 14), ("P2W", 14), ("PT336H", 14), ("PT12H", None), ("P9999D", None), (None, None)],
)
def test_an_agreed_cadence_is_whole_days(every: str | None, days: int | None) -> None:
    assert agreed_cadence(every) == days


@given(st.text(max_size=20))
def test_whatever_was_agreed_never_breaks_the_opening(every: str) -> None:
    assert agreed_cadence(every) is None or 1 <= (agreed_cadence(every) or 0) <= 366
