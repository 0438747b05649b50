"""A reply address works for the person, message and purpose it was made for, and for no other."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.email.reply_addresses import (
    ReplyAddress,
    ReplyKind,
    is_reply_address,
    message_id_header,
    read_key,
    read_reply_address,
    reply_address,
)

KEY = b"k" * 32
DOMAIN = "firm.test"
STAFF_KINDS = st.sampled_from([ReplyKind.ANSWER, ReplyKind.QUESTION, ReplyKind.ACKNOWLEDGE])
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def addressed(
    message: UUID, staff: UUID, kind: ReplyKind = ReplyKind.ANSWER, key: bytes = KEY
) -> str:
    return reply_address(key, DOMAIN, kind=kind, message_id=message, staff_id=staff)


@given(st.uuids(), st.uuids(), STAFF_KINDS)
def test_an_address_gives_back_what_it_was_signed_for(
    message: UUID, staff: UUID, kind: ReplyKind
) -> None:
    address = addressed(message, staff, kind)
    assert read_reply_address(KEY, DOMAIN, address, [uuid4(), staff]) == ReplyAddress(
        kind=kind, message_id=message, staff_id=staff
    )


@given(st.uuids(), st.uuids())
def test_it_fits_a_local_part_and_survives_a_server_that_changes_case(
    message: UUID, staff: UUID
) -> None:
    address = addressed(message, staff)
    assert len(address.partition("@")[0].encode()) <= 64
    assert address == address.lower()
    assert read_reply_address(KEY, DOMAIN, address.upper(), [staff]) is not None


@given(st.uuids(), st.uuids(), st.data())
def test_no_changed_letter_passes(message: UUID, staff: UUID, data: st.DataObject) -> None:
    address = addressed(message, staff)
    place = data.draw(st.integers(len("reply+"), len("reply+") + 52))
    letter = data.draw(st.sampled_from([c for c in ALPHABET if c != address[place]]))
    forged = address[:place] + letter + address[place + 1 :]
    assert read_reply_address(KEY, DOMAIN, forged, [staff]) is None


@given(st.uuids(), st.uuids(), st.uuids())
def test_it_is_nobody_elses(message: UUID, staff: UUID, other: UUID) -> None:
    staffs = [other] if other != staff else []
    assert read_reply_address(KEY, DOMAIN, addressed(message, staff), staffs) is None


@given(st.text())
def test_any_other_text_is_not_an_address_of_ours(text: str) -> None:
    assert read_reply_address(KEY, DOMAIN, text, [uuid4()]) is None
    assert read_reply_address(KEY, DOMAIN, f"reply+{text}@{DOMAIN}", [uuid4()]) is None


@given(st.text(alphabet=ALPHABET, min_size=53, max_size=53))
def test_a_guessed_token_is_refused(token: str) -> None:
    address = f"reply+{token}@{DOMAIN}"
    assert is_reply_address(address, DOMAIN)
    assert read_reply_address(KEY, DOMAIN, address, [uuid4()]) is None


def test_another_key_or_another_domain_makes_it_void() -> None:
    message, staff = uuid4(), uuid4()
    address = addressed(message, staff)
    elsewhere = address.replace("firm.test", "other.test")
    assert read_reply_address(b"x" * 32, DOMAIN, address, [staff]) is None
    assert read_reply_address(KEY, "other.test", elsewhere, [staff]) is None


def test_a_bounce_address_is_bound_to_the_mail_and_to_nobody() -> None:
    mail, staff = uuid4(), uuid4()
    address = reply_address(KEY, DOMAIN, kind=ReplyKind.BOUNCE, message_id=mail)
    assert address.startswith("bounce+")
    assert read_reply_address(KEY, DOMAIN, address, []) == ReplyAddress(
        kind=ReplyKind.BOUNCE, message_id=mail, staff_id=None
    )
    as_reply = address.replace("bounce+", "reply+")
    assert read_reply_address(KEY, DOMAIN, as_reply, [staff]) is None


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reply"
    path.write_bytes(KEY)
    assert read_key(path) == KEY
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="holds 5 bytes"):
        read_key(path)


def test_our_message_ids_are_in_our_domain() -> None:
    outbound = UUID("01976f9a-0000-7000-8000-000000000001")
    assert message_id_header(outbound, DOMAIN) == f"<{outbound}@firm.test>"
