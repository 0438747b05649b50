"""What an event is: a fact told once, by its owner, in the past tense (docs/events.md lists them).

The wire form is CloudEvents 1.0 in Kafka's binary content mode: attributes travel as headers, the
value is the JSON of the contract class. Both are for ever: fields are only added, with defaults.
"""

import hashlib
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Fact(BaseModel):
    """Plain data inside an event; consumers ignore fields that they do not know yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_temporal="iso8601")


class Sealed(Fact):
    """Text or bytes that only holders of the owner's data key can read (docs/security.md).

    `box` is base64(nonce ‖ AES-256-GCM(salt ‖ plaintext)); `commitment` is base64 of
    HMAC-SHA256(salt, plaintext): with salt and text anybody can check it, without the key it says
    nothing.
    """

    owner: UUID
    key_version: int
    content_id: UUID
    kind: str
    field: str
    box: str
    commitment: str


class ContentRef(Fact):
    """Larger content by reference: it stays with its owner, sealed in chunks; the commitment
    binds it."""

    content_id: UUID
    size: int = Field(description="bytes of the plaintext")
    commitment: str


class Event(Fact):
    """Base of all contracts. The class says who owns it, what orders it and what it is about."""

    owner: ClassVar[str] = ""
    version: ClassVar[int] = 1
    key: ClassVar[tuple[str, ...]] = ()
    subject: ClassVar[str] = ""
    ordered: ClassVar[bool] = True

    def __init_subclass__(
        cls,
        owner: str = "",
        key: str | tuple[str, ...] = (),
        subject: str = "",
        version: int = 1,
        ordered: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.owner, cls.version, cls.ordered = owner, version, ordered
        cls.key = (key,) if isinstance(key, str) else key
        cls.subject = subject or (cls.key[0] if cls.key else "")

    @classmethod
    def type_name(cls, owner: str | None = None) -> str:
        """`privity.<owner>.<ClassName>.v<N>`: one spelling on the wire, in docs, traces and
        tests."""
        return f"privity.{owner or cls.owner}.{cls.__name__}.v{cls.version}"

    def key_of(self) -> str:
        """What must stay in order with this event: the first of the key fields that is set."""
        for name in self.key:
            if (value := getattr(self, name)) is not None:
                return str(value)
        raise ValueError(f"{type(self).__name__} has no value for any of its keys {self.key}")

    def subject_of(self) -> str:
        return str(getattr(self, self.subject))


class Envelope(Fact):
    """One event as it travels: CloudEvents attributes, and the exact bytes of the value."""

    id: UUID
    service: str
    partition: int
    epoch: int
    sequence: int
    type: str
    subject: str
    time: AwareDatetime
    key: str
    traceparent: str | None = None
    tracestate: str | None = None
    value: bytes

    @property
    def source(self) -> str:
        return f"privity/{self.service}/{self.partition}?epoch={self.epoch}"

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers of CloudEvents' binary content mode (Kafka protocol binding 1.0.2,
        §3.2)."""
        pairs = [
            ("content-type", "application/json"),
            ("ce_specversion", "1.0"),
            ("ce_id", str(self.id)),
            ("ce_source", self.source),
            ("ce_type", self.type),
            ("ce_subject", self.subject),
            ("ce_time", rfc3339(self.time)),
            ("ce_sequence", str(self.sequence)),
        ]
        pairs += [
            (name, value)
            for name, value in (("traceparent", self.traceparent), ("tracestate", self.tracestate))
            if value
        ]
        return [(name, value.encode()) for name, value in pairs]

    @classmethod
    def parse(cls, key: bytes | None, headers: list[tuple[str, bytes]], value: bytes) -> Self:
        """The envelope of a Kafka record; ValueError says what is missing or malformed."""
        found = {name: content.decode() for name, content in headers}
        missing = {"ce_id", "ce_source", "ce_type", "ce_time", "ce_sequence"} - found.keys()
        if missing:
            raise ValueError(f"headers are missing: {', '.join(sorted(missing))}")
        service, partition, epoch = parse_source(found["ce_source"])
        return cls(
            id=UUID(found["ce_id"]),
            service=service,
            partition=partition,
            epoch=epoch,
            sequence=int(found["ce_sequence"]),
            type=found["ce_type"],
            subject=found.get("ce_subject", ""),
            time=datetime.fromisoformat(found["ce_time"]),
            key=(key or b"").decode(),
            traceparent=found.get("traceparent"),
            tracestate=found.get("tracestate"),
            value=value,
        )


def parse_source(source: str) -> tuple[str, int, int]:
    """`privity/messaging/3?epoch=1` → ("messaging", 3, 1)."""
    try:
        path, epoch = source.split("?epoch=")
        product, service, partition = path.split("/")
        if product != "privity":
            raise ValueError(product)
        return service, int(partition), int(epoch)
    except ValueError as error:
        raise ValueError(
            f"ce_source {source!r} is not privity/<service>/<partition>?epoch=<n>"
        ) from error


def partition_of(key: str, partitions: int) -> int:
    """Which partition a key lives in: ours to choose, so that a stream is known before Kafka is
    asked."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % partitions


def rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
