"""The firm: said once, changed by who has read it."""

import asyncio

import pytest

from shared.contracts.matters import FirmChanged
from support.firm import FIRM, World


async def test_the_firm_is_missing_until_somebody_describes_it(world: World) -> None:
    missing = await world.call("GET", "/v1/firm")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")
    written = await world.call("PUT", "/v1/firm", FIRM)
    assert (written.status_code, written.headers["etag"]) == (201, '"1"')
    read = await world.call("GET", "/v1/firm", role="client", client_id=_nobody())
    assert read.json() == FIRM | {"calendar_id": None}
    (told,) = await world.told(FirmChanged)
    assert (told.name, told.addresses, told.revision) == (FIRM["name"], ("office@firm.test",), 1)
    assert told.emergency.phone == "+1 212 555 0147"


async def test_who_did_not_read_the_newest_firm_does_not_overwrite_it(world: World) -> None:
    first = await world.call("PUT", "/v1/firm", FIRM)
    read = {"If-Match": first.headers["etag"]}
    changed = await world.call("PUT", "/v1/firm", FIRM | {"name": "Vale LLP"}, headers=read)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    late = await world.call("PUT", "/v1/firm", FIRM | {"name": "Harbour LLP"}, headers=read)
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    assert (await world.call("GET", "/v1/firm")).json()["name"] == "Vale LLP"


async def test_two_first_descriptions_at_once_are_two_revisions(world: World) -> None:
    answers = await asyncio.gather(*(world.call("PUT", "/v1/firm", FIRM) for _ in range(4)))
    assert sorted(one.headers["etag"] for one in answers) == ['"1"', '"2"', '"3"', '"4"']
    assert [one.revision for one in await world.told(FirmChanged)] == [1, 2, 3, 4]


async def test_a_firm_that_nobody_described_has_no_version_to_match(world: World) -> None:
    answer = await world.call("PUT", "/v1/firm", FIRM, headers={"If-Match": "*"})
    assert answer.status_code == 412


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"addresses": ["office"]},
        {"addresses": ["office@firm.test\r\nBcc: all@firm.test"]},
        {"name": ""},
        {"name": "Harbour\u0000"},
        {"emergency": {"fax": "1"}},
        {"motto": "unknown"},
    ],
)
async def test_what_could_not_be_used_later_is_refused(world: World, wrong: dict[str, str]) -> None:
    answer = await world.call("PUT", "/v1/firm", FIRM | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert await world.told(FirmChanged) == []


async def test_only_partners_and_operations_change_the_firm(world: World) -> None:
    assert (await world.call("PUT", "/v1/firm", FIRM, role="operations")).status_code == 201
    for role in ("attorney", "paralegal", "billing", "compliance", "integration"):
        answer = await world.call("PUT", "/v1/firm", FIRM, role=role)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def _nobody() -> str:
    return "0197f3d2-0000-7000-8000-000000000000"
