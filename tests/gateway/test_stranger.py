"""A stranger who has only an address and a token: what the merged document says is what happens."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from matters.app import create_app
from matters.settings import MattersSettings
from support.firm import FIRM
from support.gateway import gateway, listening
from support.platform import Platform
from support.running import bearer
from support.waiting import eventually

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection,ignored_auth,unsupported_method"
)


@dataclass
class Door:
    http: httpx2.AsyncClient
    partner: dict[str, str]


@pytest.fixture
async def door(platform: Platform) -> AsyncIterator[Door]:
    settings = await platform.settings(MattersSettings)
    async with listening(create_app(settings)) as url, gateway(platform, matters_url=url) as http:
        await eventually(lambda: described(http))
        yield Door(http, bearer(platform, "partner"))


async def described(http: httpx2.AsyncClient) -> bool:
    """Whether the gateway has heard from matters what it answers."""
    return "/v1/staff" in (await http.get("/openapi.json")).json().get("paths", {})


async def test_a_firm_is_set_up_with_nothing_but_the_document(door: Door) -> None:
    document = (await door.http.get("/openapi.json")).json()
    for path in ("/v1/firm", "/v1/staff", "/v1/clients", "/v1/matters"):
        assert path in document["paths"]
    assert (await door.http.put("/v1/firm", json=FIRM, headers=door.partner)).status_code == 201
    ada = await _made(door, "/v1/staff", name="Ada", email="ada@firm.test", role="attorney")
    cleo = await _made(
        door, "/v1/clients", name="Cleo", email="c@clients.test", point_of_contact_id=ada["id"]
    )
    matter = await _made(
        door,
        "/v1/matters",
        client_id=cleo["id"],
        title="Lease",
        practice_area="real-estate",
        point_of_contact_id=ada["id"],
        reason="Old client",
    )
    assert matter["number"].endswith("-0001")
    read = await door.http.get(f"/v1/clients/{cleo['id']}", headers=door.partner)
    assert read.headers["etag"] == '"1"'


async def test_another_clients_id_is_404_and_unknown_fields_are_422(
    platform: Platform, door: Door
) -> None:
    ada = await _made(door, "/v1/staff", name="Ada", email="ada@firm.test", role="attorney")
    contact = {"point_of_contact_id": ada["id"]}
    cleo = await _made(door, "/v1/clients", name="Cleo", email="c@clients.test", **contact)
    marc = await _made(door, "/v1/clients", name="Marc", email="m@clients.test", **contact)
    as_cleo = bearer(platform, "client", client_id=cleo["id"])
    assert (await door.http.get(f"/v1/clients/{cleo['id']}", headers=as_cleo)).status_code == 200
    foreign = await door.http.get(f"/v1/clients/{marc['id']}", headers=as_cleo)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not-found")
    body = {"name": "X", "email": "x@clients.test", "shoe_size": "44", **contact}
    refused = await door.http.post("/v1/clients", json=body, headers=door.partner)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")


async def test_a_body_too_large_for_the_service_or_the_gateway_is_413(door: Door) -> None:
    for size in (1_100_000, 3_000_000, 5_000_000):
        body = b'{"name": "' + b"x" * size + b'"}'
        answer = await door.http.post("/v1/clients", content=body, headers=door.partner)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large"), size


async def test_what_the_document_promises_is_kept_for_generated_calls(door: Door) -> None:
    await _made(door, "/v1/staff", name="Ada", email="ada@firm.test", role="attorney")
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{door.http.base_url}/openapi.json",
        "--header", f"Authorization: {door.partner['Authorization']}", "--checks", CHECKS,
        "--phases", "coverage,fuzzing", "--max-examples", "5", "--mode", "all", "--seed", "1",
        "--exclude-path", "/readyz", "--max-time", "20", "--no-color", "--request-timeout", "10",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def _made(door: Door, path: str, **body: str) -> dict[str, str]:
    answer = await door.http.post(path, json=body, headers=door.partner)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made
