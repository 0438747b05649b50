"""Counter-signed agreements are sealed and brought into force: composed and signed outside of any
transaction, because a timestamp authority is asked over the network."""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

import intake.directory.queries as directory
import intake.files.queries as files
from intake.documents.certificate import make_when_missing
from intake.documents.seals import seal_pdf
from intake.engagements import actions, printing, queries
from intake.engagements.models import Engagement
from intake.files.models import File
from intake.settings import IntakeSettings
from shared.errors import Unavailable
from shared.runtime import Runtime

log = structlog.get_logger()

LOOK_AT_LEAST_EVERY = 0.5
AGAIN_AFTER_FAILURE = 2.0


async def run(runtime: Runtime) -> None:
    """Until cancelled. Replicas may seal the same one; the first to commit has done it."""
    news, seal_file = runtime.db.news(), _settings(runtime).intake_seal_file
    runtime.ready_checks["seal"] = lambda: None if seal_file.exists() else f"no {seal_file.name}"
    if runtime.settings.local:
        await asyncio.to_thread(make_when_missing, seal_file, "Privity")
    while True:
        pause = LOOK_AT_LEAST_EVERY
        try:
            await seal_all(runtime)
        except (DBAPIError, OSError, TimeoutError, Unavailable) as error:
            log.warning("sealing waits", error=repr(error))
            pause = AGAIN_AFTER_FAILURE
        try:
            async with asyncio.timeout(pause):  # wait_for could swallow a cancellation
                await news.wait()
        except TimeoutError:
            continue
        news.clear()


async def seal_all(runtime: Runtime) -> int:
    """How many came into force."""
    async with runtime.db.transaction() as looking:
        waiting = await queries.to_seal(looking)
    return sum([await _seal(runtime, row) for row in waiting])


async def _seal(runtime: Runtime, row: Engagement) -> bool:
    settings = _settings(runtime)
    await runtime.keys.hold(row.client_id)
    async with runtime.db.transaction() as session:
        assert row.document_id is not None
        read = await files.content(session, await session.get_one(File, row.document_id))
        signers = await queries.signers(session, row.engagement_id)
        manuscript = await printing.evidence(session, row, signers, len(read))
        firm = await directory.firm_name(session)
    evidence = await manuscript.printed()
    sealed = await asyncio.to_thread(
        seal_pdf,
        read,
        evidence,
        seal_file=settings.intake_seal_file,
        firm=firm,
        tsa_url=settings.intake_tsa_url,
    )
    # A joint client's key is made only now, for an id that stands in the row since the draft: who
    # never became a client has none, and who tries again makes no second.
    await runtime.keys.hold(*(one.client_id for one in signers if one.client_id), create=True)
    # If we die before this commit nothing was told, and it is sealed again with another time; if we
    # die after it the row is in force and is not found again.
    await runtime.keys.hold(row.client_id)
    async with runtime.db.transaction() as session:
        return await actions.bring_into_force(session, row.engagement_id, sealed)


def _settings(runtime: Runtime) -> IntakeSettings:
    assert isinstance(runtime.settings, IntakeSettings)
    return runtime.settings
