"""Events of intake in: whoever asks for a consultation is a prospective client, with the id and key
that intake gave them."""

from sqlalchemy.ext.asyncio import AsyncSession

import matters.staff.queries as staff
from matters.clients import actions, queries
from matters.clients.models import Client
from shared.contracts import FIRM_ID
from shared.contracts.intake import ConsultationRequested
from shared.handlers import Handlers
from shared.keyring import unseal

handlers = Handlers()


@handlers.on(ConsultationRequested)
async def on_consultation_requested(session: AsyncSession, event: ConsultationRequested) -> None:
    """Registered once; a client whom we know already asks as that client. Parked while nobody of
    the firm can be their point of contact."""
    if event.known_client or await queries.client(session, event.client_id):
        return
    client = Client(
        client_id=event.client_id,
        name=unseal(session, event.name),
        email=unseal(session, event.email).lower(),
        phone=unseal(session, event.phone) if event.phone else None,
        time_zone=event.time_zone,
        state="prospective",
        registered_at=event.requested_at,
    )
    contact_id = await staff.somebody(session, event.point_of_contact_id)
    await actions.register(session, client, point_of_contact_id=contact_id, by=FIRM_ID)
