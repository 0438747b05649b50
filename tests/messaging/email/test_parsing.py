"""Any bytes are read without an exception, alike each time, with bounded work."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.email.html import MAX_HTML
from messaging.email.mime import MAX_PARTS
from messaging.email.parsing import BODY_LIMIT, SUBJECT_LIMIT, Address, octets_of, parse
from support.work import calls


def mail(*lines: str, body: str = "Hello") -> bytes:
    return "\r\n".join([*lines, "", body]).encode("utf-8", "surrogateescape")


def test_an_ordinary_mail_is_read() -> None:
    read = parse(
        mail(
            'From: "Doe, Jane" <Jane@Clients.test>',
            "To: office@firm.test, =?utf-8?q?Z=C3=B6e?= <zoe@firm.test>",
            "Cc: b@x.test",
            "Subject: =?utf-8?b?w5xiZXI=?= the lease",
            "Date: Tue, 14 Jul 2026 10:00:00 -0400",
            "Message-ID: <1@clients.test>",
            "In-Reply-To: <0@firm.test>",
            "References: <a@firm.test>",
            " <0@firm.test>",
            "Importance: high",
            "Auto-Submitted: no",
        )
    )
    assert read.sender == Address("jane@clients.test", "Doe, Jane")
    assert [a.address for a in read.to] == ["office@firm.test", "zoe@firm.test"]
    assert read.to[1].name == "Zöe"
    assert read.cc == (Address("b@x.test"),)
    assert read.subject == "Über the lease"
    assert read.date is not None
    assert read.date.isoformat() == "2026-07-14T14:00:00+00:00"
    assert read.message_id == "<1@clients.test>"
    assert read.in_reply_to == "<0@firm.test>"
    assert read.references == ("<a@firm.test>", "<0@firm.test>")
    assert read.urgent
    assert read.header("auto-submitted") == "no"
    assert (read.text, read.html, read.defects) == ("Hello", "", ())


@pytest.mark.parametrize("header", ["X-Priority: 1 (Highest)", "Priority: urgent"])
def test_the_sender_calls_it_urgent(header: str) -> None:
    assert parse(mail(header)).urgent


@pytest.mark.parametrize("header", ["X-Priority: 3", "Importance: low", "Priority: non-urgent"])
def test_an_ordinary_priority_is_not_urgent(header: str) -> None:
    assert not parse(mail(header)).urgent


def built() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "jane@clients.test"
    message["Subject"] = "papers"
    message.set_content("See the papers.\n\nOn 1 Jul 2026, Firm wrote:\n> what papers?\n")
    message.add_alternative("<p>See the <b>papers</b>.</p>", subtype="html")
    message.add_attachment(b"\x00\x01 pdf", maintype="application", subtype="pdf", filename="a.pdf")
    message.add_attachment("Zwölf", filename="zwölf.txt")
    return message


def test_attachments_are_views_into_the_original() -> None:
    raw = built().as_bytes(policy=SMTP)
    read = parse(raw)
    assert [(a.name, a.media_type, a.size) for a in read.attachments] == [
        ("a.pdf", "application/pdf", 6),
        ("zwölf.txt", "text/plain", 8),
    ]
    assert octets_of(raw, read.attachments[0].index) == b"\x00\x01 pdf"
    assert octets_of(raw, read.attachments[1].index).decode().strip() == "Zwölf"
    with pytest.raises(KeyError):
        octets_of(raw, 99)


def test_the_plain_text_is_preferred_and_the_quoted_history_trimmed_apart() -> None:
    read = parse(built().as_bytes(policy=SMTP))
    assert read.text.startswith("See the papers.\n\nOn 1 Jul 2026")
    assert read.reply == "See the papers."
    assert read.html == "<p>See the <b>papers</b>.</p>\n"


def test_html_alone_becomes_text_and_a_harmless_copy() -> None:
    html = (
        "<html><head><title>T</title><style>p{}</style></head><body onload='x()'>"
        "<script>alert(1)</script><p style='color:red' onclick=x>Dear&nbsp;firm,<br>see "
        "<a href='javascript:x'>this</a> and <a href='https://a.test/'>that</a></p>"
        "<img src='https://tracker.test/pixel.gif'><iframe src='//e.test'></iframe>"
        "<form action='//e.test'><input value=v></form>&lt;b&gt;</body></html>"
    )
    read = parse(mail("From: a@b.test", "Content-Type: text/html; charset=utf-8", body=html))
    assert read.text == "Dear firm,\nsee this and that\n<b>"
    for gone in ("script", "style", "onclick", "onload", "img", "iframe", "tracker", "javascript"):
        assert gone not in read.html
    assert 'href="https://a.test/" rel="noopener noreferrer nofollow"' in read.html


@pytest.mark.parametrize(
    ("headers", "defect"),
    [
        ([], "no-from"),
        (["From: undisclosed"], "ambiguous-from"),
        (["From: a@b.test, c@d.test"], "ambiguous-from"),
        (["From: a@b.test", "From: c@d.test"], "ambiguous-from"),
        (["From: alice@firm.test <eve@evil.test>"], "ambiguous-from"),
        (["From: <alice@firm.test>(<eve@evil.test>"], "ambiguous-from"),
        (["From: " + "(" * 5000], "unreadable-address"),
    ],
)
def test_a_mail_that_names_no_one_sender_has_none(headers: list[str], defect: str) -> None:
    read = parse(mail(*headers))
    assert read.sender is None
    assert defect in read.defects


def test_an_address_in_a_quoted_name_is_only_a_name() -> None:
    read = parse(mail('From: "eve@evil.test" <jane@clients.test>'))
    assert read.sender == Address("jane@clients.test", "eve@evil.test")


@pytest.mark.parametrize("value", ["yesterday", "Tue, 99 Foo 2026", "1 Jan 99999 00:00"])
def test_a_wrong_date_is_no_date(value: str) -> None:
    read = parse(mail(f"Date: {value}"))
    assert read.date is None
    assert "unreadable-date" in read.defects


def test_missing_date_and_message_id_are_noted() -> None:
    read = parse(mail("From: a@b.test"))
    assert {"no-date", "no-message-id"} <= set(read.defects)


def test_nothing_decoded_from_a_header_breaks_a_line() -> None:
    read = parse(
        mail(
            "From: =?utf-8?q?x=0D=0ABcc=3A_e=40evil.test?= <a@b.test>",
            "Subject: =?utf-8?b?aGkNCkJjYzogZUBldmlsLnRlc3Q=?=",
            "Message-ID: <a@b.test> <c@d.test>",
        )
    )
    assert read.subject == "hi Bcc: e@evil.test"
    assert read.sender == Address("a@b.test", "x Bcc: e@evil.test")
    assert read.message_id == "<a@b.test>"
    assert "several-message-ids" in read.defects


@pytest.mark.parametrize("charset", ["klingon", "punycode", "hex", "a" * 99, "unicode_escape"])
def test_an_unknown_charset_is_read_as_best_it_can(charset: str) -> None:
    raw = mail(f"Content-Type: text/plain; charset={charset}", body="Grüße")
    read = parse(raw)
    assert read.text == "Grüße"
    assert "unknown-charset" in read.defects


def test_undecodable_bytes_and_nul_are_shown_as_replaced() -> None:
    raw = mail("Content-Type: text/plain; charset=utf-8") + b" \xff\x81\x00!"
    read = parse(raw)
    assert read.text == "Hello ÿ\ufffd\ufffd!"
    assert {"undecodable-text", "nul"} <= set(read.defects)


def test_raw_utf8_in_headers_is_read() -> None:
    assert parse(mail("Subject: Grüße")).subject == "Grüße"


def test_a_mail_without_an_end_of_the_header_is_kept() -> None:
    read = parse(b"From: a@b.test\r\nthis is not a header\r\nnor this")
    assert read.text == "this is not a header\nnor this"
    assert "no-empty-line-after-header" in read.defects


def test_a_multipart_without_a_closing_delimiter_keeps_its_parts() -> None:
    body = "--b\r\n\r\none\r\n--b\r\nContent-Type: application/x; name=../../etc/passwd\r\n\r\ntwo"
    read = parse(mail("Content-Type: multipart/mixed; boundary=b", body=body))
    assert read.text == "one"
    assert [a.name for a in read.attachments] == [".._.._etc_passwd"]
    assert "multipart-not-closed" in read.defects


@pytest.mark.parametrize("content_type", ["multipart/mixed", "multipart/mixed; boundary=absent"])
def test_a_multipart_without_parts_is_kept_as_one(content_type: str) -> None:
    read = parse(mail(f"Content-Type: {content_type}"))
    assert "multipart-without-parts" in read.defects
    assert [a.size for a in read.attachments] == [5]


def test_an_attached_mail_stays_an_attachment() -> None:
    outer = EmailMessage()
    outer["From"] = "a@b.test"
    outer.set_content("forwarded")
    outer.add_attachment(built())
    read = parse(outer.as_bytes(policy=SMTP))
    assert [a.media_type for a in read.attachments] == ["message/rfc822"]
    assert read.text.strip() == "forwarded"


def test_damaged_base64_is_read_as_far_as_it_goes() -> None:
    raw = mail("Content-Transfer-Encoding: base64", body="SGVs\r\nbG8*gd29ybGQ")
    read = parse(raw)
    assert read.text == "Hello world"
    assert "damaged-base64" in read.defects


def nested(depth: int) -> bytes:
    lines = ["From: a@b.test"]
    for n in range(depth):
        lines += [f"Content-Type: multipart/mixed; boundary=b{n}", "", f"--b{n}"]
    return "\r\n".join([*lines, "", "deep"]).encode()


def with_attachment(lines: int) -> bytes:
    return (
        mail("Content-Type: multipart/mixed; boundary=b", body="--b\r\n\r\nsee\r\n")
        + b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + (b"QUJD" * 19 + b"\r\n") * lines
        + b"--b--\r\n"
    )


HTML = b"Content-Type: text/html\r\n\r\n"
HOSTILE = {  # how often it is repeated, and the mail with so many
    "a 30 MB attachment": (526_316, with_attachment),
    "levels": (10_000, nested),
    "delimiters": (
        1_000_000,
        lambda n: mail("Content-Type: multipart/mixed; boundary=b") + b"\n--b" * n,
    ),
    "headers": (1_000_000, lambda n: b"a: b\r\n" * n),
    "encoded words": (700_000, lambda n: b"Subject: " + b"=?utf-8?q?a?= " * n),
    "semicolons": (
        1_000_000,
        lambda n: b"Content-Type: text/plain" + b";" * n + b"\r\n\r\nx",
    ),
    "addresses": (500_000, lambda n: b"From: " + b"a@b.test, " * n + b"\r\n\r\nx"),
    "deep html": (1_000_000, lambda n: HTML + b"<div>" * n),
    "open tags": (5_000_000, lambda n: HTML + b"<" * n),
    "comments": (1_000_000, lambda n: HTML + b"<!--" * n),
    "empty lines": (5_000_000, lambda n: b"\r\n" * n),
    "attributions": (200_000, lambda n: b"\r\n" + b"On 1 x wrote:\r\n> q\r\n" * n + b"mine"),
    "half headers": (500_000, lambda n: b"\r\n" + b"From: x\r\n" * n),
    "quotes": (1_000_000, lambda n: b"From: " + b'"' * n + b"\r\n\r\nx"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_read_from_a_hostile_mail_is_bounded(name: str) -> None:
    count, build = HOSTILE[name]
    read = parse(build(count))
    assert max(len(read.text), len(read.reply)) <= BODY_LIMIT
    assert len(read.html) <= 5 * MAX_HTML  # each character may be escaped: &amp;
    assert len(read.subject) <= SUBJECT_LIMIT
    assert len(read.attachments) <= MAX_PARTS
    assert len(read.defects) <= MAX_PARTS


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_as_hostile_a_mail_is_at_most_twice_the_work(name: str) -> None:
    _, build = HOSTILE[name]
    once, twice = (calls(parse, build(count)) for count in (3_000, 6_000))
    assert twice < 2.2 * once + 500


def test_a_30_mb_attachment_keeps_its_size() -> None:
    (attachment,) = parse(with_attachment(526_316)).attachments
    assert attachment.size == 526_316 * 57


PIECES = (
    *(b"From: ", b"To: ", b"Date: ", b"Message-ID: ", b"References: ", b"Subject: ", b"<a@b.test>"),
    *(b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"--b--\r\n", b"\r\n\r\n"),
    *(b"Content-Type: text/html; charset=", b"Content-Type: text/plain; charset*0*=x''%ff;"),
    *(b"Content-Transfer-Encoding: base64\r\n", b"Content-Disposition: attachment; filename*="),
    *(b"=?utf-8?b?", b"?=", b"+2AA-", b"utf-7", b"unicode_escape", b"<div>", b"\x00", b"\xff"),
    *(b"(", b'"', b" \\", b"\r\n", b"\n", b"\r"),
)
TOKENS = st.sampled_from(PIECES)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=2000), st.lists(TOKENS | st.binary(max_size=6)).map(b"".join)))
def test_any_bytes_are_read_without_an_exception_and_alike_each_time(raw: bytes) -> None:
    read = parse(raw)
    assert read == parse(raw)
    shown = (read.text, read.reply, read.html, read.subject, *(a.name for a in read.attachments))
    assert all("\x00" not in text and text.encode() is not None for text in shown)
    assert not set("\r\n") & set(read.subject)
    for attachment in read.attachments:
        assert len(octets_of(raw, attachment.index)) == attachment.size


@settings(deadline=None, max_examples=50)
@given(
    st.text(
        st.characters(
            codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\x00"
        )
    ),
    st.lists(st.binary(max_size=300), max_size=4),
)
def test_what_the_standard_library_wrote_is_read_back(text: str, files: list[bytes]) -> None:
    message = EmailMessage()
    message["From"] = "a@b.test"
    message.set_content(text)
    message.add_alternative("<p>x</p>", subtype="html")
    for n, octets in enumerate(files):
        message.add_attachment(octets, maintype="image", subtype="png", filename=f"{n}.png")
    raw = message.as_bytes(policy=SMTP)
    read = parse(raw)
    if text.strip():
        assert read.text.rstrip("\n") == text.rstrip("\n")
    assert [octets_of(raw, a.index) for a in read.attachments] == files
