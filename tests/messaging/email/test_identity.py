"""Copies of one mail are one; anything else that differs makes two."""

from hypothesis import given
from hypothesis import strategies as st

from messaging.email.identity import canonical

MAIL = b"From: a@b.test\r\nSubject: x\r\n y\r\n\r\nReceived: this is the body\r\n"
TRACE = (
    b"Return-Path: <a@b.test>\r\nReceived: from x by y;\r\n\tTue, 14 Jul 2026\r\nARC-Seal: i=1\r\n"
    b"Authentication-Results: mx; dkim=no\r\nDKIM-Signature: v=1;\r\n b=abc\r\nDelivered-To: o\r\n"
)


def test_trace_headers_do_not_make_another_mail() -> None:
    assert canonical(TRACE + MAIL) == MAIL


def test_trace_headers_below_others_do_not_make_another_mail() -> None:
    first, rest = MAIL.split(b"\r\n", 1)
    assert canonical(first + b"\r\n" + TRACE + rest) == MAIL


def test_the_body_is_never_taken_for_a_trace_header() -> None:
    assert canonical(MAIL).endswith(b"\r\n\r\nReceived: this is the body\r\n")
    assert canonical(b"\r\nReceived: body") == b"\r\nReceived: body"


def test_any_other_difference_makes_two() -> None:
    for other in (MAIL + b".", MAIL.replace(b"x\r\n", b"z\r\n"), b"X-Other: 1\r\n" + MAIL):
        assert canonical(other) != canonical(MAIL)


@given(st.binary(max_size=300))
def test_any_octets_have_an_identity_and_adding_a_trace_header_keeps_it(raw: bytes) -> None:
    assert canonical(canonical(raw)) == canonical(raw) or raw[:1] in b" \t"
    if raw[:1] not in (b" ", b"\t"):
        assert canonical(b"Received: by x\r\n" + raw) == canonical(raw)
