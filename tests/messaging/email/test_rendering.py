"""The octets of a mail: the same every time, legal for every reader, and closed to whoever puts
line ends, encoded words or markup into a name, a subject or a Message-ID."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.email.rendering import (
    Block,
    Mail,
    Mailbox,
    Quoted,
    Rows,
    UnusableAddress,
    html_text,
    plain_text,
    render,
    usable_address,
)

AT = datetime(2026, 7, 13, 16, 30, tzinfo=UTC)
FIELDS = {"from", "to", "subject", "date", "message-id", "mime-version", "content-language"}
CONTENT = {"content-type", "content-transfer-encoding"}


def rendered(
    *,
    name: str = "Clara Client",
    address: str = "clara@clients.test",
    subject: str = "Hello",
    thread: tuple[str, ...] = (),
    blocks: tuple[Block, ...] = ("Hello.",),
    with_html: bool = False,
) -> Mail:
    return render(
        message_id="<1@firm.test>",
        date=AT,
        sender=Mailbox(name="Reyes & Holt LLP", address="office@firm.test"),
        to=Mailbox(name=name, address=address),
        reply_to=None,
        subject=subject,
        thread=thread,
        automatic=None,
        envelope_from="",
        blocks=blocks,
        with_html=with_html,
    )


def parsed(mail: Mail) -> EmailMessage:
    message = message_from_bytes(mail.data.replace(b"\r\n", b"\n"), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def check_is_legal(mail: Mail) -> None:
    lines = mail.data.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", mail.data)
    head = mail.data.partition(b"\r\n\r\n")[0]
    assert all(c < 128 for c in head)


@given(name=st.text(), subject=st.text(), text=st.text())
def test_no_name_subject_or_text_becomes_a_header(name: str, subject: str, text: str) -> None:
    mail = rendered(name=name, subject=subject, blocks=(text,))
    check_is_legal(mail)
    assert {field.lower() for field in parsed(mail)} == FIELDS | CONTENT


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\u2028", "\x00", "\x85"])
def test_a_line_end_in_a_name_or_subject_is_only_a_space(end: str) -> None:
    attack = f"Clara{end}Bcc: victim@other.test{end}{end}body"
    message = parsed(rendered(name=attack, subject=attack))
    assert message["Bcc"] is None
    assert message["Subject"] == "Clara Bcc: victim@other.test body"
    assert message["To"].addresses[0].display_name == "Clara Bcc: victim@other.test body"
    assert message["To"].addresses[0].addr_spec == "clara@clients.test"


PRINTED = st.characters(codec="utf-8", exclude_categories=["C", "Z"])


@given(st.text(alphabet=PRINTED, min_size=1, max_size=10))
def test_any_name_arrives_as_it_is_written(name: str) -> None:
    (one,) = parsed(rendered(name=name))["To"].addresses
    assert (one.display_name, one.addr_spec) == (name, "clara@clients.test")


def test_a_long_name_is_folded_and_a_longer_one_is_cut() -> None:
    """Read with the older parser: the newer puts spaces between encoded words (cpython 92081)."""
    head = rendered(name="Jürgen " * 30).data.decode()
    folded = head.partition("To: ")[2].partition("\r\n <clara")[0]
    assert all(len(line) <= 76 for line in folded.split("\r\n"))
    name = str(make_header(decode_header(folded)))
    assert name == ("Jürgen " * 30)[:119] + "…"


@pytest.mark.parametrize(
    "name", ['Clara "CC" O\\Hara', "=?utf-8?q?Ana_Ruiz?=", "Müller, Jürgen", "林 美玲", "a@b.test"]
)
def test_a_difficult_name_stays_one_name(name: str) -> None:
    (one,) = parsed(rendered(name=name))["To"].addresses
    assert (one.display_name, one.addr_spec) == (name, "clara@clients.test")


def test_a_bidirectional_override_cannot_disguise_a_name() -> None:
    (one,) = parsed(rendered(name="Clara \u202etset.mrif\u202c"))["To"].addresses
    assert one.display_name == "Clara tset.mrif"


def test_references_are_folded_trimmed_and_keep_first_and_last() -> None:
    thread = tuple(f"<{n:03}{'x' * 60}@clients.test>" for n in range(60))
    mail = rendered(thread=thread)
    check_is_legal(mail)
    message = parsed(mail)
    kept = message["References"].split()
    assert message["In-Reply-To"] == thread[-1]
    assert (kept[0], kept[-1]) == (thread[0], thread[-1])
    assert kept[1:] == list(thread[-len(kept) + 1 :])
    assert len(" ".join(kept)) <= 998


@given(st.lists(st.text(max_size=40) | st.from_regex(r"<[a-z]{1,9}@[a-z]{1,9}>", fullmatch=True)))
def test_what_is_no_message_id_is_not_repeated(thread: list[str]) -> None:
    mail = rendered(thread=tuple(thread))
    check_is_legal(mail)
    for known in (parsed(mail)["References"] or "").split():
        assert re.fullmatch(r"<[^<>\s]+>", known)


def test_the_same_mail_gives_the_same_octets() -> None:
    assert rendered(with_html=True).data == rendered(with_html=True).data


def test_ordinary_text_travels_as_it_is_and_other_text_is_quoted_printable() -> None:
    assert b"\r\n\r\nHello.\r\n" in rendered().data
    message = parsed(rendered(blocks=("Größe: 5 €\n.\nFrom here",)))
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    assert message.get_content() == "Größe: 5 €\n.\nFrom here\n"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r")))
def test_a_text_arrives_whole(text: str) -> None:
    assert parsed(rendered(blocks=(text,))).get_payload(decode=True) == f"{text}\n".encode()


def test_both_readings_say_the_same_and_markup_is_only_text() -> None:
    blocks = (
        "Dear <b>Clara</b>,\nwrite to office@firm.test",
        Rows((("Answer & more", "<script>alert(1)</script>"),)),
        Quoted('<img src="https://spy.test/p.gif">'),
    )
    plain, html = plain_text(blocks), html_text(blocks, "<title>")
    assert "Answer & more: <script>alert(1)</script>" in plain
    assert "> <img" in plain
    assert not re.search(r"<(script|img|b)\b", html)
    assert "<title>&lt;title&gt;</title>" in html
    assert '<a href="mailto:office@firm.test">office@firm.test</a>' in html
    assert '<html lang="en">' in html


@pytest.mark.parametrize(
    "address",
    [
        "",
        "clara",
        "@clients.test",
        "clara@",
        "a b@clients.test",
        "a@clients.test>\r\nRCPT TO:<b@other.test",
        "a,b@clients.test",
        "a@b@clients.test",
        "a@-clients-.test",
        "a@clients..test",
        f"{'a' * 65}@clients.test",
    ],
)
def test_an_address_that_would_break_the_envelope_is_refused(address: str) -> None:
    with pytest.raises(UnusableAddress):
        usable_address(address)


def test_an_international_domain_is_sent_by_its_a_label_of_idna_2008() -> None:
    assert usable_address("post@straße.test") == "post@xn--strae-oqa.test"


def test_an_international_local_part_is_kept_for_smtputf8() -> None:
    mail = rendered(address="jürgen@clients.test")
    assert mail.recipient == "jürgen@clients.test"
    assert "<jürgen@clients.test>".encode() in mail.data
