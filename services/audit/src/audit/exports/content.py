"""What an export is made of: its entries with what their seals hold, and the files of messaging,
which are kept sealed until the bundle is whole."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit import entries, queries, timeline
from audit.exports import opening, rows
from audit.exports.originals import File, Stopped
from audit.exports.rows import Export
from shared import sealing
from shared.contracts import Event
from shared.db import Database
from shared.keyring import KeyNotHeld, Keyring

ENTRIES_AT_ONCE = 500


@dataclass
class Found:
    """One entry of the export with what its seals hold."""

    row: Any
    value: Any
    event: Event | None
    opened: list[opening.Opened]
    attached: list[opening.Attached]

    @property
    def message_id(self) -> UUID | None:
        return _id(self.value, "message_id")

    @property
    def original_id(self) -> UUID | None:
        """The mail that the event tells of, as it arrived or as it left: under this id messaging
        keeps it."""
        original = self.value.get("original") if isinstance(self.value, dict) else None
        return _id(original, "content_id")

    def words(self, at: str) -> str:
        return next((o.content.decode(errors="replace") for o in self.opened if o.at == at), "")


def _id(members: Any, name: str) -> UUID | None:
    found = members.get(name) if isinstance(members, dict) else None
    return entries.uuid_of(found) if isinstance(found, str) else None


@dataclass(frozen=True)
class Content:
    """The entries and files of one export. Transactions are short; keys are fetched in between."""

    db: Database
    keys: Keyring
    export: Export

    async def entries(self) -> AsyncIterator[Found]:
        """In log order."""
        export, last = self.export, -1
        while True:
            async with self.db.transaction() as session:
                page = await queries.entries_after(
                    session, export.selection, last, ENTRIES_AT_ONCE, export.size
                )
            for found in await self._opened(page):
                yield found
            if len(page) < ENTRIES_AT_ONCE:
                return
            last = page[-1].index

    async def _opened(self, page: Sequence[Any]) -> list[Found]:
        values = [entries.parsed(row.value) for row in page]
        await self.keys.hold(
            *self.export.selection.clients,
            *{one for value in values for one in opening.owners_of(value)},
        )
        return [
            Found(
                row,
                value,
                timeline.event_of(row),
                opening.open_seals(self.keys, value),
                opening.attached(self.keys, value),
            )
            for row, value in zip(page, values, strict=True)
        ]

    async def keep(self, file_id: UUID, file: File) -> None:
        """Sealed whole: one octet says how long the salt is that precedes the content."""
        key, salt = await self.key(), file.salt or b""
        framed = bytes([len(salt)]) + salt + file.content
        commitment, boxes = await asyncio.to_thread(
            sealing.seal_chunks, key, file_id, "export-file", framed
        )
        async with self.db.transaction() as session:
            await rows.keep_file(
                session, self.export.export_id, file_id, key.version, commitment, boxes
            )

    async def file(self, file_id: UUID) -> File:
        async with self.db.transaction() as session:
            version, commitment, boxes = await rows.file(session, self.export.export_id, file_id)
        await self.keys.hold(self.export.client_id)
        key = self.keys.key(self.export.client_id, version)
        framed = await asyncio.to_thread(
            sealing.unseal_chunks, key, file_id, "export-file", boxes, commitment
        )
        begins = 1 + framed[0]
        return File(framed[begins:], framed[1:begins] or None)

    async def kept(self) -> set[UUID]:
        async with self.db.transaction() as session:
            return await rows.kept_files(session, self.export.export_id)

    async def key(self) -> sealing.DataKey:
        await self.keys.hold(self.export.client_id)
        try:
            return self.keys.key(self.export.client_id)
        except KeyNotHeld as error:
            raise Stopped("The client's key was destroyed: nothing can be exported.") from error
