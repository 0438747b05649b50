"""Data keys, wrapped, in a database of their own: a service may call two functions there and read
nothing else. Destroying a key makes its owner unreadable everywhere; proofs still hold.

Keys are fetched before a transaction begins (`hold`) and are used from memory for at most 60 s.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from shared import sealing
from shared.contracts import Sealed
from shared.db import LOST
from shared.errors import Unavailable
from shared.sealing import DataKey

HELD_SECONDS = 60.0
REFRESHED_AFTER_SECONDS = 30.0


class KeyNotHeld(Exception):
    """The owner's key was not fetched before, never existed, or has been destroyed."""


class KeyProvider(Protocol):
    """Wraps data keys under a key-encryption key that never enters the database."""

    kek_id: str

    def wrap(self, secret: bytes, associated: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, associated: bytes) -> bytes: ...


class FileKeyProvider:
    """A 32-byte key-encryption key in a file that only the service may read (0600)."""

    kek_id = "file-1"

    def __init__(self, path: Path) -> None:
        self._cipher = AESGCM(path.read_bytes())

    def wrap(self, secret: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, secret, associated)

    def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:12], wrapped[12:], associated)
        except InvalidTag as error:
            raise Unavailable("The key-encryption key does not fit the keyring.") from error


class Keyring:
    """The keys a service holds right now."""

    def __init__(self, database_url: str, provider: KeyProvider) -> None:
        self._url = database_url
        self._provider = provider
        self._pool: asyncpg.Pool | None = None
        self._held: dict[UUID, tuple[float, dict[int, DataKey]]] = {}

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._url, min_size=0, max_size=4, timeout=10, command_timeout=10
        )

    async def close(self) -> None:
        if self._pool:
            await self._pool.close()

    async def hold(self, *owners: UUID, create: bool = False) -> None:
        """Have these owners' keys at hand for the next transaction; `create` makes missing ones.

        Owners without a key are left out: sealing or unsealing for them raises KeyNotHeld.
        """
        now = time.monotonic()
        stale = [
            one for one in dict.fromkeys(owners) if self._age(one, now) > REFRESHED_AFTER_SECONDS
        ]
        if stale:
            await self._fetch(stale)
        if create:
            await self._create([one for one in stale if one not in self._held])

    def key(self, owner: UUID, version: int | None = None) -> DataKey:
        fetched, versions = self._held.get(owner, (0.0, {}))
        if not versions or time.monotonic() - fetched > HELD_SECONDS:
            self._held.pop(owner, None)
            raise KeyNotHeld(f"the key of {owner} is not held")
        try:
            return versions[max(versions) if version is None else version]
        except KeyError:
            raise KeyNotHeld(f"version {version} of the key of {owner} is not held") from None

    def _age(self, owner: UUID, now: float) -> float:
        return now - self._held[owner][0] if owner in self._held else float("inf")

    async def _fetch(self, owners: list[UUID]) -> None:
        rows = await self._call("SELECT * FROM keyring_read($1::uuid[])", owners)
        found: dict[UUID, dict[int, DataKey]] = {}
        for row in rows:
            key = self._unwrap(row["owner"], row["version"], row["kek_id"], row["wrapped"])
            found.setdefault(key.owner, {})[key.version] = key
        now = time.monotonic()
        for owner in owners:
            self._held.pop(owner, None)
        self._held |= {owner: (now, versions) for owner, versions in found.items()}

    async def _create(self, owners: list[UUID]) -> None:
        """Two services may race to make one key: the first row stays, and both read that one."""
        for owner in owners:
            wrapped = self._provider.wrap(os.urandom(32), self._associated(owner, 1))
            await self._call(
                "SELECT keyring_create($1, $2, $3)", owner, self._provider.kek_id, wrapped
            )
        if owners:
            await self._fetch(owners)

    async def _call(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        assert self._pool is not None, "the keyring is not open"
        try:
            rows: list[asyncpg.Record] = await self._pool.fetch(statement, *arguments)
        except LOST as error:  # also a server that starts, is full or is misconfigured
            raise Unavailable("The keyring does not answer.") from error
        return rows

    def _unwrap(self, owner: UUID, version: int, kek_id: str, wrapped: bytes) -> DataKey:
        if kek_id != self._provider.kek_id:
            raise Unavailable(f"The keyring's keys are wrapped under {kek_id}, which is not here.")
        return DataKey(
            owner, version, self._provider.unwrap(wrapped, self._associated(owner, version))
        )

    def _associated(self, owner: UUID, version: int) -> bytes:
        return f"{owner}/{version}/{self._provider.kek_id}".encode()


def keys_of(session: AsyncSession) -> Keyring:
    keyring = session.info["keys"]
    assert isinstance(keyring, Keyring)
    return keyring


def seal(
    session: AsyncSession,
    owner: UUID,
    content_id: UUID,
    kind: str,
    field: str,
    plaintext: str | bytes,
) -> Sealed:
    """Seal under the owner's newest key; KeyNotHeld if `hold` was not called for it before."""
    content = plaintext.encode() if isinstance(plaintext, str) else plaintext
    return sealing.seal(keys_of(session).key(owner), content_id, kind, field, content)


def unseal(session: AsyncSession, sealed: Sealed) -> str:
    key = keys_of(session).key(sealed.owner, sealed.key_version)
    return sealing.unseal(key, sealed).decode()


def owners_in(event: BaseModel) -> Iterable[UUID]:
    """Whose keys a handler of this event may need: of every seal in it, and the client it is
    about."""
    if isinstance(event, Sealed):
        yield event.owner
        return
    client_id = getattr(event, "client_id", None)
    if isinstance(client_id, UUID):
        yield client_id
    for value in dict(event).values():
        for item in value if isinstance(value, tuple | list) else (value,):
            if isinstance(item, BaseModel):
                yield from owners_in(item)
