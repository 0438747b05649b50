"""Runs exports beside HTTP, and lets them expire.

The requester's token is held in memory while its export is made, and nowhere else: an export that
stopped is gone on with by whoever has a token that is good now.
"""

import asyncio
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from audit.checkpoints import Signer
from audit.exports import rows
from audit.exports.content import Content
from audit.exports.making import Making
from audit.exports.originals import Messaging, Stopped
from shared.errors import Unavailable
from shared.runtime import Runtime

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 30.0
AT_ONCE = 2


class Exporter:
    """This process's exports. Two are made at once, the others wait."""

    def __init__(self, signer: Signer, messaging_url: str, kept_for: float) -> None:
        self._signer = signer
        self._url = messaging_url.rstrip("/")
        self._kept_for = kept_for
        self._running: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def begin(self, runtime: Runtime, export_id: UUID, authorization: str) -> None:
        """Make it from now on, or go on with it; called when its row is committed."""
        task = asyncio.create_task(self._make(runtime, export_id, authorization))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def run(self, runtime: Runtime) -> None:
        """Until cancelled; what is made then stops where it is."""
        try:
            while True:
                try:
                    async with runtime.db.transaction() as session:
                        await rows.expire(session, self._kept_for)
                except (DBAPIError, OSError, TimeoutError) as error:
                    log.warning("exports wait", error=repr(error))
                await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            for task in self._running:
                task.cancel()

    async def _make(self, runtime: Runtime, export_id: UUID, authorization: str) -> None:
        try:
            async with self._slots:
                await self._made(runtime, export_id, authorization)
        except Stopped as error:
            await _stop(runtime, export_id, str(error))
        except (Unavailable, DBAPIError, OSError) as error:
            log.warning("an export stopped", export_id=str(export_id), error=type(error).__name__)
            await _stop(runtime, export_id, "A store did not answer. Go on when it is well again.")
        except Exception:
            log.exception("an export failed", export_id=str(export_id))
            await _stop(runtime, export_id, "Something failed on our side; operations can see it.")

    async def _made(self, runtime: Runtime, export_id: UUID, authorization: str) -> None:
        async with runtime.db.transaction() as session:
            export = await rows.get(session, export_id)
        if export is None:
            return
        making = Making(
            Content(runtime.db, runtime.keys, export),
            self._signer,
            Messaging(runtime.http, self._url, authorization),
            self._kept_for,
        )
        await making.make()


async def _stop(runtime: Runtime, export_id: UUID, problem: str) -> None:
    """If not even this can be written, the export counts as stopped when nobody touches it."""
    try:
        async with runtime.db.transaction() as session:
            await rows.stop(session, export_id, problem)
    except (DBAPIError, OSError) as error:
        log.warning("an export stopped and could not say so", error=type(error).__name__)
