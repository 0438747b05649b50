"""Walls bite in intake too: whom they keep out reads nothing of the client and changes nothing, a
partner neither, as if it were not there."""

from datetime import UTC, datetime, timedelta
from itertools import chain, permutations
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

import intake.conflicts.api
import intake.consultations.api
import intake.engagements.api
import intake.files.api
import intake.information.api
from shared.contracts.matters import ClientsMerged, WallKind, WallLowered, WallRaised
from shared.ids import new_id
from support.prospects import ASKING, COUPLE, NOTE, TERMS, Intake

OUTSIDER = "Olga Outside"
OUTSIDE: dict[str, Any] = {"email": "outsider@firm.test"}
ATTORNEY: dict[str, Any] = {"role": "attorney"}
COMPLIANCE: dict[str, Any] = {"role": "compliance"}
SOON, LATER = ((datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (7, 8))
CHECKLIST = {
    "checklist": "divorce",
    "practice_area": "family",
    "items": [{"kind": "fact", "text": "Since when have you lived apart?"}],
}
REASONS = {"reasons": "Long enough to be read."}
DRAFT = {"terms": TERMS, "signers": COUPLE, "point_of_contact_id": str(new_id())}
DOORS: dict[tuple[str, str], Any] = {
    ("GET", "/v1/consultations/{consultation_id}"): None,
    ("POST", "/v1/consultations/{consultation_id}/parties"): {
        "parties": [{"role": "related", "name": "Dora Example"}]
    },
    ("POST", "/v1/consultations/{consultation_id}/schedule"): {
        "staff_id": str(new_id()), "starts_at": SOON, "ends_at": LATER, "channel": "video",
        "place": "https://meet.firm.test/1",
    },
    ("POST", "/v1/consultations/{consultation_id}/cancel"): None,
    ("POST", "/v1/consultations/{consultation_id}/hold"): {
        "staff_id": str(new_id()), "channel": "video", "held_at": SOON, "note": NOTE,
    },
    ("POST", "/v1/consultations/{consultation_id}/decline"): REASONS | {"by": "client"},
    ("GET", "/v1/consultations/{consultation_id}/conflict-check"): None,
    ("POST", "/v1/consultations/{consultation_id}/conflict-check/clear"): REASONS | {"revision": 1},
    ("POST", "/v1/consultations/{consultation_id}/conflict-check/waive"): REASONS
    | {"revision": 1, "consents": []},
    ("POST", "/v1/consultations/{consultation_id}/files"): {"name": "a.pdf", "size": 9},
    ("PUT", "/v1/files/{file_id}/parts/{number}"): None,
    ("POST", "/v1/files/{file_id}/complete"): None,
    ("GET", "/v1/files/{file_id}/content"): None,
    ("GET", "/v1/consultations/{consultation_id}/information-requests"): None,
    ("POST", "/v1/consultations/{consultation_id}/information-requests"): {
        "checklist": "divorce", "due_at": SOON,
    },
    ("POST", "/v1/information-requests/{request_id}/items/{item_id}/waive"): REASONS,
    ("POST", "/v1/engagements"): DRAFT | {"consultation_id": "{consultation_id}"},
    ("GET", "/v1/engagements/{engagement_id}"): None,
    ("PUT", "/v1/engagements/{engagement_id}"): DRAFT,
    ("GET", "/v1/engagements/{engagement_id}/document"): None,
    ("POST", "/v1/engagements/{engagement_id}/approve"): {"revision": 1},
    ("POST", "/v1/engagements/{engagement_id}/invitations"): {"signer_id": "{signer_id}"},
    ("POST", "/v1/engagements/{engagement_id}/paper-signatures"): {
        "signer_id": "{signer_id}", "file_id": "{file_id}", "signed_at": SOON,
        "document_sha256": "0" * 64,
    },
    ("POST", "/v1/engagements/{engagement_id}/countersign"): {"revision": 1},
    ("POST", "/v1/engagements/{engagement_id}/withdraw"): None,
    ("POST", "/v1/engagements/{engagement_id}/end"): REASONS | {"by_firm": True, "deadlines": []},
}  # fmt: skip
"""Every door to the data of one client, with a body that is taken for one."""
OTHERS = {
    ("GET", "/v1/consultations"), ("POST", "/v1/consultations"), ("GET", "/v1/engagements"),
    ("POST", "/v1/checklists"), ("POST", "/v1/staff-interests"),
}  # fmt: skip
"""Lists, what names a client, and what is of none."""


async def raised(
    intake: Intake, client_id: UUID, kind: WallKind = "need_to_know", **more: Any
) -> WallRaised:
    """A screen before the partner outside, or need-to-know for the others of the directory."""
    if OUTSIDER not in intake.staff:
        await intake.member(OUTSIDER, "partner", **OUTSIDE)
    named = {name for name in intake.staff if (name == OUTSIDER) is (kind == "screen")}
    event = WallRaised(
        wall_id=new_id(),
        client_id=client_id,
        kind=kind,
        reason=await intake.sealed(client_id, "reason", "Her brother is opposed."),
        raised_at=datetime.now(UTC),
        **{"staff_ids": [intake.staff[name] for name in sorted(named)]} | more,
    )
    await intake.hear(event)
    return event


async def lowered(intake: Intake, wall: WallRaised) -> None:
    facts = wall.model_dump(include={"wall_id", "client_id", "matter_id", "reason"})
    await intake.hear(WallLowered(**facts, lowered_at=datetime.now(UTC)))


async def client_of(intake: Intake, consultation_id: str) -> UUID:
    shown = await intake.done("GET", f"/v1/consultations/{consultation_id}")
    return UUID(shown["client_id"])


async def listed(intake: Intake, path: str, **caller: Any) -> list[str]:
    return [one["id"] for one in (await intake.done("GET", path, **caller))["items"]]


async def reads(intake: Intake, consultation_id: str, **caller: Any) -> bool:
    """Whether it is there, alone and in the list alike."""
    answer = await intake.call("GET", f"/v1/consultations/{consultation_id}", **caller)
    assert answer.status_code in (200, 404)
    seen = answer.status_code == 200
    assert (consultation_id in await listed(intake, "/v1/consultations", **caller)) is seen
    return seen


async def everything(intake: Intake) -> dict[str, str]:
    """A consultation with an offered agreement, a file and a question; their ids."""
    consultation_id = await intake.held()
    engagement = await intake.step(await intake.drafted(consultation_id), "approve")
    await intake.done("POST", "/v1/checklists", CHECKLIST)
    path = f"/v1/consultations/{consultation_id}/information-requests"
    request = await intake.done("POST", path, {"checklist": "divorce", "due_at": SOON})
    return {
        "consultation_id": consultation_id,
        "engagement_id": engagement["id"],
        "signer_id": engagement["signers"][0]["id"],
        "request_id": request["id"],
        "item_id": request["items"][0]["id"],
        "file_id": (await intake.uploaded(consultation_id, b"%PDF-1.7 a")).json()["id"],
        "number": "0",
    }


async def refusals(intake: Intake, ids: dict[str, str], **caller: Any) -> dict[str, str]:
    """The doors that answer as if there were nothing, each with its words."""
    found = {}
    for (method, path), body in DOORS.items():
        filled = {name: ids.get(value[1:-1], value) if isinstance(value, str) else value
                  for name, value in body.items()} if body else None  # fmt: skip
        answer = await intake.call(method, path.format(**ids), filled, **caller)
        if answer.status_code == 404:
            found[f"{method} {path}"] = answer.json()["detail"]
    return found


def test_each_door_to_the_data_of_a_client_stands_in_the_list() -> None:
    rooms = (
        intake.consultations.api, intake.conflicts.api, intake.engagements.api, intake.files.api,
        intake.information.api,
    )  # fmt: skip
    routes = [one for one in chain(*(room.router.routes for room in rooms))]
    doors = {
        (method, one.path) for one in routes if isinstance(one, APIRoute) for method in one.methods
    }
    assert doors == DOORS.keys() | OTHERS


@pytest.mark.parametrize("kind", ["need_to_know", "screen"])
async def test_behind_a_wall_nothing_is_read_or_changed_by_any_door(
    intake: Intake, kind: WallKind
) -> None:
    ids = await everything(intake)
    client_id = await client_of(intake, ids["consultation_id"])
    wall = await raised(intake, client_id, kind)
    refused = await refusals(intake, ids, **OUTSIDE)
    assert refused.keys() == {f"{method} {path}" for method, path in DOORS}
    missing = dict.fromkeys(ids, str(new_id())) | {"number": "0"}
    assert refused == await refusals(intake, missing), "foreign, walled off and missing are one"
    lists = ("/v1/consultations", "/v1/engagements", f"/v1/engagements?client_id={client_id}")
    for path in lists:
        assert await listed(intake, path, **OUTSIDE) == []
        assert len(await listed(intake, path)) == 1
    assert await refusals(intake, ids) == {}, "who stands inside meets no wall"
    await lowered(intake, wall)
    for path in lists:
        assert len(await listed(intake, path, **OUTSIDE)) == 1
    assert await reads(intake, ids["consultation_id"], **OUTSIDE)


@pytest.mark.parametrize("order", [("raise",), ("raise", "lower"), ("lower", "raise")])
async def test_a_wall_stands_until_it_is_lowered_in_whatever_order_both_are_heard(
    intake: Intake, order: tuple[str, ...]
) -> None:
    consultation_id = await intake.asked()
    wall = await raised(intake, new_id(), "screen")
    around = wall.model_copy(
        update={"wall_id": new_id(), "client_id": await client_of(intake, consultation_id)}
    )
    assert await reads(intake, consultation_id, **OUTSIDE)
    for one in order:
        await (intake.hear(around) if one == "raise" else lowered(intake, around))
    assert await reads(intake, consultation_id, **OUTSIDE) == ("lower" in order)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_wall_around_one_entry_stands_around_all_in_whatever_order_it_is_heard(
    intake: Intake, order: tuple[int, ...]
) -> None:
    """Merged, and merged on, and a wall around the oldest entry, which asked for nothing."""
    consultation_id = await intake.asked()
    old, oldest, stays = await client_of(intake, consultation_id), new_id(), new_id()
    reason = await intake.sealed(old, "reason", "One person.")
    merged = [
        ClientsMerged(
            client_id=into, merged_id=one, reason=reason, merged_by=new_id(),
            merged_at=datetime.now(UTC),
        )
        for into, one in ((old, oldest), (stays, old))
    ]  # fmt: skip
    wall = await raised(intake, new_id())
    events = (*merged, wall.model_copy(update={"wall_id": new_id(), "client_id": oldest}))
    for number in order:
        await intake.hear(events[number])
    assert not await reads(intake, consultation_id, **OUTSIDE)
    assert await reads(intake, consultation_id)


async def test_who_keeps_walls_is_not_shut_out_unless_a_screen_names_them_and_a_client_never(
    intake: Intake,
) -> None:
    ids = await everything(intake)
    consultation_id, engagement = ids["consultation_id"], f"/v1/engagements/{ids['engagement_id']}"
    client_id = await client_of(intake, consultation_id)
    await raised(intake, client_id, staff_ids=())
    own = {"role": "client", "client_id": str(client_id)}
    for caller in (COMPLIANCE, own):
        assert await reads(intake, consultation_id, **caller)
        assert (await intake.call("GET", engagement, **caller)).is_success
    assert (await intake.call(
        "GET", f"/v1/consultations/{consultation_id}/conflict-check", **COMPLIANCE
    )).is_success  # fmt: skip
    keeper = await intake.member("Cora Keeper", "compliance", email="compliance@firm.test")
    await raised(intake, client_id, "screen", staff_ids=(keeper,))
    assert not await reads(intake, consultation_id, **COMPLIANCE)
    assert await reads(intake, consultation_id, **own)


async def test_a_screen_takes_the_consultation_from_whose_it_was(intake: Intake) -> None:
    consultation_id = await intake.held()
    client_id = await client_of(intake, consultation_id)
    assert await reads(intake, consultation_id, **ATTORNEY)
    await raised(intake, client_id, "screen", staff_ids=(intake.staff["Daniel Okafor"],))
    assert not await reads(intake, consultation_id, **ATTORNEY)
    assert await reads(intake, consultation_id)


async def test_a_wall_around_a_matter_closes_what_it_came_of_and_no_more_of_the_client(
    intake: Intake,
) -> None:
    ids = await everything(intake)
    first = ids["consultation_id"]
    client_id = await client_of(intake, first)
    await intake.client("Ann Example", client_id=client_id)
    again = {name: ASKING[name] for name in ("name", "email", "practice_area")}
    again |= {"source": "phone", "client_id": str(client_id)}
    second = (await intake.done("POST", "/v1/consultations", again))["id"]
    other = (await intake.uploaded(second, b"%PDF-1.7 b")).json()["id"]
    matter_id = UUID(
        (await intake.done("GET", f"/v1/engagements/{ids['engagement_id']}"))["matter_id"]
    )
    await raised(intake, client_id, matter_id=matter_id)
    assert len(await refusals(intake, ids, **OUTSIDE)) == len(DOORS)
    assert await listed(intake, "/v1/engagements", **OUTSIDE) == []
    assert not await reads(intake, first, **OUTSIDE)
    assert await reads(intake, second, **OUTSIDE)
    assert (await intake.call("GET", f"/v1/files/{other}/content", **OUTSIDE)).is_success
    assert await reads(intake, first)


async def test_a_wall_around_a_joint_client_closes_what_they_are_to_sign(intake: Intake) -> None:
    joint = COUPLE[1] | {"joint_client": True}
    drafted = await intake.drafted(signers=[COUPLE[0], joint])
    bob_id = UUID(drafted["signers"][1]["client_id"])
    await raised(intake, bob_id, "screen")
    path = f"/v1/engagements/{drafted['id']}"
    assert await intake.refused("GET", path, **OUTSIDE) == "404 not-found"
    assert await listed(intake, "/v1/engagements", **OUTSIDE) == []
    assert not await reads(intake, drafted["consultation_id"], **OUTSIDE)
    assert (await intake.call("GET", path)).is_success


async def test_the_pages_of_a_narrowed_list_are_full_and_in_order(intake: Intake) -> None:
    every = [await intake.asked(name=f"Person {letter}") for letter in "ABCDE"]
    for hidden in (every[0], every[2]):
        await raised(intake, await client_of(intake, hidden), "screen")
    page = await intake.done("GET", "/v1/consultations?limit=2", **OUTSIDE)
    assert [one["id"] for one in page["items"]] == [every[1], every[3]]
    rest = f"/v1/consultations?limit=2&cursor={page['next']}"
    assert await listed(intake, rest, **OUTSIDE) == [every[4]]
    assert await listed(intake, "/v1/consultations") == every


async def test_who_is_kept_out_can_name_the_client_no_more_than_one_who_is_not_there(
    intake: Intake,
) -> None:
    bob_id, nobody = await intake.client("Bob Example"), new_id()
    await raised(intake, bob_id)
    consultation_id = await intake.held()
    asking = {name: ASKING[name] for name in ("email", "practice_area")}
    asking |= {"name": "Bob Example", "source": "phone"}
    drafted = await intake.drafted(await intake.held())
    for client_id in (bob_id, nobody):
        joint = COUPLE[1] | {"joint_client": True, "client_id": str(client_id)}
        draft = intake.draft(signers=[COUPLE[0], joint])
        match = {"If-Match": f'"{drafted["revision"]}"'}
        for method, path, body, headers in (
            ("POST", "/v1/consultations", asking | {"client_id": str(client_id)}, {}),
            ("POST", "/v1/engagements", draft | {"consultation_id": consultation_id}, {}),
            ("PUT", f"/v1/engagements/{drafted['id']}", draft, match),
        ):
            answer = await intake.call(method, path, body, headers=headers, **OUTSIDE)
            assert answer.status_code == 422
            assert answer.json()["detail"] == f"There is no client {client_id}."
    inside = asking | {"client_id": str(bob_id)}
    assert (await intake.call("POST", "/v1/consultations", inside)).is_success


async def test_a_check_hides_whom_a_wall_keeps_from_the_reader_who_then_does_not_decide_it(
    intake: Intake,
) -> None:
    carl_id = await intake.client("Carl Ivanov", email="ann@clients.test")
    consultation_id = await intake.asked(parties=[{"role": "adverse", "name": "Carl Ivanov"}])
    path = f"/v1/consultations/{consultation_id}"
    await raised(intake, carl_id)
    (hit,) = (await intake.done("GET", f"{path}/conflict-check", **OUTSIDE))["hits"]
    assert hit["serious"]
    assert (hit["found"], hit["client_id"]) == (None, None)
    assert hit["because"] == "whom it is about stands behind a wall"
    assert (await intake.done("GET", path, **OUTSIDE))["duplicates"] == []
    decision = {"revision": 1, "reasons": "Another Carl, born in another year."}
    for door, body in (("clear", decision), ("waive", decision | {"consents": []})):
        answer = await intake.refused("POST", f"{path}/conflict-check/{door}", body, **OUTSIDE)
        assert answer == "409 hit-behind-wall"
    for reader in ({}, COMPLIANCE):
        (hit,) = (await intake.done("GET", f"{path}/conflict-check", **reader))["hits"]
        assert (hit["found"], hit["client_id"]) == ("Carl Ivanov", str(carl_id))
    assert len((await intake.done("GET", path))["duplicates"]) == 1
    check = await intake.done("POST", f"{path}/conflict-check/clear", decision)
    assert check["state"] == "cleared"
