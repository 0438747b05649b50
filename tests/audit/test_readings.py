"""What is found in an event for reading, and that nothing in it can break the record."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.readings import kind_of, read

RECORDED = datetime(2026, 7, 11, tzinfo=UTC)
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


def headers(
    kind: str = "MessageSent", time: str = "2026-07-10T20:30:00Z"
) -> list[tuple[str, bytes]]:
    return [("ce_type", f"privity.messaging.{kind}.v1".encode()), ("ce_time", time.encode())]


def test_a_communication_stands_at_the_time_it_took_place() -> None:
    value = {"received_at": "2026-07-10T10:00:00+02:00"}
    found = read(headers("ClientMessageReceived"), value, RECORDED)
    assert found.fact_at == datetime(2026, 7, 10, 8, tzinfo=UTC)


def test_every_other_fact_stands_at_the_time_it_was_told() -> None:
    value = {"received_at": "2026-07-10T10:00:00Z", "opened_at": "2026-07-10T10:00:00Z"}
    found = read(headers("ResponseDue"), value, RECORDED)
    assert found.fact_at == datetime(2026, 7, 10, 20, 30, tzinfo=UTC)


def test_all_messages_that_an_event_is_about_are_found_once() -> None:
    value = {"message_id": str(ONE), "message_ids": [str(ONE), str(TWO)], "covers": [str(THREE)]}
    assert read(headers(), value, RECORDED).message_ids == (ONE, TWO, THREE)


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-07-10T20:30:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_that_is_none_falls_back_to_the_time_of_recording(time: str) -> None:
    assert read(headers(time=time), {}, RECORDED).fact_at == RECORDED


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_members_give_a_row(odd: object) -> None:
    names = ("client_id", "matter_id", "message_id", "message_ids", "covers", "received_at")
    found = read(headers("ClientMessageReceived"), dict.fromkeys(names, odd), RECORDED)
    assert found.client_id is None
    assert read(headers(), odd, RECORDED).matter_id is None


@given(st.binary(max_size=300))
def test_any_type_fits_its_column(raw: bytes) -> None:
    found = read([("ce_type", raw)], orjson.loads(b"null"), RECORDED)
    assert "\x00" not in found.type
    assert len(found.type) <= 200


def test_the_kind_is_the_class_name() -> None:
    assert kind_of("privity.sla-monitor.ResponseDue.v1") == "ResponseDue"
    assert kind_of("strange") == "strange"
