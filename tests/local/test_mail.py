"""`privity mail` and `inbox` do what a client's mail program would."""

import shlex
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from privity.errors import Trouble
from privity.mail import Letter, compose, curl, inbox, send
from privity.places import Ports
from privity.servers import free_port
from privity.stack import Stack

LETTER = Letter("Ann <ann@clients.test>", "office@firm.test", "Lease", 'Is "it" signed? Ünd $x')


def test_a_mailbox_exists_before_its_first_mail(mail_server: Stack) -> None:
    assert inbox(mail_server, "nobody-wrote-yet@clients.test") == []


def test_what_was_sent_is_in_the_mailbox_newest_first(mail_server: Stack) -> None:
    for subject in ("first", "second"):
        letter = Letter("ann@clients.test", "bob@firm.test", subject, "Grüße\nAnn")
        assert send(mail_server, compose(letter)).startswith("250")
    mails = inbox(mail_server, "bob@firm.test")
    assert [mail.subject for mail in mails] == ["second", "first"]
    assert mails[0].text == "Grüße\nAnn"
    assert mails[0].message_id.endswith("@clients.test>")


def test_an_answer_an_urgency_and_a_file_are_in_the_mail(tmp_path: Path) -> None:
    lease = tmp_path / "lease.pdf"
    lease.write_bytes(b"%PDF-1.7")
    message = compose(
        Letter("ann@clients.test", "office@firm.test", "Lease", "Here", True, "<1@x>", (lease,))
    )
    sent = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert (sent["In-Reply-To"], sent["References"]) == ("<1@x>", "<1@x>")
    assert sent["Importance"] == "high"
    attached = next(iter(sent.iter_attachments()))
    assert (attached.get_filename(), attached.get_content()) == ("lease.pdf", b"%PDF-1.7")


def test_the_curl_line_survives_a_shell(mail_server: Stack) -> None:
    message = compose(LETTER)
    words = shlex.split(curl(mail_server, LETTER, message))
    assert words[:3] == ["curl", "-sS", f"smtp://{mail_server.ports.address('smtp_in')}"]
    assert words[words.index("--mail-from") + 1] == "ann@clients.test"
    assert '="Is \\"it\\" signed? Ünd $x";type=text/plain;charset=utf-8' in words
    assert message["Message-ID"] not in words  # a mail of its own, not a second copy


def test_a_server_that_is_away_is_told_kindly(tmp_path: Path) -> None:
    nowhere = Stack(tmp_path, Ports(smtp_in=free_port(), imap=free_port()), {})
    with pytest.raises(Trouble, match="did not take the mail"):
        send(nowhere, compose(LETTER))
    with pytest.raises(Trouble, match="did not show the mailbox"):
        inbox(nowhere, "ann@clients.test")
