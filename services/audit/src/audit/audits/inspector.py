"""Runs audits beside HTTP: when one is due, and when somebody asks. Reading is done in short
transactions and proving in a thread, so that the log goes on meanwhile."""

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from audit import merkle, proofs, queries, streams
from audit import rows as log_rows
from audit.audits import pages, rows
from audit.audits.proving import Problem, Proving
from audit.checkpoints import Signer
from audit.entries import canonical
from shared.contracts.audit import IntegrityVerified
from shared.db import Database
from shared.ids import new_id
from shared.outbox import emit
from shared.runtime import Runtime

log = structlog.get_logger()

ENTRIES_AT_ONCE = 2_000
MOST_PROBLEMS = 1_000
LOOK_EVERY_SECONDS = 10.0


class Inspector:
    """This process's audits; the database lets only one run at a time, whoever runs it."""

    def __init__(self, signer: Signer, retired: Sequence[str], every: timedelta) -> None:
        self._signer = signer
        self._retired = retired
        self._every = every
        self._asked = asyncio.Event()
        self._waiting: list[UUID] = []

    def ask(self, audit_id: UUID) -> None:
        """Make the audit whose row was committed."""
        self._waiting.append(audit_id)
        self._asked.set()

    async def run(self, runtime: Runtime) -> None:
        """Until cancelled; an audit under way then counts as stopped after a while."""
        while True:
            try:
                await self._look(runtime.db)
            except (DBAPIError, OSError, TimeoutError) as error:
                log.warning("audits wait", error=repr(error))
            self._asked.clear()
            try:
                await asyncio.wait_for(self._asked.wait(), LOOK_EVERY_SECONDS)
            except TimeoutError:
                continue

    async def _look(self, db: Database) -> None:
        if not self._waiting:
            async with db.transaction() as session:
                if await rows.is_due(session, self._every):
                    size, audit_id = await proofs.size(session), new_id()
                    if size and await rows.begin(session, audit_id, size, None):
                        self._waiting.append(audit_id)
        while self._waiting:
            await self.inspect(db, self._waiting.pop(0))

    async def inspect(self, db: Database, audit_id: UUID) -> None:
        """One audit, from its row to its report. Dying in between leaves neither report nor
        finding."""
        async with db.transaction() as session:
            (run,) = await rows.audits(session, audit_id=audit_id, after=None, limit=1)
        try:
            problems = await self._prove(db, audit_id, run.size)
            await self._report(db, audit_id, run.size, run.started_at, problems)
        except (DBAPIError, OSError, TimeoutError):
            async with db.transaction() as session:
                await rows.stop(session, audit_id)
            raise

    async def _prove(self, db: Database, audit_id: UUID, size: int) -> list[Problem]:
        proving, problems = Proving(self._signer, self._retired), list[Problem]()
        for first in range(0, size, ENTRIES_AT_ONCE):
            end = min(first + ENTRIES_AT_ONCE, size)
            async with db.transaction() as session:
                page = await rows.page(session, first, end)
                stored = await log_rows.stored(session, merkle.made_by(first, end))
                checkpoints = await rows.checkpoints(session, first, end)
                await rows.touch(session, audit_id, first)
            found = proving.page(page, stored, checkpoints, end - first)
            problems += await asyncio.to_thread(list, found)
            if len(problems) > MOST_PROBLEMS:
                break
        problems += proving.gaps()
        async with db.transaction() as session:
            problems += await _contradictions(session, size, proving)
        return problems[:MOST_PROBLEMS]

    async def _report(
        self,
        db: Database,
        audit_id: UUID,
        size: int,
        started_at: datetime,
        problems: Sequence[Problem],
    ) -> None:
        async with db.transaction() as session:
            told_open = await rows.findings(session, only_open=True)
            checkpoint = await proofs.signed(session, size)
            now = await session.execute(text("SELECT clock_timestamp()"))
            finished_at: datetime = now.scalar_one()
        known = {(one.kind, one.subject) for one in told_open}
        new = [one for one in problems if (one.kind, one.subject) not in known]
        told = pages.report(
            audit_id=audit_id,
            origin=self._signer.name,
            size=size,
            checkpoint=checkpoint.note if checkpoint else "",
            started_at=started_at,
            finished_at=finished_at,
            found=problems,
            still_open=[(one.found_at, one.words) for one in told_open]
            + [(finished_at, one.words) for one in new],
        )
        report, pdf = canonical(told), await asyncio.to_thread(pages.pdf, told)
        note = self._signer.sign(_said(self._signer.name, audit_id, report, pdf))
        async with db.transaction() as session:
            await rows.keep_findings(session, audit_id, new, finished_at)
            await rows.finish(
                session, audit_id, finished_at=finished_at, report=report, pdf=pdf, note=note
            )
            emit(
                session,
                IntegrityVerified(
                    audit_id=audit_id,
                    size=size,
                    findings=len(problems),
                    open_findings=len(told_open) + len(new),
                    digest=base64.b64encode(hashlib.sha256(report).digest()).decode(),
                    started_at=started_at,
                    finished_at=finished_at,
                ),
            )
        level = log.critical if problems else log.info
        level("the record was audited", size=size, findings=len(problems))


async def _contradictions(session: AsyncSession, size: int, proving: Proving) -> list[Problem]:
    """What only all of the record together shows: hashes too many, forks, strays, open gaps."""
    problems: list[Problem] = []
    if proving.checked == size and await rows.count_hashes(session, size) != proving.nodes:
        words = "The tree has stored hashes that no entry gives, or lacks some."
        problems.append(Problem("hashes-uncounted", f"tree {size}", words))
    forks, strays = await queries.contradictions(session)
    for stream, count in forks.items():
        name = streams.name_of(stream)
        words = f"{count} events claim a number of {name} that another has."
        problems.append(Problem("fork", name, words))
    if strays:
        words = f"{strays} records on our topics have no place in any stream."
        problems.append(Problem("stray", "topics", words))
    for gap in await queries.gaps_after(session, only_open=True, after=None, limit=100):
        if gap.kind == "silent":
            words = f"{gap.service} has stated nothing since {gap.last_heard_at}."
        else:
            words = (
                f"Numbers {gap.first} to {gap.last} of {gap.service}/{gap.partition} are missing."
            )
        problems.append(Problem(f"open-{gap.kind}", str(gap.gap_id), words))
    return problems


def _said(origin: str, audit_id: UUID, *documents: bytes) -> str:
    """What the note signs: another first line than a checkpoint, then a digest a document."""
    digests = [base64.b64encode(hashlib.sha256(one).digest()).decode() for one in documents]
    return "".join(f"{line}\n" for line in (f"{origin}/audit", audit_id, *digests))
