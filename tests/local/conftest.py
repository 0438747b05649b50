"""What the tests of the local platform share: a state folder of their own, and one mail server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from privity import servers
from privity.places import Ports
from privity.stack import Stack


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `.privity` of a checkout of its own."""
    for name in ("PRIVITY_PORT_BASE", "DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "SMTP_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PRIVITY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform of which only GreenMail runs; its SMTP stands where smtp_in would listen."""
    home = tmp_path_factory.mktemp("mail")
    smtp, imap = servers.free_port(), servers.free_port()
    server = servers.start_greenmail(
        home / "greenmail.log", smtp=smtp, imap=imap, api=servers.free_port()
    )
    yield Stack(home, Ports(smtp=smtp, smtp_in=smtp, imap=imap), {})
    server.stop()
