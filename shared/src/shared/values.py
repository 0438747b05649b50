"""What people may enter: refused with a hint when it could not be used later."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

import phonenumbers
from pydantic import AfterValidator, Field, StringConstraints

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def _address(value: str) -> str:
    if len(value.partition("@")[0]) > 64:
        raise ValueError("at most 64 characters stand before the @ (RFC 5321 §4.5.3.1.1)")
    return value.lower()


def _phone_number(value: str) -> str:
    """E.164, so that one number has one spelling."""
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError("not a phone number; write it with its country, like +1 212 555 0147")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("not an IANA time zone, such as America/New_York")
    return value


Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$",
    ),
]
"""One line that people read: nothing in it can end a header or hide."""

Prose = Annotated[
    str, StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")
]

Reason = Annotated[Prose, StringConstraints(strip_whitespace=True, min_length=1)]
"""Why something is done; it is sealed in the record."""

# Pydantic's EmailStr refuses .test, which the local profile lives on; no look-up is made here.
EmailAddress = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=254,
        pattern=rf"^{ATOM}(\.{ATOM})*@({LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]$",
    ),
    AfterValidator(_address),
]
"""An address as mail is sent to it, in lower case."""

PhoneNumber = Annotated[str, StringConstraints(max_length=40), AfterValidator(_phone_number)]
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
Slug = Annotated[str, StringConstraints(max_length=64, pattern=SLUG)]

Preferences = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")],
        Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9._:/+-]+$")],
    ],
    Field(max_length=20),
]
"""Purpose → token, such as `updates: portal`. Travels in the clear, so it is no free text."""
