"""Makes a bundle: collects the files that messaging keeps, then writes the bundle in sealed chunks.

Each file and each chunk is a transaction of its own. Dying at any point leaves an export that
stopped: who goes on with it finds the files that were collected; the bundle is written anew.
"""

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from uuid import UUID

import orjson

from audit import merkle
from audit import rows as log_rows
from audit.checkpoints import Signer
from audit.exports import naming, pages, rows, texts
from audit.exports.content import Content, Found
from audit.exports.originals import Messaging
from audit.exports.packing import Entry, Packer, Sink
from audit.exports.reading import Reading
from audit.exports.texts import About
from audit.readings import kind_of
from shared import clock, sealing
from shared.contracts.audit import RecordExported
from shared.outbox import emit

OUTBOUND = {"MessageSent": "", "MessageAcknowledged": "acknowledgment"}
"""What left the firm, and what its file is called when the event tells no subject."""


@dataclass(frozen=True)
class Wanted:
    """A file that messaging keeps, and what it is called in the bundle."""

    source: str
    path: str


@dataclass
class Making:
    """One export while it is made."""

    content: Content
    signer: Signer
    messaging: Messaging
    kept_for: float
    wanted: dict[UUID, Wanted] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    kept: dict[UUID, bytes | None] = field(default_factory=dict)
    """The files that were collected, each with the salt that messaging gave for it."""
    chunks: int = 0

    async def make(self) -> None:
        reading = await Reading.of(self.content)
        async for found in self.content.entries():
            self._want_files(found, reading.matter_of(found))
        await self._collect()
        await self._write(reading)

    def _want_files(self, found: Found, matter: str | None) -> None:
        kind = kind_of(found.row.type)
        stem = naming.stem(
            found.row.fact_at,
            matter,
            getattr(found.event, "channel", "email"),
            "outbound" if kind in OUTBOUND else "inbound",
            found.words("/subject_text") or OUTBOUND.get(kind, ""),
        )
        if original := found.original_id:
            self._want(original, f"{original}/original", f"originals/{stem}.eml")
        for one in found.attached:
            source = f"{found.message_id}/attachments/{one.attachment_id}"
            name = naming.safe_file_name(one.name)
            self._want(one.attachment_id, source, f"attachments/{stem}_{name}")

    def _want(self, file_id: UUID, source: str, path: str) -> None:
        if file_id not in self.wanted:
            unique = naming.unique(path, self.taken)
            self.wanted[file_id] = Wanted(f"/v1/messages/{source}", unique)

    async def _collect(self) -> None:
        """What an earlier try kept is not asked for again."""
        kept = await self.content.kept()
        for done, (file_id, one) in enumerate(self.wanted.items()):
            await self._progress(done)
            if file_id in kept:
                self.kept[file_id] = (await self.content.file(file_id)).salt
                continue
            found = await self.messaging.fetch(one.source)
            if found is not None:
                await self.content.keep(file_id, found)
                self.kept[file_id] = found.salt
        await self._progress(len(self.wanted))

    async def _progress(self, done: int) -> None:
        async with self.content.db.transaction() as session:
            total = len(self.wanted) + 1
            await rows.progress(session, self.content.export.export_id, done, total)

    async def _write(self, reading: Reading) -> None:
        export = self.content.export
        async with self.content.db.transaction() as session:
            await rows.forget_chunks(session, export.export_id)
        sink = Sink()
        packer = Packer(sink, export.created_at)
        lines, indexes, digest = await self._write_entries(packer, sink, reading)
        about = reading.about(
            export,
            self.signer,
            entries=len(indexes),
            files=len(self.kept),
            missing=len(self.wanted.keys() - self.kept.keys()),
            entries_sha256=digest,
        )
        await self._write_proof(packer, indexes)
        await self._write_files(packer, sink)
        await self._write_words(packer, about, lines)
        sums = packer.close(self.signer, export.export_id, len(indexes), export.size)
        await self._drain(sink, rest=True)
        await self._finish(len(indexes), sink.octets, sums)

    async def _write_entries(
        self, packer: Packer, sink: Sink, reading: Reading
    ) -> tuple[list[pages.Line], list[int], str]:
        """Two passes would ask for each key twice: what people read is made beside the entries."""
        lines: list[pages.Line] = []
        indexes: list[int] = []
        with packer.file("entries.jsonl") as file:
            async for found in self.content.entries():
                paths = [path for _, path in self._files_of(found)]
                lines.append(reading.line(found, len(lines) + 1, paths))
                indexes.append(found.row.index)
                self._write_entry(file, found)
                await self._drain(sink)
        return lines, indexes, file.digest

    def _write_entry(self, file: Entry, found: Found) -> None:
        row = found.row
        opened = [
            {"at": one.at, "salt": _base64(one.salt), "content": _base64(one.content)}
            for one in found.opened
        ]
        salts = {one.at: one.salt for one in found.attached}
        if original := found.original_id:
            salts["/original"] = self.kept.get(original)
        for at, path in self._files_of(found):
            salt = salts.get(at)
            opened.append({"at": at, "path": path} | ({"salt": _base64(salt)} if salt else {}))
        line = {
            "index": row.index,
            "entry": row.entry.decode(),
            "salt": _base64(row.salt),
            "metadata": row.metadata.decode(),
            "value": _base64(row.value),
            "opened": opened,
        }
        file.write(orjson.dumps(line) + b"\n")

    def _files_of(self, found: Found) -> Iterator[tuple[str, str]]:
        """Where the value tells of a file that was collected, and its path."""
        original = found.original_id
        if original in self.kept:
            yield "/original", self.wanted[original].path
        for one in found.attached:
            if one.attachment_id in self.kept:
                yield one.at, self.wanted[one.attachment_id].path

    async def _write_proof(self, packer: Packer, indexes: list[int]) -> None:
        """One proof for all entries: the hashes of all subtrees in between."""
        export = self.content.export
        spans = merkle.gaps_between(indexes, export.size)
        async with self.content.db.transaction() as session:
            hashes = await log_rows.stored(session, merkle.nodes_of(spans))
            signed = await log_rows.note_of(session, export.size)
            note = await log_rows.with_cosignatures(session, export.size, signed)
        proof = [[*span, _base64(merkle.span_hash(span, hashes))] for span in spans]
        packer.add("proof.json", json.dumps(proof))
        packer.add("checkpoint", note)

    async def _write_files(self, packer: Packer, sink: Sink) -> None:
        for file_id, one in self.wanted.items():
            if file_id in self.kept:
                packer.add(one.path, (await self.content.file(file_id)).content)
                await self._drain(sink)

    async def _write_words(self, packer: Packer, about: About, lines: list[pages.Line]) -> None:
        packer.add("index.pdf", await asyncio.to_thread(pages.pdf, about, lines))
        packer.add("index.html", pages.html(about, lines))
        packer.add("READ-ME-FIRST.txt", texts.read_me(about))
        packer.add("certificate.txt", texts.certificate(about))
        packer.add("keys.txt", "".join(f"{one}\n" for one in self.signer.verifiers))
        packer.add("verify.py", files("audit.exports").joinpath("verify.py").read_bytes())

    async def _drain(self, sink: Sink, *, rest: bool = False) -> None:
        for chunk in sink.chunks(rest=rest):
            export_id = self.content.export.export_id
            key = await self.content.key()
            field_name = f"chunk/{self.chunks}"
            sealed = await asyncio.to_thread(
                sealing.seal, key, export_id, "export", field_name, chunk
            )
            async with self.content.db.transaction() as session:
                await rows.keep_chunk(session, export_id, self.chunks, sealed)
                await rows.progress(session, export_id, len(self.wanted), len(self.wanted) + 1)
            self.chunks += 1

    async def _finish(self, entries: int, octets: int, digest: bytes) -> None:
        """The one commit that makes it a bundle. Dying before it leaves an export that stopped."""
        export = self.content.export
        async with self.content.db.transaction() as session:
            await rows.finish(
                session,
                export.export_id,
                entries=entries,
                octets=octets,
                digest=digest,
                kept_for=self.kept_for,
            )
            emit(
                session,
                RecordExported(
                    export_id=export.export_id,
                    client_id=export.client_id,
                    matter_id=export.matter_id,
                    requested_by=export.requested_by,
                    role=export.role,
                    size=export.size,
                    entries=entries,
                    digest=_base64(digest),
                    exported_at=clock.now(),
                ),
            )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
