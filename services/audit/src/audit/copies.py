"""Copies of checkpoints in object stores, each under its size and never written again: with a
retention lock on the store, nobody of the firm can take back what the log once signed."""

from collections.abc import Sequence
from dataclasses import dataclass

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore, from_url

from audit.checkpoints import BadNote, Checkpoint, Signer

log = structlog.get_logger()

FOLDER = "checkpoints"


class Contradicted(Exception):
    """A store holds another note for the same size: the log has, or had, two histories."""


@dataclass(frozen=True)
class Copies:
    """The stores of AUDIT_CHECKPOINT_COPIES."""

    stores: Sequence[ObjectStore]

    @classmethod
    def at(cls, urls: Sequence[str]) -> "Copies":
        """`file:///folder` or `s3://bucket/prefix`; credentials as the store's own tools find
        them in the environment."""
        return cls([_store(url) for url in urls])

    async def keep(self, checkpoint: Checkpoint, note: str) -> None:
        """Raises Contradicted, or OSError when a store does not answer: asked again later, it
        finds what was written before."""
        for store in self.stores:
            path = _path(checkpoint.size)
            try:
                await obstore.put_async(store, path, note.encode(), mode="create")
            except AlreadyExistsError:
                await _compare(store, path, note)
            except BaseError as error:
                raise OSError(f"a copy of the checkpoint cannot be written: {error}") from error

    async def newest(self, signer: Signer, above: int) -> list[Checkpoint]:
        """The largest of each store that has one of more than `above` entries; raises BadNote when
        it is not this log's, and OSError when a store does not answer."""
        found = [await _newest(store, above) for store in self.stores]
        return [signer.open(note) for note in found if note is not None]


def _store(url: str) -> ObjectStore:
    return from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)


async def _compare(store: ObjectStore, path: str, note: str) -> None:
    if await _read(store, path) != note:
        raise Contradicted(f"{path} of {store} holds another note of the same size")


async def _newest(store: ObjectStore, above: int) -> str | None:
    """Only names behind the offset are listed: after years a start still reads a handful."""
    behind = _path(above) if above >= 0 else None
    try:
        listed = obstore.list(store, FOLDER, offset=behind)
        names = [one["path"] async for batch in listed for one in batch]
    except BaseError as error:
        raise OSError(f"copies of the checkpoint cannot be listed: {error}") from error
    return await _read(store, max(names)) if names else None


def _path(size: int) -> str:
    """In the order of names as of sizes."""
    return f"{FOLDER}/{size:020}"


async def _read(store: ObjectStore, path: str) -> str:
    try:
        found = await (await obstore.get_async(store, path)).bytes_async()
        return bytes(found).decode()
    except BaseError as error:
        raise OSError(f"a copy of the checkpoint cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise BadNote(f"{path} is not text") from error
