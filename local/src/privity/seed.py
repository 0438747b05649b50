"""The built-in firm: its calendar and addresses, one of staff per role, a client to try with.

Made through the gateway's public API, as anybody would. Every POST has a fixed Idempotency-Key, so
that a start that broke off halfway goes on where it stopped.
"""

from typing import Any

import httpx2

from privity.clients import call

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
TIME_ZONE = "America/New_York"
CALENDAR = {
    "name": "Office hours",
    "time_zone": TIME_ZONE,
    "weekly": {day: [["09:00", "17:00"]] for day in WEEKDAYS},
    "holidays": {"country": "US"},
}
FIRM = {
    "name": "Harbour & Vale LLP",
    "time_zone": TIME_ZONE,
    "addresses": ["office@firm.test"],
    "emergency": {
        "phone": "+1 212 555 0147",
        "email": "urgent@firm.test",
        "text": "If somebody is in danger or has been arrested, call us at any hour.",
    },
}
PARTNER = {
    "name": "Eleanor Vale",
    "email": "partner@firm.test",
    "role": "partner",
    "managing_partner": True,
}
STAFF = (
    ("Daniel Okafor", "attorney"),
    ("Ruth Lindqvist", "paralegal"),
    ("Marco Bellini", "billing"),
    ("Priya Raman", "compliance"),
    ("Tom Hargreaves", "operations"),
)

CLIENT = {"name": "Grace Holloway", "email": "grace@clients.test", "time_zone": TIME_ZONE}
MATTER = {
    "title": "Purchase of 12 Quay Street",
    "practice_area": "real-estate",
    "reason": "Built in, so that there is a client to try with.",
}


def plant(http: httpx2.Client) -> None:
    """Idempotent; `http` acts as a partner. Raises Trouble with what the platform answered."""
    if http.get("/v1/firm").status_code == 404:
        calendar = _post(http, "/v1/calendars", CALENDAR)
        call(http, "PUT", "/v1/firm", json=FIRM | {"calendar_id": calendar["id"]})
    if _staff_is_missing(http):
        partner = _post(http, "/v1/staff", PARTNER)
        for name, role in STAFF:
            member = {"name": name, "email": f"{role}@firm.test", "role": role}
            _post(http, "/v1/staff", member | {"supervisor_id": partner["id"]})
    if not call(http, "GET", "/v1/matters", params={"limit": 1}).json()["items"]:
        contact = call(http, "GET", "/v1/staff", params={"email": "attorney@firm.test"}).json()
        contacted = {"point_of_contact_id": contact["items"][0]["id"]}
        client = _post(http, "/v1/clients", CLIENT | contacted)
        _post(http, "/v1/matters", MATTER | contacted | {"client_id": client["id"]})


def _staff_is_missing(http: httpx2.Client) -> bool:
    known = call(http, "GET", "/v1/staff", params={"limit": 100}).json()["items"]
    return STAFF[-1][1] not in {member["role"] for member in known}


def _post(http: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    key = f"privity-seed-{path}-{body.get('name') or body['title']}"
    answer: dict[str, Any] = call(
        http, "POST", path, json=body, headers={"Idempotency-Key": key}
    ).json()
    return answer
