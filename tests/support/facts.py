"""Small true facts for tests of the machinery."""

from datetime import UTC, datetime
from uuid import UUID

from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import EmergencyContact, FirmChanged
from shared.contracts.messaging import NoteWritten
from shared.ids import new_id


def note_written(client_id: UUID, *, number: int = 0, box: str = "") -> NoteWritten:
    return NoteWritten(
        message_id=new_id(),
        conversation_id=client_id,
        client_id=client_id,
        staff_id=client_id,
        written_at=datetime.now(UTC),
        body=Sealed(
            owner=client_id,
            key_version=1,
            content_id=client_id,
            kind="note",
            field=str(number),
            box=box,
            commitment="",
        ),
    )


def firm_changed(name: str = "Harbour & Vale LLP") -> FirmChanged:
    return FirmChanged(
        firm_id=FIRM_ID,
        name=name,
        time_zone="America/New_York",
        calendar_id=None,
        addresses=("office@firm.test",),
        emergency=EmergencyContact(phone="+1 212 555 0100"),
        revision=1,
    )
