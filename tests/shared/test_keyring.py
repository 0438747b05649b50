"""Keys: a service may ask for a key and read nothing; a destroyed key opens nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.contracts import FIRM_ID
from shared.errors import Unavailable
from shared.ids import new_id
from shared.keyring import FileKeyProvider, KeyNotHeld, Keyring
from support.platform import Platform


@pytest.fixture
async def keyring(platform: Platform) -> AsyncIterator[Keyring]:
    found = Keyring(
        platform.address("messaging", "keyring"), FileKeyProvider(platform.keys / "kek")
    )
    await found.open()
    yield found
    await found.close()


async def as_admin(platform: Platform, statement: str, *arguments: object) -> None:
    connection = await asyncpg.connect(platform.postgres.url.rpartition("/")[0] + "/keyring")
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def test_two_who_make_a_key_at_once_hold_the_same(
    platform: Platform, keyring: Keyring
) -> None:
    other = Keyring(platform.address("matters", "keyring"), FileKeyProvider(platform.keys / "kek"))
    await other.open()
    owner = new_id()
    await asyncio.gather(keyring.hold(owner, create=True), other.hold(owner, create=True))
    assert keyring.key(owner) == other.key(owner)
    await other.close()


async def test_a_keyring_that_lets_nobody_in_is_away_and_comes_back(
    platform: Platform, keyring: Keyring
) -> None:
    """A server that starts, or has no connection left, refuses; a caller must wait, not give up."""
    await as_admin(platform, "ALTER ROLE messaging CONNECTION LIMIT 0")
    try:
        with pytest.raises(Unavailable):
            await keyring.hold(new_id(), create=True)
    finally:
        await as_admin(platform, "ALTER ROLE messaging CONNECTION LIMIT -1")
    await keyring.hold(owner := new_id(), create=True)
    assert keyring.key(owner)


async def test_a_key_that_was_not_asked_for_before_is_not_held(keyring: Keyring) -> None:
    with pytest.raises(KeyNotHeld):
        keyring.key(new_id())


async def test_a_destroyed_key_is_gone_with_the_next_refresh(
    platform: Platform, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = new_id()
    await keyring.hold(owner, create=True)
    await as_admin(platform, "UPDATE data_keys SET destroyed_at = now() WHERE owner = $1", owner)
    monkeypatch.setattr("shared.keyring.REFRESHED_AFTER_SECONDS", 0.0)
    await keyring.hold(owner)
    with pytest.raises(KeyNotHeld):
        keyring.key(owner)


async def test_a_key_held_longer_than_a_minute_is_not_used(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = new_id()
    await keyring.hold(owner, create=True)
    monkeypatch.setattr("shared.keyring.HELD_SECONDS", 0.0)
    with pytest.raises(KeyNotHeld):
        keyring.key(owner)


@pytest.mark.parametrize("table", ["data_keys", "key_reads"])
async def test_a_services_role_reads_no_table_of_the_keyring(
    platform: Platform, table: str
) -> None:
    connection = await asyncpg.connect(platform.address("messaging", "keyring"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch(f"SELECT * FROM {table}")
    await connection.close()


async def test_every_read_of_a_key_is_logged_with_the_role(
    platform: Platform, keyring: Keyring
) -> None:
    owner = new_id()
    await keyring.hold(owner, FIRM_ID, create=True)
    connection = await asyncpg.connect(platform.postgres.url.rpartition("/")[0] + "/keyring")
    roles = await connection.fetch("SELECT role FROM key_reads WHERE owner = $1", owner)
    await connection.close()
    assert {row["role"] for row in roles} == {"messaging"}


async def test_a_keyring_that_is_away_is_said_to_be(platform: Platform) -> None:
    away = Keyring("postgresql://a:b@127.0.0.1:1/keyring", FileKeyProvider(platform.keys / "kek"))
    await away.open()
    with pytest.raises(Unavailable):
        await away.hold(new_id())
    await away.close()


async def test_another_key_encryption_key_opens_nothing(
    platform: Platform, keyring: Keyring, tmp_path: Path
) -> None:
    owner = new_id()
    await keyring.hold(owner, create=True)
    wrong = tmp_path / "kek"
    wrong.write_bytes(bytes(32))
    other = Keyring(platform.address("messaging", "keyring"), FileKeyProvider(wrong))
    await other.open()
    with pytest.raises(Unavailable, match="does not fit"):
        await other.hold(owner)
    await other.close()
