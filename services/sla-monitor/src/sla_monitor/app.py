"""The sole composition root of sla-monitor."""

from fastapi import FastAPI

from shared import leavers
from shared.app import Service, create_service
from sla_monitor import api, ticker
from sla_monitor.handlers import handlers
from sla_monitor.settings import SlaMonitorSettings


def create_app(settings: SlaMonitorSettings | None = None) -> FastAPI:
    return create_service(
        Service(
            settings or SlaMonitorSettings(),
            routers=(api.router,),
            handlers=handlers,
            tasks=(ticker.run,),
            former_staff=leavers.of_directory,
        )
    )
