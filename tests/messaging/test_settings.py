"""Settings come from the environment as operators write them."""

import ipaddress
from pathlib import Path

import pytest

from messaging.settings import MessagingSettings

GIVEN = {
    "MESSAGING_DATABASE_URL": "postgresql://x",
    "KEYRING_DATABASE_URL": "postgresql://x",
    "KAFKA_BOOTSTRAP_SERVERS": "x:9092",
    "OIDC_ISSUER": "http://issuer",
    "KEK_FILE": "/kek",
    "SMTP_URL": "smtp://127.0.0.1:3025",
    "MESSAGING_REPLY_KEY_FILE": "/reply",
    "MESSAGING_MAIL_DOMAIN": "firm.test",
}


@pytest.mark.parametrize(
    ("written", "networks"),
    [
        ("127.0.0.0/8,::1/128", ["127.0.0.0/8", "::1/128"]),
        (" 10.1.2.3 ", ["10.1.2.3/32"]),
        ("", []),
    ],
)
def test_trusted_peers_are_written_with_commas(
    monkeypatch: pytest.MonkeyPatch, written: str, networks: list[str]
) -> None:
    for name, value in (GIVEN | {"MAIL_TRUSTED_PEERS": written}).items():
        monkeypatch.setenv(name, value)
    read = MessagingSettings()
    assert read.mail_trusted_peers == tuple(ipaddress.ip_network(one) for one in networks)
    assert read.messaging_reply_key_file == Path("/reply")


def test_nobody_is_trusted_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    assert MessagingSettings().mail_trusted_peers == ()
