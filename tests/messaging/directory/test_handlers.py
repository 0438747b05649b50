"""The directory follows matters, in whatever order the streams of different keys arrive."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from messaging.app import create_app
from messaging.directory import queries
from messaging.settings import MessagingSettings
from privity import servers
from shared.contracts import FIRM_ID, Event
from shared.contracts.matters import (
    ClientChanged,
    ClientRegistered,
    EmergencyContact,
    FirmChanged,
    MatterOpened,
    PointOfContactAssigned,
    StaffChanged,
    StaffRegistered,
)
from shared.ids import new_id
from shared.keyring import seal
from shared.runtime import Runtime
from support.correspondence import hear
from support.platform import Platform
from support.running import running

NOW = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def runtime(platform: Platform) -> AsyncIterator[Runtime]:
    settings = await platform.settings(
        MessagingSettings,
        smtp_url=f"smtp://127.0.0.1:{servers.free_port()}",
        messaging_reply_key_file=platform.keys / "reply",
        messaging_mail_domain="firm.test",
        messaging_smtp_in_port=servers.free_port(),
    )
    async with running(create_app, settings) as service:
        yield service.runtime


async def registered(runtime: Runtime, client_id: UUID, email: str) -> ClientRegistered:
    await runtime.keys.hold(client_id, create=True)
    async with runtime.db.transaction() as session:
        name = seal(session, client_id, client_id, "client", "name", "Clara")
        address = seal(session, client_id, client_id, "client", "email", email)
    return ClientRegistered(client_id=client_id, name=name, email=address, time_zone="UTC")


async def member(runtime: Runtime, staff_id: UUID, email: str) -> StaffRegistered:
    async with runtime.db.transaction() as session:
        name = seal(session, FIRM_ID, staff_id, "staff", "name", "Ana")
        address = seal(session, FIRM_ID, staff_id, "staff", "email", email)
    return StaffRegistered(staff_id=staff_id, name=name, email=address, role="attorney")


def contact(client_id: UUID, staff_id: UUID, **more: object) -> PointOfContactAssigned:
    given = {"from_at": NOW - timedelta(days=2), **more}
    return PointOfContactAssigned(
        assignment_id=new_id(), client_id=client_id, staff_id=staff_id, **given
    )


async def test_the_firm_is_known_with_its_addresses_in_lower_case(runtime: Runtime) -> None:
    for revision, address in ((1, "Office@Firm.test"), (2, "Desk@Firm.test")):
        await hear(
            runtime,
            FirmChanged(
                firm_id=FIRM_ID,
                name="Harbour",
                time_zone="America/New_York",
                calendar_id=None,
                addresses=(address,),
                emergency=EmergencyContact(phone="+1"),
                revision=revision,
            ),
        )
    async with runtime.db.transaction() as session:
        firm = await queries.firm(session)
        assert firm is not None
        assert (firm.addresses, firm.emergency.phone) == (["desk@firm.test"], "+1")
        assert "desk@firm.test" in await queries.firm_mailboxes(session)


async def test_any_order_of_the_streams_gives_the_same_directory(runtime: Runtime) -> None:
    for number, order in enumerate(permutations(range(3))):
        client_id, staff_id, matter_id = new_id(), new_id(), new_id()
        client = await registered(runtime, client_id, f"Clara{number}@Clients.test")
        async with runtime.db.transaction() as session:
            title = seal(session, client_id, matter_id, "matter", "title", "Lease")
            reason = seal(session, client_id, matter_id, "matter", "reason", "told")
        matter = MatterOpened(
            matter_id=matter_id,
            client_id=client_id,
            number=f"2026-{number}",
            title=title,
            practice_area="leases",
            reason=reason,
            opened_at=NOW,
        )
        streams: list[list[Event]] = [
            [client, matter],
            [contact(client_id, staff_id)],
            [await member(runtime, staff_id, f"Ana{number}@Firm.test")],
        ]
        for stream in order:
            for event in streams[stream]:
                await hear(runtime, event)
        async with runtime.db.transaction() as session:
            address = f"clara{number}@clients.test"
            assert await queries.clients_with_address(session, address.upper()) == [client_id]
            assert await queries.point_of_contact(session, client_id, matter_id, NOW) == staff_id
            assert await queries.clients_of(session, staff_id) == {client_id}
            found = await queries.staff_with_address(session, f"ana{number}@firm.test")
            assert found is not None
            assert [m.matter_id for m in await queries.open_matters(session, client_id)] == [
                matter_id
            ]


async def test_the_contact_is_the_matters_before_the_clients_and_changes_in_time(
    runtime: Runtime,
) -> None:
    client_id, matter_id = new_id(), new_id()
    first, second, matters = new_id(), new_id(), new_id()
    later = NOW - timedelta(days=1)
    await hear(runtime, contact(client_id, second, from_at=later))
    await hear(runtime, contact(client_id, first))
    await hear(runtime, contact(client_id, matters, matter_id=matter_id, from_at=later))
    async with runtime.db.transaction() as session:
        assert await queries.point_of_contact(session, client_id, None, NOW) == second
        assert await queries.point_of_contact(session, client_id, matter_id, NOW) == matters
        before = later - timedelta(seconds=1)
        assert await queries.point_of_contact(session, client_id, matter_id, before) == first
        long_ago = NOW - timedelta(days=9)
        assert await queries.point_of_contact(session, client_id, None, long_ago) is None


async def test_who_left_and_who_moved_is_followed(runtime: Runtime) -> None:
    staff_id, client_id = new_id(), new_id()
    entry = await member(runtime, staff_id, "leaver@firm.test")
    await hear(runtime, entry)
    left = {**dict(entry), "active": False}
    await hear(runtime, StaffChanged.model_validate(left))
    old = await registered(runtime, client_id, "old@clients.test")
    await hear(runtime, old)
    moved = await registered(runtime, client_id, "moved@clients.test")
    await hear(runtime, ClientChanged.model_validate(dict(moved)))
    async with runtime.db.transaction() as session:
        assert await queries.staff_with_address(session, "leaver@firm.test") is None
        assert "leaver@firm.test" in await queries.firm_mailboxes(session)
        assert await queries.clients_with_address(session, "old@clients.test") == []
        assert await queries.clients_with_address(session, "moved@clients.test") == [client_id]
