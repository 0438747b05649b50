"""A real conflict is waived only where the firm allows it and everybody affected consented in
writing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.intake import ConflictWaived
from support.platform import Platform
from support.prospects import ASKING, Intake, intake_in


async def conflicted(intake: Intake) -> tuple[str, list[dict[str, Any]]]:
    """A consultation against a client of ours, and the consents of both in writing."""
    carl = await intake.client("Carl Ivanov")
    asking = {key: ASKING[key] for key in ("email", "practice_area")}
    own = await intake.done(
        "POST",
        "/v1/consultations",
        asking | {"name": "Carl Ivanov", "source": "phone", "client_id": str(carl)},
    )
    consultation_id = await intake.asked(parties=[{"role": "adverse", "name": "Carl Ivanov"}])
    ann = (await intake.done("GET", f"/v1/consultations/{consultation_id}"))["client_id"]
    consents = [
        {
            "client_id": client_id,
            "file_id": (await intake.uploaded(place, b"%PDF-1.7 I agree")).json()["id"],
            "given_at": datetime.now(UTC).isoformat(),
        }
        for client_id, place in ((ann, consultation_id), (str(carl), own["id"]))
    ]
    return consultation_id, consents


def waiver(consents: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    reasons = "Unrelated matters; two teams; both were advised to ask another lawyer."
    return {"revision": 1, "reasons": reasons, "consents": consents} | more


async def test_a_waiver_needs_the_consent_of_everybody_affected_in_writing(
    intake: Intake,
) -> None:
    consultation_id, consents = await conflicted(intake)
    door = f"/v1/consultations/{consultation_id}/conflict-check/waive"
    for missing in ([], consents[:1], consents[1:]):
        assert await intake.refused("POST", door, waiver(missing)) == "409 consent-missing"
    swapped = [consents[0], consents[1] | {"file_id": consents[0]["file_id"]}]
    assert await intake.refused("POST", door, waiver(swapped)) == "422 invalid"
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    early = [consents[0], consents[1] | {"given_at": tomorrow}]
    assert await intake.refused("POST", door, waiver(early)) == "422 invalid"
    stranger = waiver(consents, screened=[consents[0]["client_id"]])
    assert await intake.refused("POST", door, stranger) == "422 invalid"
    screened = [str(intake.staff["Eleanor Vale"])]
    check = await intake.done("POST", door, waiver(consents, screened=screened))
    assert check["state"] == "waived"
    (told,) = await intake.told(ConflictWaived)
    assert [str(one.client_id) for one in told.consents] == [one["client_id"] for one in consents]
    assert all(one.document.commitment for one in told.consents)
    assert [str(one) for one in told.screened] == screened
    assert await intake.refused("POST", door, waiver(consents)) == "409 decided-meanwhile"


async def test_where_the_rules_forbid_it_nothing_is_waived(platform: Platform) -> None:
    for rules in ({"intake_waivers": False}, {"intake_never_waived_in": ("family",)}):
        async with intake_in(platform, **rules) as intake:
            await intake.member("Eleanor Vale", "partner", email="partner@firm.test")
            consultation_id, consents = await conflicted(intake)
            door = f"/v1/consultations/{consultation_id}/conflict-check/waive"
            assert await intake.refused("POST", door, waiver(consents)) == "409 waiver-forbidden"
