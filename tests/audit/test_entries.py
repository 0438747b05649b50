"""The leaf format, spelled out: whoever changes one of these bytes breaks every proof given."""

import hmac
import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import entries
from audit.entries import Coordinates

EVENT_ID = UUID("01980a3c-9f00-7abc-8def-0123456789ab")
WHERE = Coordinates(EVENT_ID, "messaging", 3, 1, 7)
HEADERS = [
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_id", str(EVENT_ID).encode()),
    ("ce_source", b"privity/messaging/3?epoch=1"),
    ("ce_type", b"privity.messaging.ClientMessageReceived.v1"),
    ("ce_time", b"2026-07-10T20:30:00Z"),
    ("ce_sequence", b"7"),
]
VALUE = b'{"client_id":"01980a3c-0000-7000-8000-000000000001","urgent":false}'


def replaced(name: str, raw: bytes) -> list[tuple[str, bytes]]:
    return [(key, raw if key == name else kept) for key, kept in HEADERS]


def test_a_public_entry_is_these_bytes_for_ever() -> None:
    recorded_at = datetime(2026, 7, 10, 22, 30, tzinfo=timezone(timedelta(hours=2)))
    entry = entries.public_entry(
        WHERE,
        recorded_at=entries.timestamp(recorded_at),
        value_sha256=sha256(VALUE).digest(),
        meta=b"\xab" * 32,
    )
    assert entry == (
        b'{"event_id":"01980a3c-9f00-7abc-8def-0123456789ab","meta":"' + b"ab" * 32 + b'",'
        b'"recorded_at":"2026-07-10T20:30:00.000000Z","sequence":7,"service":"messaging",'
        b'"stream":{"epoch":1,"partition":3},"v":1,'
        b'"value_sha256":"' + sha256(VALUE).hexdigest().encode() + b'"}'
    )


def test_the_metadata_are_these_bytes_for_ever() -> None:
    found = entries.metadata(HEADERS[2:5], entries.subjects_of(entries.parsed(VALUE)))
    assert found == (
        b'{"headers":[["ce_id","MDE5ODBhM2MtOWYwMC03YWJjLThkZWYtMDEyMzQ1Njc4OWFi"],'
        b'["ce_source","cHJpdml0eS9tZXNzYWdpbmcvMz9lcG9jaD0x"],'
        b'["ce_type","cHJpdml0eS5tZXNzYWdpbmcuQ2xpZW50TWVzc2FnZVJlY2VpdmVkLnYx"]],'
        b'"subjects":{"client_id":"01980a3c-0000-7000-8000-000000000001"},"time":null,'
        b'"type":"privity.messaging.ClientMessageReceived.v1"}'
    )


def test_the_commitment_is_an_hmac_under_the_entrys_own_salt() -> None:
    salt = bytes(range(32))
    assert entries.commitment(salt, b"{}") == hmac.new(salt, b"{}", "sha256").digest()
    with pytest.raises(ValueError, match="32 bytes"):
        entries.commitment(b"short", b"{}")


def test_coordinates_come_from_the_headers() -> None:
    assert entries.coordinates(HEADERS) == WHERE


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("ce_id", b"not-a-uuid"),
        ("ce_id", str(EVENT_ID).upper().encode()),
        ("ce_id", EVENT_ID.hex.encode()),
        ("ce_id", b"\xff"),
        ("ce_source", b"messaging/3?epoch=1"),
        ("ce_source", b"privity/messaging/3"),
        ("ce_source", b"privity/messaging/03?epoch=1"),
        ("ce_source", b"privity/messaging/3?epoch=0"),
        ("ce_source", b"privity/messaging/3?epoch=1\n"),
        ("ce_source", b"privity/M\xc3\xa4/3?epoch=1"),
        ("ce_sequence", b"0"),
        ("ce_sequence", b"-1"),
        ("ce_sequence", b"07"),
        ("ce_sequence", b"7.0"),
        ("ce_sequence", "٧".encode()),
        ("ce_sequence", b"9" * 17),
    ],
)
def test_headers_that_do_not_name_a_place_in_a_stream_give_none(name: str, raw: bytes) -> None:
    assert entries.coordinates(replaced(name, raw)) is None


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_sequence"])
def test_a_missing_header_gives_no_coordinates(name: str) -> None:
    assert entries.coordinates([kept for kept in HEADERS if kept[0] != name]) is None


@given(st.binary(max_size=200))
def test_any_value_has_subjects_even_if_none(value: bytes) -> None:
    assert isinstance(entries.subjects_of(entries.parsed(value)), dict)


def test_subjects_are_texts_of_the_object_itself_whose_name_ends_in_id() -> None:
    value = {"client_id": "c", "matter_id": None, "n_id": 3, "Ünique_id": "x", "in": {"a_id": "b"}}
    assert entries.subjects_of(value) == {"client_id": "c"}
    assert entries.subjects_of(["client_id"]) == {}


def test_deep_or_broken_json_is_no_value_and_no_error() -> None:
    assert entries.parsed(b"[" * 100_000) is None
    assert entries.parsed(b'{"a":"\\ud800"}') is None
    assert entries.parsed(b"") is None


@given(
    st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50)), max_size=6),
    st.dictionaries(st.from_regex(r"[a-z]{1,9}_id", fullmatch=True), st.text(max_size=30)),
)
def test_metadata_is_canonical_json_of_all_it_was_given(
    headers: list[tuple[str, bytes]], subjects: dict[str, str]
) -> None:
    read = orjson.loads(entries.metadata(headers, subjects))
    assert orjson.dumps(read, option=orjson.OPT_SORT_KEYS) == entries.metadata(headers, subjects)
    assert read["subjects"] == subjects
    assert [name for name, _ in read["headers"]] == [name for name, _ in headers]


@given(
    st.uuids(),
    st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True),
    st.integers(0, 10**9 - 1),
    st.integers(1, 10**9 - 1),
    st.integers(1, 10**16 - 1),
    st.datetimes(timezones=st.just(UTC)),
    st.binary(min_size=32, max_size=32),
)
def test_a_public_entry_is_canonical_json_and_small_whatever_place_an_event_claims(
    event_id: UUID,
    service: str,
    partition: int,
    epoch: int,
    sequence: int,
    recorded_at: datetime,
    digest: bytes,
) -> None:
    """It is put together by hand: the same bytes as the generic spelling of its members, for every
    place that `coordinates` lets through."""
    headers = [
        ("ce_id", str(event_id).encode()),
        ("ce_source", f"privity/{service}/{partition}?epoch={epoch}".encode()),
        ("ce_sequence", str(sequence).encode()),
    ]
    where = entries.coordinates(headers)
    assert where == Coordinates(event_id, service, partition, epoch, sequence)
    entry = entries.public_entry(
        where, recorded_at=entries.timestamp(recorded_at), value_sha256=digest, meta=digest[::-1]
    )
    assert len(entry) < 600
    assert entry == entries.canonical(
        {
            "v": 1,
            "event_id": str(event_id),
            "service": service,
            "stream": {"partition": partition, "epoch": epoch},
            "sequence": sequence,
            "recorded_at": entries.timestamp(recorded_at),
            "value_sha256": digest.hex(),
            "meta": digest[::-1].hex(),
        }
    )


@given(
    st.recursive(
        st.none() | st.integers(0, 2**53) | st.text(st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner)
        ),
    )
)
def test_canonical_json_is_spelled_as_the_verifiers_spell_it(value: object) -> None:
    """They use json.dumps, we another encoder: the bytes must be the same for ever."""
    told = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert entries.canonical(value) == told.encode()
