"""Published facts keep their meaning for ever: old samples parse, changes are additive."""

from pathlib import Path

import orjson
import pytest
from polyfactory.factories.pydantic_factory import ModelFactory

from shared.contracts import CONTRACTS, OWNERS, Envelope, Event, documents, partition_of
from shared.ids import new_id

GOLDEN = Path(__file__).parent / "golden"
CLASSES = sorted(set(CONTRACTS.values()), key=lambda one: one.__name__)


@pytest.mark.parametrize("contract", CLASSES, ids=lambda one: one.__name__)
def test_the_golden_sample_of_every_version_still_parses(contract: type[Event]) -> None:
    sample = GOLDEN / f"{contract.owner}.{contract.__name__}.v{contract.version}.json"
    assert sample.exists(), (
        f"add a sample: python {Path(__file__).parent}/sample.py {contract.__name__}"
    )
    event = contract.model_validate_json(sample.read_bytes())
    again = orjson.loads(event.model_dump_json())
    kept = orjson.loads(sample.read_bytes())
    assert {name: again[name] for name in kept} == kept


def test_no_golden_sample_lost_its_contract() -> None:
    known = {f"{one.owner}.{one.__name__}.v{one.version}" for one in CLASSES}
    assert {path.stem for path in GOLDEN.glob("*.json")} == known


@pytest.mark.parametrize("contract", CLASSES, ids=lambda one: one.__name__)
def test_every_event_says_what_it_means_who_owns_it_and_what_orders_it(
    contract: type[Event],
) -> None:
    assert contract.__doc__
    assert contract.owner in (*OWNERS, "platform")
    assert contract.key
    assert {*contract.key, contract.subject} <= set(contract.model_fields)


@pytest.mark.parametrize("contract", CLASSES, ids=lambda one: one.__name__)
def test_unknown_fields_of_a_newer_version_are_ignored(contract: type[Event]) -> None:
    factory = ModelFactory.create_factory(contract)
    newer = orjson.loads(factory.build().model_dump_json()) | {"a_field_of_next_year": 1}
    contract.model_validate_json(orjson.dumps(newer))


def test_the_wire_form_of_an_event_is_fixed() -> None:
    envelope = Envelope.parse(
        b"0192e4a0-0000-7000-8000-000000000001",
        [
            ("content-type", b"application/json"),
            ("ce_specversion", b"1.0"),
            ("ce_id", b"0192e4a0-0000-7000-8000-000000000002"),
            ("ce_source", b"privity/messaging/3?epoch=1"),
            ("ce_type", b"privity.messaging.ClientMessageReceived.v1"),
            ("ce_subject", b"0192e4a0-0000-7000-8000-000000000003"),
            ("ce_time", b"2026-11-22T09:15:00.123456Z"),
            ("ce_sequence", b"17"),
        ],
        b"{}",
    )
    assert (envelope.service, envelope.partition, envelope.epoch) == ("messaging", 3, 1)
    again = Envelope.parse(envelope.key.encode(), envelope.headers(), envelope.value)
    assert again == envelope
    assert dict(envelope.headers())["ce_time"] == b"2026-11-22T09:15:00.123456Z"


def test_a_key_lives_in_the_same_partition_for_ever() -> None:
    assert partition_of("0192e4a0-0000-7000-8000-000000000001", 12) == 10
    spread = {partition_of(str(new_id()), 12) for _ in range(1000)}
    assert spread == set(range(12))


def test_a_breaking_change_of_a_contract_is_refused() -> None:
    before = orjson.loads(documents.made()["contracts.json"])
    after = orjson.loads(documents.made()["contracts.json"])
    note = after["schemas"]["NoteWritten"]
    note["properties"].pop("staff_id")
    note["properties"]["client_id"] = {"type": "integer"}
    note["required"].append("mood")
    after["events"].remove("privity.audit.RecordedThrough.v1")
    after["schemas"]["Attachment"]["properties"]["pages"] = {"type": "integer"}
    assert documents.broken(before, before) == []
    assert documents.broken(before, after) == [
        "privity.audit.RecordedThrough.v1 went away",
        "NoteWritten.staff_id went away",
        "NoteWritten.client_id changed its type",
        "NoteWritten.mood is newly required",
    ]
