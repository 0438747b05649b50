"""Somebody leaves the firm: their token, which lives on, opens nothing any more in any service."""

from typing import Any

from support.office import Office, until

DOORS = (
    "/v1/clients", "/v1/messages", "/v1/clocks", "/v1/closed-matters/unbilled", "/v1/consultations",
    "/v1/record/entries",
)  # fmt: skip


def test_who_left_is_refused_in_every_service_within_seconds_and_is_let_in_again_when_back(
    office: Office,
) -> None:
    address = "leaver@firm.test"
    entry = office.post("/v1/staff", {"name": "Lea Leaver", "email": address, "role": "partner"})

    def doors() -> dict[str, int]:
        with office.http("partner", email=address) as http:
            return {door: http.get(door).status_code for door in DOORS}

    def change(**changes: Any) -> None:
        kept = {name: value for name, value in entry.items() if name != "id"}
        office.put(f"/v1/staff/{entry['id']}", kept | changes)

    until(doors, lambda answers: set(answers.values()) == {200})
    change(active=False)
    until(doors, lambda answers: set(answers.values()) == {403}, 5)
    with office.http("partner", email=address) as http:
        said = http.get("/v1/clients").json()
    assert said["code"] == "forbidden"
    assert "directory" in said["detail"]
    change()
    until(doors, lambda answers: set(answers.values()) == {200}, 5)
