"""Only a report that delivery failed for good is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.email.reports import Report, read_report

HEAD = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
PART = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"


def test_a_failure_is_read_with_its_status() -> None:
    fields = b"Action: FAILED\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no\xffbody\r\n--b--"
    assert read_report(HEAD + PART + fields) == Report("5.1.1 smtp; 550 no?body")


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + PART + b"Action: delayed\r\nStatus: 4.4.1\r\n--b--",
        HEAD + PART + b"Action: delivered\r\n--b--",
        HEAD + PART + b"--b--",
        HEAD + b"\r\nAction: failed\r\n--b--",
        b"Subject: Out of office\r\n\r\nAction: failed",
    ],
)
def test_anything_else_is_no_failure(raw: bytes) -> None:
    assert read_report(raw) is None


@given(st.binary(max_size=300))
def test_any_octets_are_read_without_an_exception(raw: bytes) -> None:
    read_report(HEAD + PART + raw)
