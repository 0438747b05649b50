"""What services are told: their own addresses, never the superuser's."""

import socket
from pathlib import Path

import pytest

from privity.errors import Trouble
from privity.places import SERVICES
from privity.stack import Stack
from privity.stages import require_free_ports, stages


def test_no_service_is_told_the_superusers_address(home: Path) -> None:
    stack = Stack.chosen(home)
    for service in SERVICES:
        told = stack.environment_of(service)
        assert "DATABASE_URL" not in told
        assert not any("postgres:" in value for value in told.values())


def test_each_service_has_a_role_and_a_database_of_its_own(home: Path) -> None:
    told = Stack.chosen(home).environment_of("sla_monitor")
    own, keyring = told["SLA_MONITOR_DATABASE_URL"], told["KEYRING_DATABASE_URL"]
    assert own.startswith("postgresql://sla_monitor:")
    assert own.endswith("@127.0.0.1:15432/sla_monitor")
    assert keyring == own.removesuffix("sla_monitor") + "keyring"
    assert not [name for name in told if name.endswith("DATABASE_URL")][2:]


def test_what_runs_elsewhere_is_not_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://admin:x@db.example:5432/postgres")
    monkeypatch.setenv("SMTP_URL", "smtp://mail.example")
    stack = Stack.chosen(home)
    assert [part.name for part in stages(stack)[0]] == ["kafka", "zipkin", "issuer"]
    told = stack.environment_of("audit")
    assert told["AUDIT_DATABASE_URL"].endswith("@db.example:5432/audit")
    assert told["SMTP_URL"] == "smtp://mail.example"
    assert "admin" not in told["AUDIT_DATABASE_URL"]


def test_a_taken_port_is_named_before_anything_starts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        monkeypatch.setenv("PRIVITY_GATEWAY_PORT", str(port))
        with pytest.raises(Trouble, match=f"gateway {port}"):
            require_free_ports(Stack.chosen(home))
