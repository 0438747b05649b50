"""The composition root: what matters is made of."""

from fastapi import FastAPI

import matters.absences.api
import matters.assessments.api
import matters.clients.api
import matters.closing.api
import matters.consents.api
import matters.contacts.api
import matters.decisions.api
import matters.files.api
import matters.firm.api
import matters.handovers.api
import matters.joint_clients.api
import matters.matters.api
import matters.milestones.api
import matters.parties.api
import matters.preferences.api
import matters.representatives.api
import matters.staff.api
import matters.standing.api
import matters.teams.api
import matters.updates.api
import matters.walls.api
from matters import ticker
from matters.clients import handlers as clients
from matters.consents import handlers as consents
from matters.files import handlers as files
from matters.matters import handlers as engaged
from matters.owed import handlers as owed
from matters.settings import MattersSettings
from matters.told import handlers as told
from matters.walls import handlers as walls
from shared import leavers
from shared.app import Service, create_service
from shared.handlers import Handlers


def create_app(settings: MattersSettings | None = None) -> FastAPI:
    handlers = Handlers()
    for room in (clients, engaged, walls, owed, told, consents, files):
        handlers.include(room.handlers)
    return create_service(
        Service(
            settings or MattersSettings(),
            routers=(
                matters.firm.api.router,
                matters.staff.api.router,
                matters.absences.api.router,
                matters.clients.api.router,
                matters.matters.api.router,
                matters.joint_clients.api.router,
                matters.contacts.api.router,
                matters.teams.api.router,
                matters.walls.api.router,
                matters.handovers.api.router,
                matters.milestones.api.router,
                matters.updates.api.router,
                matters.representatives.api.router,
                matters.decisions.api.router,
                matters.assessments.api.router,
                matters.consents.api.router,
                matters.files.api.router,
                matters.closing.api.router,
                matters.parties.api.router,
                matters.preferences.api.router,
                matters.standing.api.router,
            ),
            handlers=handlers,
            tasks=(ticker.run,),
            former_staff=leavers.of_directory,
        )
    )
