"""How a client wants to hear: never beyond their consent; what was known before is kept; and two
entries of one client become one without rewriting anything."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.preferences.rules import NEEDS_CONSENT, consents_needed, without
from shared.contracts.matters import ClientsMerged, PreferencesChanged
from support.firm import World
from support.waiting import eventually

WISHES = {"preferences": {"updates": "call", "urgent": "sms"}, "language": "pt-BR"}
CONSENT = {"purpose": "sms", "recipient": "Carrier", "scope": "That a message waits."}


@pytest.fixture
async def at(world: World) -> dict[str, Any]:
    client = await world.client(await world.staff("Ada"))
    own = {"role": "client", "client_id": client["id"]}
    return {"path": f"/v1/clients/{client['id']}", "own": own, "client": client}


async def test_quiet_hours_language_and_needs_are_kept_and_told_the_needs_sealed(
    world: World, at: dict[str, Any]
) -> None:
    body = {"preferences": {"updates": "call"}, "language": "pt-BR"}
    body |= {"quiet_from": "21:00:00", "quiet_until": "08:00:00", "accessibility": "Large print."}
    path = f"{at['path']}/preferences"
    match = {"If-Match": '"0"'}
    answer = await world.call("PUT", path, body, headers=match, **at["own"])
    assert answer.json() == body, answer.text
    assert (await world.call("PUT", path, body, headers=match, **at["own"])).status_code == 412
    assert (await world.call("GET", path, **at["own"])).json() == body
    (told,) = await world.told(PreferencesChanged)
    assert (told.quiet_from, told.quiet_until, told.language) == ("21:00", "08:00", "pt-BR")
    assert told.accessibility is not None
    assert await world.opened(told.accessibility) == "Large print."
    values = await world.rows("SELECT encode(value, 'escape') FROM outbox")
    assert not any("Large print" in value for (value,) in values)


async def test_a_wish_that_contradicts_consent_is_refused_and_goes_with_the_consent(
    world: World, at: dict[str, Any]
) -> None:
    path = f"{at['path']}/preferences"
    refused = await world.call("PUT", path, WISHES, **at["own"])
    assert (refused.status_code, refused.json()["code"]) == (422, "contradicts-consent")
    consent = (await world.call("POST", f"{at['path']}/consents", CONSENT, **at["own"])).json()
    assert (await world.call("PUT", path, WISHES, **at["own"])).status_code == 200
    await world.call("POST", f"/v1/consents/{consent['id']}/withdraw", **at["own"])
    shown = (await world.call("GET", path, **at["own"])).json()
    assert shown["preferences"] == {"updates": "call"}
    told = await world.told(PreferencesChanged)
    assert [one.preferences for one in told] == [WISHES["preferences"], {"updates": "call"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"quiet_from": "21:00"},
        {"quiet_from": "08:00", "quiet_until": "08:00"},
        {"quiet_from": "22:00:10", "quiet_until": "22:00:50"},
        {"quiet_from": "22:00:00+02:00", "quiet_until": "06:00:00+02:00"},
        {"quiet_from": 79200, "quiet_until": 3600},
        {"language": "english please"},
        {"preferences": {"updates": "by phone, please"}},
    ],
)
async def test_what_could_not_be_obeyed_is_refused(
    world: World, at: dict[str, Any], wrong: dict[str, Any]
) -> None:
    answer = await world.call("PUT", f"{at['path']}/preferences", wrong, **at["own"])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


async def test_a_wish_ends_with_the_day_of_its_consent(world: World, at: dict[str, Any]) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = CONSENT | {"expires_at": tomorrow}
    consent = (await world.call("POST", f"{at['path']}/consents", body, **at["own"])).json()
    path = f"{at['path']}/preferences"
    assert (await world.call("PUT", path, WISHES, **at["own"])).status_code == 200
    passed = """UPDATE consents SET granted_at = now() - interval '2 days',
        expires_at = now() - interval '1 day' WHERE consent_id = :id RETURNING 1"""
    await world.rows(passed, id=consent["id"])
    told = await eventually(lambda: world.told(PreferencesChanged), lambda found: len(found) == 2)
    assert told[-1].preferences == {"updates": "call"}
    await asyncio.sleep(0.6)
    assert len(await world.told(PreferencesChanged)) == 2


async def test_no_door_lets_a_wish_in_that_nobody_consented_to(
    world: World, at: dict[str, Any]
) -> None:
    contact = (await world.call("GET", at["path"])).json()["point_of_contact_id"]
    wishing = {"name": "Noa", "email": "noa@clients.test", "preferences": {"urgent": "sms"}}
    made = await world.call("POST", "/v1/clients", wishing | {"point_of_contact_id": contact})
    changed = await world.call("PUT", at["path"], wishing | {"time_zone": "UTC"})
    for refused in (made, changed):
        assert (refused.status_code, refused.json()["code"]) == (422, "contradicts-consent")
    assert len((await world.call("GET", "/v1/clients")).json()["items"]) == 1


async def test_nobody_writes_an_older_wish_over_a_newer_one_whichever_door_they_take(
    world: World, at: dict[str, Any]
) -> None:
    details, wishes = at["path"], f"{at['path']}/preferences"
    entry = {"name": "Cleo", "email": "cleo@clients.test", "time_zone": "UTC"}

    async def read(path: str) -> dict[str, str]:
        return {"If-Match": (await world.call("GET", path)).headers["etag"]}

    of_client, of_wishes = await read(details), await read(wishes)
    body = {"preferences": {"updates": "call"}}
    answer = await world.call("PUT", wishes, body, headers=of_wishes, **at["own"])
    assert answer.status_code == 200
    assert (await world.call("PUT", details, entry, headers=of_client)).status_code == 412
    of_client, of_wishes = await read(details), await read(wishes)
    entry |= {"preferences": {"updates": "meeting"}}
    assert (await world.call("PUT", details, entry, headers=of_client)).status_code == 200
    late = await world.call("PUT", wishes, body, headers=of_wishes, **at["own"])
    assert late.status_code == 412
    assert (await world.call("GET", wishes)).json()["preferences"] == {"updates": "meeting"}


async def test_a_wish_is_told_whichever_door_it_came_in_by(
    world: World, at: dict[str, Any]
) -> None:
    contact = {"id": (await world.call("GET", at["path"])).json()["point_of_contact_id"]}
    await world.client(contact, "Marc", preferences={"updates": "portal"})
    entry = {"name": "Cleo", "email": "cleo@clients.test", "time_zone": "UTC"}
    for wished in ({"updates": "call"}, {"updates": "call"}, {}):
        answer = await world.call("PUT", at["path"], entry | {"preferences": wished})
        assert answer.status_code == 200
    told = [(one.revision, one.preferences) for one in await world.told(PreferencesChanged)]
    assert told == [(1, {"updates": "portal"}), (1, {"updates": "call"}), (2, {})]


async def test_each_change_of_what_is_known_of_a_client_is_kept(
    world: World, at: dict[str, Any]
) -> None:
    for name in ("Cleo Marsh", "Cleo Stone"):
        body = {"name": name, "email": "cleo@clients.test", "time_zone": "UTC"}
        assert (await world.call("PUT", at["path"], body)).status_code == 200
    for needs in ("Large print.", "Large print, and slowly."):
        body = {"language": "de", "accessibility": needs}
        await world.call("PUT", f"{at['path']}/preferences", body, **at["own"])
    speaks = {"name": "Ben", "email": "ben@clients.test", "authority": "decide"}
    ben = await world.made(f"{at['path']}/representatives", **speaks)
    path = f"/v1/representatives/{ben['id']}"
    await world.call("PUT", path, speaks | {"authority": "inform"})
    assert (await world.call("DELETE", path)).status_code == 204
    shown = (await world.call("GET", f"{at['path']}/history", **at["own"])).json()["items"]
    assert [(one["what"], one["subject_id"], one["revision"]) for one in shown] == [
        ("representative", ben["id"], 2), ("representative", ben["id"], 1),
        ("preferences", None, 1), ("preferences", None, 0),
        ("details", None, 2), ("details", None, 1),
    ]  # fmt: skip
    assert [one["facts"]["authority"] for one in shown[:2]] == ["inform", "decide"]
    assert shown[2]["facts"]["accessibility"] == "Large print."
    assert [one["facts"]["name"] for one in shown[4:]] == ["Cleo Marsh", "Cleo"]
    kept = await world.rows("SELECT facts::text FROM client_history")
    assert not any("Large print" in facts for (facts,) in kept)
    first = (await world.call("GET", f"{at['path']}/history?limit=4")).json()
    rest = (await world.call("GET", f"{at['path']}/history?cursor={first['next']}")).json()
    assert first["items"] + rest["items"] == shown
    assert rest["next"] is None


async def test_two_entries_become_one_client_and_nothing_is_rewritten(world: World) -> None:
    ada = await world.staff("Ada")
    kept, other = await world.client(ada, "Cleo"), await world.client(ada, "Cleopatra")
    matter = await world.matter(other, ada)
    body = {"merged_id": other["id"], "reason": "Entered twice."}
    answers = await asyncio.gather(
        *(world.call("POST", f"/v1/clients/{kept['id']}/merge", body) for _ in range(2))
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    (told,) = await world.told(ClientsMerged)
    assert (str(told.client_id), str(told.merged_id)) == (kept["id"], other["id"])
    found = await world.call("GET", f"/v1/matters?client_id={kept['id']}")
    assert [one["id"] for one in found.json()["items"]] == [matter["id"]]
    assert found.json()["items"][0]["client_id"] == other["id"], "as it was recorded"
    new = {"client_id": other["id"], "title": "X", "practice_area": "family", "reason": "X"}
    refused = await world.call("POST", "/v1/matters", new | {"point_of_contact_id": ada["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "client-merged")
    assert refused.json()["client_id"] == kept["id"]
    circle = {"merged_id": kept["id"], "reason": "The other way round."}
    back = await world.call("POST", f"/v1/clients/{other['id']}/merge", circle)
    assert back.json()["code"] == "client-merged"
    self_merge = {"merged_id": kept["id"], "reason": "Itself."}
    itself = await world.call("POST", f"/v1/clients/{kept['id']}/merge", self_merge)
    assert itself.status_code == 422


@given(st.dictionaries(st.sampled_from(["updates", "sms", "newsletter", "urgent"]),
                       st.sampled_from(["call", "sms", "portal", "newsletter"])))  # fmt: skip
def test_without_a_consent_nothing_is_left_that_needs_it(wishes: dict[str, str]) -> None:
    for consent in NEEDS_CONSENT.values():
        assert consent not in consents_needed(without(wishes, consent))
