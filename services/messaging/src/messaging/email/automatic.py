"""Whether a machine may answer a client, and when: RFC 3834 and the firm's own limits as pure
functions. Every refusal names its rule, because what a machine may not do a person must."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

Headers = Sequence[tuple[str, str]]

MACHINE_ANSWERS_WITHIN = timedelta(seconds=5)
GROUPING = timedelta(minutes=10)
DAILY_CAP = 20


class Rule(StrEnum):
    """Why no automatic acknowledgment goes out; the text of ManualAcknowledgmentRequested.rule."""

    NO_ADDRESS_ON_FILE = "no-address-on-file"
    ADDRESS_SHARED = "address-shared-by-clients"
    NULL_ENVELOPE_SENDER = "null-envelope-sender"
    AUTO_SUBMITTED = "auto-submitted"
    AUTO_REPLY_HEADER = "auto-reply-header"
    MAILING_LIST = "mailing-list"
    PRECEDENCE = "precedence"
    RESPONSE_SUPPRESSED = "auto-response-suppressed"
    LOOP_MARKER = "loop-marker"
    MACHINE_SENDER = "machine-sender"
    REPORT = "report"
    CALENDAR_REPLY = "calendar-reply"
    OWN_ADDRESS = "own-address"
    NOT_ADDRESSED_TO_US = "not-addressed-to-us"
    SPAM = "spam"
    AUTHENTICATION_FAILED = "authentication-failed"
    MACHINE_ANSWER = "machine-answer"
    DAILY_CAP = "daily-cap"
    PROMISE_PASSED = "promise-passed"


class Authentication(StrEnum):
    """What is known of the sender: DMARC-aligned pass, failure, or nothing (architecture §6)."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Wording(StrEnum):
    FULL = "full"
    CONSTANT = "constant_text"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One mail as it came in. `addressed_to` are its To and Cc addresses, `firm_addresses` every
    mailbox of the firm; `answered_after` is set when it answers an automatic mail of ours,
    `calendar_method` when a part of it is text/calendar."""

    headers: Headers
    from_address: str
    envelope_from: str
    addressed_to: frozenset[str]
    firm_addresses: frozenset[str]
    authentication: Authentication
    answered_after: timedelta | None = None
    calendar_method: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What may be said; `rule` is set exactly when it is nothing."""

    wording: Wording
    rule: Rule | None = None


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When the acknowledgment leaves; `joins` means that one already waiting covers this too."""

    at: datetime
    joins: bool = False


def may_acknowledge(
    arrival: Arrival | None,
    *,
    address_on_file: str | None,
    address_shared: bool,
    automatic_today: int,
    daily_cap: int = DAILY_CAP,
) -> Verdict:
    """The verdict for one message; without an arrival it came by the portal, under a token.

    `automatic_today` counts the automatic mails already sent to that address today.
    """
    rule = _about_the_address(address_on_file, address_shared)
    if rule is None and arrival is not None:
        rule = arrival_rule(arrival)
    if rule is None and automatic_today >= daily_cap:
        rule = Rule.DAILY_CAP
    if rule is not None:
        return Verdict(wording=Wording.NOTHING, rule=rule)
    if arrival is not None and arrival.authentication is Authentication.UNKNOWN:
        return Verdict(wording=Wording.CONSTANT)
    return Verdict(wording=Wording.FULL)


def arrival_rule(arrival: Arrival) -> Rule | None:
    """The first rule of facts §3 that this mail breaks; it depends on the mail alone."""
    return (
        automatic_rule(
            arrival.headers,
            envelope_from=arrival.envelope_from,
            from_address=arrival.from_address,
            answered_after=arrival.answered_after,
            calendar_method=arrival.calendar_method,
        )
        or _courtesy_rule(arrival.headers)
        or _about_the_parties(arrival)
    )


def is_automatic(
    headers: Headers,
    *,
    envelope_from: str | None = None,
    from_address: str | None = None,
    answered_after: timedelta | None = None,
    calendar_method: str | None = None,
) -> bool:
    """Whether a machine wrote this: kept and shown, but it opens no clock and answers nothing."""
    rule = automatic_rule(
        headers,
        envelope_from=envelope_from,
        from_address=from_address,
        answered_after=answered_after,
        calendar_method=calendar_method,
    )
    return rule is not None


def automatic_rule(
    headers: Headers,
    *,
    envelope_from: str | None = None,
    from_address: str | None = None,
    answered_after: timedelta | None = None,
    calendar_method: str | None = None,
) -> Rule | None:
    """Which sign says that a machine wrote this. A list or bulk mark alone is no such sign: a
    client may write through a list, and that message is owed an answer all the same."""
    checks: Iterable[tuple[bool, Rule]] = (
        (envelope_from is not None and not envelope_from.strip(" <>"), Rule.NULL_ENVELOPE_SENDER),
        (any(_keyword(v) != "no" for v in _all(headers, "auto-submitted")), Rule.AUTO_SUBMITTED),
        (_says_auto_reply(headers), Rule.AUTO_REPLY_HEADER),
        (any(_is_daemon(a) for a in (envelope_from, from_address) if a), Rule.MACHINE_SENDER),
        (_is_report(headers), Rule.REPORT),
        ((calendar_method or "").lower() == "reply", Rule.CALENDAR_REPLY),
        (_is_machine_answer(headers, answered_after), Rule.MACHINE_ANSWER),
    )
    return next((rule for broken, rule in checks if broken), None)


def acknowledgment_timing(
    *,
    now: datetime,
    last_acknowledged_at: datetime | None,
    waiting_until: datetime | None,
    urgent: bool,
    grouping: timedelta = GROUPING,
) -> Timing:
    """Now, or grouped: within ten minutes of an acknowledgment in the same conversation, one more
    goes out at their end and covers all that came. An urgent message never waits for that."""
    if urgent or last_acknowledged_at is None:
        return Timing(at=now)
    if waiting_until is not None and waiting_until > now:
        return Timing(at=waiting_until, joins=True)
    return Timing(at=max(now, last_acknowledged_at + grouping))


def _about_the_address(address_on_file: str | None, shared: bool) -> Rule | None:
    if address_on_file is None:
        return Rule.NO_ADDRESS_ON_FILE
    return Rule.ADDRESS_SHARED if shared else None


def _courtesy_rule(headers: Headers) -> Rule | None:
    suppressed = {word for v in _all(headers, "x-auto-response-suppress") for word in _words(v)}
    checks: Iterable[tuple[bool, Rule]] = (
        (any(name.lower().startswith("list-") for name, _ in headers), Rule.MAILING_LIST),
        (bool(_precedence(headers) & {"bulk", "list", "junk"}), Rule.PRECEDENCE),
        (bool(suppressed & {"all", "oof", "autoreply"}), Rule.RESPONSE_SUPPRESSED),
        (bool(_all(headers, "x-loop")), Rule.LOOP_MARKER),
        (_is_marked_spam(headers), Rule.SPAM),
    )
    return next((rule for broken, rule in checks if broken), None)


def _about_the_parties(arrival: Arrival) -> Rule | None:
    ours = {_folded(address) for address in arrival.firm_addresses}
    senders = {_folded(arrival.from_address), _folded(arrival.envelope_from)}
    if senders & ours:
        return Rule.OWN_ADDRESS
    if any(_LIST_OR_NO_REPLY.fullmatch(sender.partition("@")[0]) for sender in senders):
        return Rule.MACHINE_SENDER
    if not ours & {_folded(address) for address in arrival.addressed_to}:
        return Rule.NOT_ADDRESSED_TO_US
    if arrival.authentication is Authentication.FAILED:
        return Rule.AUTHENTICATION_FAILED
    return None


_LIST_OR_NO_REPLY = re.compile(
    r"owner-.+|.+-(?:request|owner|bounces)|listserv|majordomo"
    r"|(?:do[-_.]?not|no)[-_.]?reply(?:[-_.+\d].*)?"
)
_DAEMONS = frozenset({"mailer-daemon", "postmaster"})


def _is_daemon(address: str) -> bool:
    return _folded(address).partition("@")[0] in _DAEMONS


def _is_machine_answer(headers: Headers, answered_after: timedelta | None) -> bool:
    if answered_after is None:
        return False
    marked = bool(_precedence(headers) & {"bulk", "list", "junk"})
    return marked or answered_after <= MACHINE_ANSWERS_WITHIN


def _says_auto_reply(headers: Headers) -> bool:
    if "auto_reply" in _precedence(headers):
        return True
    named = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from")
    return any(_keyword(value) != "no" for name in named for value in _all(headers, name))


def _is_report(headers: Headers) -> bool:
    """Delivery and disposition notifications and abuse reports (RFC 6522, 3464, 8098, 5965)."""
    types = {_keyword(value) for value in _all(headers, "content-type")}
    kinds = {"multipart/report", "message/delivery-status", "message/feedback-report"}
    return bool(types & (kinds | {"message/disposition-notification"}))


def _is_marked_spam(headers: Headers) -> bool:
    flags = [*_all(headers, "x-spam-flag"), *_all(headers, "x-spam-status")]
    return any(value.strip().lower().startswith("yes") for value in flags)


def _precedence(headers: Headers) -> set[str]:
    return {_keyword(value) for value in _all(headers, "precedence")}


def _all(headers: Headers, name: str) -> list[str]:
    return [value for field, value in headers if field.lower() == name]


def _keyword(value: str) -> str:
    """The first word of a field, before parameters and comments: `auto-replied; owner=x` (3834)."""
    return re.split(r"[;(\s]", value.strip().lower(), maxsplit=1)[0]


def _words(value: str) -> list[str]:
    return [word for word in re.split(r"[,;\s]+", value.lower()) if word]


def _folded(address: str) -> str:
    return address.strip(" <>").lower()
