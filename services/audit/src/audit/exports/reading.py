"""Entries as people read them: who, when in the firm's zone, what, and the words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit import merkle, queries, timeline
from audit.checkpoints import Signer
from audit.exports.content import Content, Found
from audit.exports.pages import Line
from audit.exports.rows import Export
from audit.exports.texts import About
from audit.known import known
from audit.readings import kind_of
from shared.contracts import FIRM_ID, Sealed
from shared.contracts.matters import ClientRegistered, MatterOpened

TEXTS = ("/subject_text", "/body", "/note", "/reason")
"""The places whose words are the substance of an event."""


@dataclass(frozen=True)
class Reading:
    """What it takes to read the entries of one export. `joint`: who is meant where several are
    clients, all entries of one by the name of the one that stays."""

    reader: timeline.Reader
    firm: str
    zone: str
    numbers: dict[UUID, str]
    subject: str
    joint: dict[UUID, str]
    staff: dict[UUID, str]

    @classmethod
    async def of(cls, content: Content) -> Self:
        export = content.export
        await content.keys.hold(FIRM_ID, *export.selection.clients)
        async with content.db.transaction() as session:
            heard = await known(session)
            told = [
                one
                for client_id in export.selection.clients
                for one in await queries.values(
                    session, (ClientRegistered, MatterOpened), client_id
                )
            ]
            numbers = await queries.numbers_of_matters(session, heard.jointly(export.client_id))
        firm, directory = heard.firm, heard.staff
        zone = firm.time_zone if firm else "UTC"
        reader = timeline.Reader(content.keys, zone, is_client=False)
        names, titles = dict[UUID, str](), dict[UUID, str]()
        for contract, value in told:
            event: Any = contract.model_validate_json(value)
            if isinstance(event, ClientRegistered):
                names[event.client_id] = reader.text(event.name)
            else:
                numbers[event.matter_id] = event.number
                titles[event.matter_id] = reader.text(event.title)
        people = {heard.stays(one): name for one, name in names.items()}
        people |= {one: name for one, name in names.items() if one in people}
        client = " and ".join(one for one in people.values() if one) or "a client"
        subject = f"client {client}"
        if export.matter_id in numbers:
            matter_id = export.matter_id
            subject = f"matter {numbers[matter_id]}: {titles[matter_id]} ({client})"
        staff = {one: reader.text(entry.name) for one, entry in directory.items()}
        joint = {one: people[heard.stays(one)] for one in names} if len(people) > 1 else {}
        return cls(reader, firm.name if firm else "The firm", zone, numbers, subject, joint, staff)

    def matter_of(self, found: Found) -> str | None:
        """The number of the matter that an entry names."""
        return self.numbers.get(found.row.matter_id) if found.row.matter_id else None

    def about(self, export: Export, signer: Signer, **counted: Any) -> About:
        return About(
            export_id=export.export_id,
            firm=self.firm,
            subject=self.subject,
            origin=signer.name,
            verifier=signer.verifier,
            zone=self.zone,
            size=export.size,
            made_at=export.created_at,
            **counted,
        )

    def line(self, found: Found, number: int, names: Sequence[str]) -> Line:
        row = found.row
        item = timeline.item(row, found.event, self.reader)
        return Line(
            number=number,
            local=self._local(row.fact_at),
            utc=f"{row.fact_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
            what=_spaced(kind_of(row.type)),
            way=" ".join(one for one in (item.channel, item.direction) if one),
            who=self._who(found),
            summary=item.summary,
            text="\n\n".join(words for at in TEXTS if (words := found.words(at))),
            names=tuple(names),
            index=row.index,
            leaf=merkle.leaf_hash(row.entry).hex(),
        )

    def _local(self, instant: datetime) -> str:
        try:
            local = instant.astimezone(ZoneInfo(self.zone))
        except (ZoneInfoNotFoundError, ValueError):
            local = instant.astimezone(UTC)
        return f"{local:%a %Y-%m-%d %H:%M:%S %Z}"

    def _who(self, found: Found) -> str:
        named: list[str] = []
        if found.row.client_id in self.joint:
            named.append(f"of {self.joint[found.row.client_id]}")
        if isinstance(sender := getattr(found.event, "sender", None), Sealed):
            named.append(f"from {self.reader.text(sender)}")
        staff_id = getattr(found.event, "staff_id", None)
        if isinstance(staff_id, UUID) and staff_id in self.staff:
            named.append(self.staff[staff_id])
        return ", ".join(named)


def _spaced(kind: str) -> str:
    """`ClientMessageReceived` → `Client message received`."""
    words = "".join(f" {one.lower()}" if one.isupper() else one for one in kind).strip()
    return words.capitalize()
