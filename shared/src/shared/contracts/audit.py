"""Events of audit: what the record itself did."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.event import Event, Sealed
from shared.contracts.platform import StreamHead


class RecordedThrough(Event, owner="audit", key="service", subject="service"):
    """Hourly, for each service: the number up to which each of its streams is in the log
    without a gap. Outbox janitors may delete what is covered and older than seven days."""

    service: str
    heads: tuple[StreamHead, ...]
    recorded_at: AwareDatetime


class GapDetected(Event, owner="audit", key="service", subject="gap_id"):
    """Something that a service must have told is not in the record: told once for each gap, within
    two minutes (a silence within fifteen). `missing`: numbers `first`…`last` of a stream, though
    later ones came. `cut-tail`: numbers that the service stated to have told. `silent`: it states
    nothing any more. It does not say that anything is lost: what is late heals by itself."""

    gap_id: UUID
    service: str
    kind: Literal["missing", "cut-tail", "silent"]
    stream: str | None = None
    first: int | None = None
    last: int | None = None
    last_heard_at: AwareDatetime | None = None
    detected_at: AwareDatetime


class GapHealed(Event, owner="audit", key="service", subject="gap_id"):
    """All that a GapDetected missed has come: once for each, after it."""

    gap_id: UUID
    service: str
    kind: Literal["missing", "cut-tail", "silent"]
    detected_at: AwareDatetime
    healed_at: AwareDatetime


class RecordExported(Event, owner="audit", key="client_id", subject="export_id"):
    """A bundle of a client's or matter's record was finished and may be fetched: once for each
    export. `digest` is base64 of the SHA-256 of its list of files (SHA256SUMS), so that a bundle
    shown later can be told from any other. Fetching it is told as RecordAccessed."""

    export_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    requested_by: UUID
    role: str
    size: int
    entries: int
    digest: str
    exported_at: AwareDatetime


class IntegrityVerified(Event, owner="audit", key="audit_id", subject="audit_id"):
    """The whole record up to `size` entries was read and proved again: once for each audit, also
    when something was found. `findings` are those of this audit, `open_findings` all that nobody
    has closed; only with none of both is the record as it should be. `digest` is base64 of the
    SHA-256 of the signed report."""

    audit_id: UUID
    size: int
    findings: int
    open_findings: int
    digest: str
    started_at: AwareDatetime
    finished_at: AwareDatetime


class RecordCorrected(Event, owner="audit", key="client_id", subject="corrects"):
    """A person said that an event on the record is wrong, and what is right: once for each
    correction. Nothing is changed by it: both stay, and readers are shown the newer first.
    `corrects` is the id of the event, `corrects_index` its entry; a correction may be corrected."""

    correction_id: UUID
    client_id: UUID
    matter_id: UUID | None = None
    corrects: UUID
    corrects_index: int
    corrected_by: UUID
    role: str
    corrected_at: AwareDatetime
    correction: Sealed
