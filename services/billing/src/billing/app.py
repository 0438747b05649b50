"""Billing's one place of wiring."""

from fastapi import FastAPI

import billing.closings.api
import billing.concerns.api
import billing.costs.api
import billing.entries.api
import billing.estimates.api
import billing.invoices.api
import billing.ledger.api
import billing.payments.api
import billing.penalties.api
import billing.proposals.api
import billing.runs.api
import billing.terms.api
import billing.trust.api
from billing.concerns import handlers as concerns
from billing.directory import handlers as directory
from billing.penalties import ticker as penalties
from billing.proposals import handlers as proposals
from billing.runs import ticker as runs
from billing.settings import BillingSettings
from billing.terms import handlers as terms
from shared import leavers
from shared.app import Service, create_service
from shared.handlers import Handlers


def create_app(settings: BillingSettings | None = None) -> FastAPI:
    handlers = Handlers()
    for room in (directory, terms, proposals, concerns):
        handlers.include(room.handlers)
    return create_service(
        Service(
            settings or BillingSettings(),
            routers=(
                billing.terms.api.router,
                billing.entries.api.router,
                billing.proposals.api.router,
                billing.estimates.api.router,
                billing.invoices.api.router,
                billing.ledger.api.router,
                billing.payments.api.router,
                billing.trust.api.router,
                billing.penalties.api.router,
                billing.concerns.api.router,
                billing.closings.api.router,
                billing.costs.api.router,
                billing.runs.api.router,
            ),
            handlers=handlers,
            tasks=[runs.run, penalties.run],
            former_staff=leavers.of_directory,
        )
    )
