"""Whose mail it is: no quoted id, number or token lets in who does not belong."""

from uuid import UUID

import pytest

from messaging.email.parsing import ParsedMail, parse
from messaging.email.threading import (
    Because,
    Begin,
    Facts,
    Join,
    Matter,
    Quarantine,
    StaffReply,
    Thread,
    anchors,
    normal_subject,
    whose,
)

JANE, OTHER = UUID(int=1), UUID(int=2)
LEASE, WILL = UUID(int=11), UUID(int=12)
THREAD = Thread(UUID(int=21), JANE, LEASE, "The lease")
FOREIGN = Thread(UUID(int=22), OTHER, WILL, "The will")
KNOWN = {"<1@x>": THREAD, "<2@x>": FOREIGN}
NUMBERED = {"M-2026-0001": Matter(LEASE, [JANE]), "M-2026-0002": Matter(WILL, [OTHER])}


def mail(*headers: str, sender: str = "jane@clients.test") -> ParsedMail:
    return parse("\r\n".join([f"From: {sender}", *headers, "", "x"]).encode())


def jane(**more: object) -> Facts:
    return Facts(**{"clients": (JANE,), "threads": KNOWN, "numbered": NUMBERED, **more})  # type: ignore[arg-type]


def test_in_reply_to_joins_even_under_another_subject() -> None:
    read = mail("In-Reply-To: <1@x>", "Subject: something else")
    assert whose(read, jane()) == Join(JANE, THREAD)


def test_references_join_under_the_same_subject_newest_first() -> None:
    newer = Thread(UUID(int=23), JANE, None, "The lease")
    read = mail("References: <1@x> <3@x>", "Subject: AW: Re[2]: the  LEASE")
    assert whose(read, jane(threads={**KNOWN, "<3@x>": newer})) == Join(JANE, newer)


def test_references_alone_under_another_subject_are_a_new_topic() -> None:
    read = mail("References: <1@x>", "Subject: My will")
    assert whose(read, jane(open_matters=[LEASE])) == Begin(JANE, LEASE)


def test_a_subject_alone_never_joins() -> None:
    assert whose(mail("Subject: Re: The lease"), jane()) == Begin(JANE, None)


def test_a_known_sender_quoting_another_clients_thread_does_not_join_it() -> None:
    read = mail("In-Reply-To: <2@x>", "References: <1@x> <2@x>", "Subject: Re: The lease")
    assert whose(read, jane()) == Join(JANE, THREAD)
    assert whose(mail("In-Reply-To: <2@x>"), jane()) == Begin(JANE, None)


def test_a_matter_number_files_only_what_comes_from_its_client() -> None:
    both = [LEASE, UUID(int=13)]
    own = mail("Subject: about m-2026-0001!")
    foreign = mail("Subject: about M-2026-0002")
    assert whose(own, jane(open_matters=both)) == Begin(JANE, LEASE)
    assert whose(foreign, jane(open_matters=both)) == Begin(JANE, None)
    assert whose(mail("Subject: M-2026-00011"), jane(open_matters=both)) == Begin(JANE, None)


@pytest.mark.parametrize(("count", "matter"), [(0, None), (1, LEASE), (2, None)])
def test_without_a_thread_the_one_open_matter_counts(count: int, matter: UUID | None) -> None:
    assert whose(mail(), jane(open_matters=[LEASE, WILL][:count])) == Begin(JANE, matter)


def test_a_stranger_joins_nothing_whatever_it_quotes() -> None:
    read = mail("In-Reply-To: <1@x>", "Subject: Re: The lease M-2026-0001")
    facts = jane(clients=(), reply_to=THREAD, open_matters=[LEASE])
    assert whose(read, facts) == Quarantine(Because.UNKNOWN_SENDER)


def test_an_address_of_two_clients_is_ambiguous() -> None:
    assert whose(mail(), jane(clients=(JANE, OTHER))) == Quarantine(Because.AMBIGUOUS_SENDER)


def test_a_mail_without_a_sender_waits() -> None:
    assert whose(mail(sender=""), jane()) == Quarantine(Because.UNKNOWN_SENDER)


def test_mail_from_the_firms_own_address_counts_only_when_authenticated() -> None:
    answer = mail("In-Reply-To: <1@x>")
    unproven = jane(firms_own=True, reply_to=THREAD)
    assert whose(answer, unproven) == Quarantine(Because.STAFF_NOT_AUTHENTICATED)
    proven = jane(firms_own=True, authenticated=True, reply_to=THREAD)
    assert whose(answer, proven) == StaffReply(THREAD)
    elsewhere = jane(firms_own=True, authenticated=True)
    assert whose(answer, elsewhere) == Quarantine(Because.REPLY_NOT_AUTHENTICATED)


def test_anchors_are_in_reply_to_then_references_newest_to_oldest() -> None:
    read = mail("In-Reply-To: <b@x>", "References: <a@x> <b@x> <c@x>")
    assert anchors(read) == ("<b@x>", "<c@x>", "<a@x>")


@pytest.mark.parametrize(
    "subject",
    ["Re: a b", "AW: WG: a  b", "Fwd: RE[3]: A b", "[EXT] SV: a b", "Auto: Re : a b", "a b"],
)
def test_a_subject_is_compared_without_what_programs_put_before_it(subject: str) -> None:
    assert normal_subject(subject) == "a b"
