"""The composition root: what matters is made of. It listens to nobody: people tell it."""

from fastapi import FastAPI

import matters.absences.api
import matters.clients.api
import matters.contacts.api
import matters.firm.api
import matters.handovers.api
import matters.matters.api
import matters.staff.api
import matters.teams.api
import matters.walls.api
from matters.handovers import ticker
from matters.settings import MattersSettings
from shared.app import Service, create_service


def create_app(settings: MattersSettings | None = None) -> FastAPI:
    return create_service(
        Service(
            settings or MattersSettings(),
            routers=(
                matters.firm.api.router,
                matters.staff.api.router,
                matters.absences.api.router,
                matters.clients.api.router,
                matters.matters.api.router,
                matters.contacts.api.router,
                matters.teams.api.router,
                matters.walls.api.router,
                matters.handovers.api.router,
            ),
            tasks=(ticker.run,),
        )
    )
