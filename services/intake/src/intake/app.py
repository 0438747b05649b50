"""Intake's one place of wiring."""

from fastapi import FastAPI

import intake.conflicts.api
import intake.consultations.api
import intake.engagements.api
import intake.engagements.sealer
import intake.engagements.signing
import intake.files.api
import intake.information.api
import intake.links.api
import intake.pages.api
from intake import ticker
from intake.directory import handlers as directory
from intake.settings import IntakeSettings
from shared.app import Service, create_service


def create_app(settings: IntakeSettings | None = None) -> FastAPI:
    return create_service(
        Service(
            settings or IntakeSettings(),
            routers=(
                intake.consultations.api.public,
                intake.consultations.api.router,
                intake.conflicts.api.router,
                intake.engagements.api.templates,
                intake.engagements.api.router,
                intake.links.api.router,
                intake.engagements.signing.router,
                intake.files.api.router,
                intake.information.api.router,
                intake.information.api.public,
                intake.pages.api.router,
            ),
            handlers=directory.handlers,
            tasks=(ticker.tick, intake.engagements.sealer.run),
        )
    )
