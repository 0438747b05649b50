"""Events of intake in: a signed engagement opens its matter."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import matters.absences.queries as absences
import matters.clients.actions as clients
import matters.clients.queries as known_clients
import matters.contacts.queries as contacts
import matters.joint_clients.actions as joint_clients
import matters.joint_clients.queries as members
import matters.parties.actions as parties
import matters.staff.queries as staff
import matters.teams.actions as teams
import matters.updates.actions as updates
import matters.walls.queries as walls
from matters.clients.models import Client
from matters.matters import actions
from matters.matters.models import Matter
from matters.matters.rules import agreed_cadence, opening_reason
from shared.contracts import FIRM_ID
from shared.contracts.intake import EngagementSigned, JointlyEngaged
from shared.contracts.matters import Duty, MatterParty
from shared.handlers import Handlers
from shared.keyring import unseal

handlers = Handlers()


async def of_who_stay(session: AsyncSession, event: EngagementSigned) -> Iterable[UUID]:
    signed = (event.client_id, *(one.client_id for one in event.joint_clients))
    return [await known_clients.survivor(session, one) for one in signed]


@handlers.on(EngagementSigned, keys_of=of_who_stay)
async def on_engagement_signed(session: AsyncSession, event: EngagementSigned) -> None:
    """Opened once, under the id that intake gave, for the entry that stays where they were merged
    meanwhile. Whoever is named but has left or stands behind a wall is left out; somebody of the
    firm is always the point of contact."""
    if await session.get(Matter, event.matter_id):
        return
    await known_clients.require_registered(session, event.client_id)
    await staff.lock_directory(session)  # nobody is merged meanwhile
    client_id = await known_clients.survivor(session, event.client_id)
    await clients.engage(session, client_id)
    named = await staff.known(session, [event.point_of_contact_id, *event.team], active=True)
    closed = await walls.everybody_closed_to(session, client_id)
    named -= closed
    closed |= await absences.covered_by(session, closed)  # nobody answers by who may not know
    wanted = event.point_of_contact_id if event.point_of_contact_id in named - closed else None
    matter = await actions.open_matter(
        session,
        client_id=client_id,
        title=unseal(session, event.title),
        practice_area=event.practice_area,
        reason=opening_reason(event),
        point_of_contact_id=await staff.somebody(session, wanted, but=closed),
        by=FIRM_ID,
        matter_id=event.matter_id,
        opened_at=event.signed_at,
        engagement_id=event.engagement_id,
    )
    duties: dict[UUID, Duty] = {one: "associate" for one in event.team if one in named}
    if duties:
        await teams.set_team(session, matter, duties, if_match=None)
    if event.parties:
        known = [MatterParty.model_validate(one.model_dump()) for one in event.parties]
        await parties.set_parties(session, matter, known, if_match=None)
    for one in event.joint_clients:
        await _join(session, matter, one, event)
    if days := agreed_cadence(event.communication.update_every):
        await updates.promise_cadence(session, matter, days, if_match=None)


async def _join(
    session: AsyncSession, matter: Matter, signed: JointlyEngaged, event: EngagementSigned
) -> None:
    """Who signed as a joint client is a client, with the matter's contact unless they were one; as
    the entry that stays, unless that is of the matter already."""
    known = await known_clients.client(session, signed.client_id)
    if known is None:
        of_matter = await contacts.in_force(session, matter.matter_id)
        assert of_matter is not None, "a matter is never without a point of contact"
        client = Client(
            client_id=signed.client_id,
            kind=signed.kind,
            name=unseal(session, signed.name),
            email=unseal(session, signed.email).lower(),
            phone=unseal(session, signed.phone) if signed.phone else None,
            time_zone=(await session.get_one(Client, matter.client_id)).time_zone,
            registered_at=event.signed_at,
        )
        to = of_matter.staff_id
        await clients.register(session, client, point_of_contact_id=to, by=FIRM_ID)
    client_id = await known_clients.survivor(session, signed.client_id)
    await clients.engage(session, client_id)
    if not await members.is_client_of(session, client_id, matter.matter_id):
        await joint_clients.join(session, matter, client_id, reason=opening_reason(event))
