"""The composition root: what audit is made of."""

from collections.abc import Sequence
from datetime import timedelta

from aiokafka import ConsumerRecord
from fastapi import FastAPI

from audit import access, api, handlers, log_api, proof_api, ticker
from audit.audits import api as audits_api
from audit.audits.inspector import Inspector
from audit.checkpoints import signer_of
from audit.copies import Copies
from audit.exports import api as exports_api
from audit.exports.exporter import Exporter
from audit.known import Known
from audit.log import Log
from audit.settings import AuditSettings
from audit.witnesses import Witness
from shared.app import Service, create_service
from shared.consumer import Apply
from shared.contracts import OWNERS
from shared.db import Database
from shared.keyring import Keyring
from shared.runtime import Runtime


def create_app(settings: AuditSettings | None = None) -> FastAPI:
    settings = settings or AuditSettings()
    signer = signer_of(
        settings.audit_origin,
        settings.audit_signing_key_file.read_bytes(),
        *(one.read_bytes() for one in settings.audit_previous_key_files),
    )
    copies = Copies.at(settings.audit_checkpoint_copies)
    the_log = Log(signer, settings.audit_checkpoint_file, copies)
    every = timedelta(seconds=settings.audit_recorded_every)
    silent_after = timedelta(seconds=settings.audit_silent_after)

    def recorder(db: Database, keys: Keyring) -> Apply:
        db.info["known"] = Known()  # one reading for all who ask in this process

        async def apply(records: Sequence[ConsumerRecord]) -> None:
            await handlers.record(the_log, db, records)

        return apply

    async def audit_ticker(runtime: Runtime) -> None:
        await ticker.run(the_log, runtime, every, silent_after)

    async def audit_copies(runtime: Runtime) -> None:
        await ticker.copy(the_log, runtime, settings.audit_copies_every)

    witnesses = [Witness.of(one) for one in settings.audit_witnesses]

    async def audit_witnesses(runtime: Runtime) -> None:
        await ticker.witness(the_log, runtime, witnesses, settings.audit_witnesses_every)

    exporter = Exporter(signer, settings.messaging_url, settings.audit_exports_kept_for)
    inspect_every = timedelta(seconds=settings.audit_inspect_every)
    inspector = Inspector(signer, settings.audit_retired_keys, inspect_every)
    app = create_service(
        Service(
            settings,
            routers=[
                log_api.router,
                proof_api.router,
                exports_api.router,
                audits_api.router,
                api.router,
            ],
            tasks=[audit_ticker, audit_copies, audit_witnesses, exporter.run, inspector.run],
            owners=OWNERS,
            apply=recorder,
            poll_records=handlers.POLL_RECORDS,
            former_staff=access.former_staff,
        )
    )
    app.state.exporter, app.state.inspector = exporter, inspector
    return app
