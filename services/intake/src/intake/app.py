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
import intake.templates.api
from intake import ticker
from intake.consultations.room import Room
from intake.directory import handlers as directory
from intake.fees import handlers as fees
from intake.pages.rendering import FirmName
from intake.settings import IntakeSettings
from shared import leavers
from shared.app import Service, create_service
from shared.handlers import Handlers


def create_app(settings: IntakeSettings | None = None) -> FastAPI:
    handlers = Handlers()
    for room in (directory, fees):
        handlers.include(room.handlers)
    settings = settings or IntakeSettings()
    app = create_service(
        Service(
            settings,
            routers=(
                intake.consultations.api.public,
                intake.consultations.api.router,
                intake.conflicts.api.router,
                intake.templates.api.router,
                intake.engagements.api.router,
                intake.links.api.router,
                intake.engagements.signing.router,
                intake.files.api.router,
                intake.information.api.router,
                intake.information.api.public,
                intake.pages.api.form,
                intake.pages.api.parts,
                intake.pages.api.router,
            ),
            handlers=handlers,
            tasks=(ticker.tick, intake.engagements.sealer.run),
            former_staff=leavers.of_directory,
        )
    )
    app.state.room = Room(settings.intake_requests_at_once)
    app.state.firm = FirmName()
    return app
