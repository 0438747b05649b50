"""Messaging's one place of wiring."""

from fastapi import FastAPI

from messaging import mail_in, ticker
from messaging.acknowledgments import handlers as acknowledgments
from messaging.bills import handlers as bills
from messaging.conversations import api, reading_api
from messaging.directory import handlers as directory
from messaging.engagements import handlers as engagements
from messaging.notices import handlers as notices
from messaging.outbound import delivery
from messaging.settings import MessagingSettings
from messaging.updates import handlers as updates
from shared import leavers
from shared.app import Service, create_service
from shared.handlers import Handlers


def create_app(settings: MessagingSettings | None = None) -> FastAPI:
    settings = settings or MessagingSettings()
    handlers = Handlers()
    for room in (directory, acknowledgments, notices, updates, engagements, bills):
        handlers.include(room.handlers)
    return create_service(
        Service(
            settings,
            routers=[api.router, reading_api.router],
            handlers=handlers,
            tasks=[mail_in.receive, delivery.deliver, ticker.tick],
            former_staff=leavers.of_directory,
        )
    )
