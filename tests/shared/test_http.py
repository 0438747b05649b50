"""The HTTP door: what was answered is committed, what was refused changed nothing."""

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID

import jwt
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import text

from privity.keys import key_file, signing_key
from shared.app import Service, create_service
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Refusal
from shared.idempotency import IdempotentRoute
from shared.ids import new_id
from shared.outbox import emit
from shared.pages import Page, PageQuery, page
from shared.settings import Settings
from support.facts import note_written
from support.machinery import MessagingSettings, execute_as_admin
from support.platform import Platform
from support.running import Running, bearer, running, token


class TooMany(Refusal):
    """There are enough."""

    status = 409


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]


router = APIRouter(prefix="/v1/things", route_class=IdempotentRoute)


@router.post("", status_code=201)
async def post_thing(body: Thing, caller: Caller, session: Transaction) -> dict[str, str]:
    client = new_id()
    emit(session, note_written(client))
    await session.execute(
        text("INSERT INTO things (name, parent) VALUES (:name, :parent)"),
        {"name": body.name, "parent": 1 if body.name == "orphan" else None},
    )
    if body.name == "refused":
        raise TooMany("There are enough things; delete one.")
    return {"id": str(client), "name": body.name}


@router.get("")
async def list_things(caller: Caller, session: Transaction, request: PageQuery) -> Page[str]:
    after = request.after[0] if request.after else 0
    rows = await session.execute(
        text("SELECT id, name FROM things WHERE id > :after ORDER BY id LIMIT :limit"),
        {"after": after, "limit": request.limit + 1},
    )
    return page(rows.all(), request, lambda row: str(row.name), lambda row: [row.id])


THINGS = """
    CREATE TABLE parents (id int PRIMARY KEY);
    CREATE TABLE things (id serial PRIMARY KEY, name text,
        parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
    GRANT ALL ON parents, things TO messaging; GRANT USAGE ON SEQUENCE things_id_seq TO messaging
"""


def create_app(settings: Settings) -> FastAPI:
    return create_service(Service(settings, routers=[router]))


@pytest.fixture
async def service(platform: Platform) -> Any:
    settings = await platform.settings(MessagingSettings, machinery_only=True)
    await execute_as_admin(platform, settings, THINGS)
    async with running(create_app, settings) as found:
        yield found


async def names(service: Running) -> list[str]:
    async with service.runtime.db.transaction() as session:
        return list((await session.execute(text("SELECT name FROM things ORDER BY id"))).scalars())


async def events(service: Running) -> int:
    async with service.runtime.db.transaction() as session:
        found = await session.execute(
            text("SELECT count(*) FROM outbox WHERE type LIKE '%NoteWritten%'")
        )
        return int(found.scalar_one())


async def test_a_failed_commit_is_never_a_2xx(platform: Platform, service: Running) -> None:
    headers = bearer(platform, "partner")
    answer = await service.http.post("/v1/things", json={"name": "orphan"}, headers=headers)
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal-error"
    assert await names(service) == []
    assert await events(service) == 0


async def test_a_refusal_rolls_back_and_says_what_to_do(
    platform: Platform, service: Running
) -> None:
    headers = bearer(platform, "partner")
    answer = await service.http.post("/v1/things", json={"name": "refused"}, headers=headers)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "too-many"
    assert "delete one" in answer.json()["detail"]
    assert await names(service) == []


async def test_the_same_idempotency_key_does_the_work_once_and_answers_the_same(
    platform: Platform, service: Running
) -> None:
    headers = bearer(platform, "partner") | {"Idempotency-Key": "a"}
    first = await service.http.post("/v1/things", json={"name": "one"}, headers=headers)
    again = await service.http.post("/v1/things", json={"name": "one"}, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert await names(service) == ["one"]
    assert await events(service) == 1


async def test_twenty_of_the_same_request_at_once_do_the_work_once(
    platform: Platform, service: Running
) -> None:
    headers = bearer(platform, "partner") | {"Idempotency-Key": "b"}
    answers = await asyncio.gather(
        *(service.http.post("/v1/things", json={"name": "one"}, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await names(service) == ["one"]


async def test_an_idempotency_key_used_for_another_request_is_refused(
    platform: Platform, service: Running
) -> None:
    headers = bearer(platform, "partner") | {"Idempotency-Key": "c"}
    await service.http.post("/v1/things", json={"name": "one"}, headers=headers)
    other = await service.http.post("/v1/things", json={"name": "two"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    someone_else = bearer(platform, "attorney") | {"Idempotency-Key": "c"}
    answer = await service.http.post("/v1/things", json={"name": "two"}, headers=someone_else)
    assert answer.status_code == 201


async def test_a_refused_request_may_be_sent_again_with_its_key(
    platform: Platform, service: Running
) -> None:
    headers = bearer(platform, "partner") | {"Idempotency-Key": "d"}
    for _ in range(2):
        answer = await service.http.post("/v1/things", json={"name": "refused"}, headers=headers)
        assert answer.status_code == 409


async def test_lists_come_in_pages_that_miss_and_repeat_nothing(
    platform: Platform, service: Running
) -> None:
    headers = bearer(platform, "partner")
    for number in range(7):
        await service.http.post("/v1/things", json={"name": str(number)}, headers=headers)
    found, cursor = [], None
    while True:
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        answer = (await service.http.get("/v1/things", params=params, headers=headers)).json()
        found += answer["items"]
        if (cursor := answer["next"]) is None:
            break
    assert found == [str(number) for number in range(7)]
    bad = await service.http.get("/v1/things", params={"cursor": "%%"}, headers=headers)
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid")


async def test_unknown_fields_and_huge_bodies_are_refused(
    platform: Platform, service: Running
) -> None:
    headers = bearer(platform, "partner")
    body = {"name": "one", "colour": "red"}
    answer = await service.http.post("/v1/things", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert "/body/colour" in answer.json()["detail"]
    assert "red" not in answer.text
    huge = await service.http.post("/v1/things", content=b"x" * 2_000_000, headers=headers)
    assert (huge.status_code, huge.json()["code"]) == (413, "body-too-large")


def forged(platform: Platform, kind: str) -> str:
    good = token(platform, "partner")
    claims = jwt.decode(good, options={"verify_signature": False})
    header = {name: jwt.get_unverified_header(good)[name] for name in ("kid", "typ")}
    expired = {"exp": int(time.time()) - 60}
    key = signing_key(platform.keys / "issuer")
    stranger = signing_key(key_file(platform.keys, "stranger"))
    signed = {
        "expired": lambda: jwt.encode(claims | expired, key, "EdDSA", header),
        "foreign audience": lambda: jwt.encode(claims | {"aud": "else"}, key, "EdDSA", header),
        "foreign issuer": lambda: jwt.encode(claims | {"iss": "http://x"}, key, "EdDSA", header),
        "not an access token": lambda: jwt.encode(
            claims, key, "EdDSA", {"kid": header["kid"], "typ": "JWT"}
        ),
        "alg none": lambda: jwt.encode(claims, None, "none", header),
        "another's key": lambda: jwt.encode(claims, stranger, "EdDSA", header),
        "public key as secret": lambda: jwt.encode(claims, "x" * 64, "HS256", header),
        "no role": lambda: jwt.encode(
            {name: claims[name] for name in claims if name != "role"}, key, "EdDSA", header
        ),
        "garbage": lambda: "not.a.token",
        "changed": lambda: good[:-20] + ("A" if good[-20] != "A" else "B") + good[-19:],
    }
    return signed[kind]()


@pytest.mark.parametrize(
    "kind",
    [
        "expired",
        "foreign audience",
        "foreign issuer",
        "not an access token",
        "alg none",
        "another's key",
        "public key as secret",
        "no role",
        "garbage",
        "changed",
    ],
)
async def test_a_token_that_is_not_right_in_every_way_is_refused(
    platform: Platform, service: Running, kind: str
) -> None:
    headers = {"Authorization": f"Bearer {forged(platform, kind)}"}
    answer = await service.http.get("/v1/things", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_without_a_token_nothing_is_told(service: Running) -> None:
    answer = await service.http.get("/v1/things")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert (await service.http.get("/healthz")).status_code == 200


async def test_a_clients_id_comes_only_from_the_token(platform: Platform) -> None:
    client = new_id()
    claims = jwt.decode(
        token(platform, "client", client_id=str(client)), options={"verify_signature": False}
    )
    assert UUID(claims["client_id"]) == client
