"""The command line: what scripts read, and what people are told when something is wrong."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from typer.testing import CliRunner

from privity import doctor
from privity.cli import app
from privity.errors import Trouble
from privity.stack import Stack

pytestmark = pytest.mark.usefixtures("home")


def run(*words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def status() -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run("status", "--json"))
    return report


def test_status_has_its_shape_when_nothing_runs() -> None:
    report = status()
    assert report["ready"] is False
    assert report["gateway"] == "http://127.0.0.1:8080"
    assert report["console"] is None
    assert report["mailbox"].keys() == {"imap", "smtp", "domain", "password"}
    assert report["record"]["key"].startswith("localhost/privity+")
    names = ["matters", "sla-monitor", "messaging", "billing", "audit", "intake", "gateway"]
    assert [service["name"] for service in report["services"]] == names
    assert not any(service["ready"] for service in report["services"])


def test_doctor_asks_nobody_twice_who_does_not_answer(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVITY_PORT_BASE", "40")
    *services, parked = doctor._services(Stack.chosen(home))
    assert all("it does not answer" in one.what for one in services)
    assert (parked.well, parked.what) == (True, "nothing is parked where somebody answers")


def test_the_verifier_key_stays_the_same() -> None:
    assert status()["record"] == status()["record"]


def test_a_token_is_printed_alone_so_that_scripts_can_take_it() -> None:
    claims = jwt.decode(run("token", "--role", "billing"), options={"verify_signature": False})
    assert (claims["role"], claims["aud"]) == ("billing", "privity")
    password = run("token", "--smtp", "--email", "partner@firm.test")
    claims = jwt.decode(password, options={"verify_signature": False})
    assert (claims["role"], claims["aud"]) == ("partner", "privity-smtp")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("token", "--role", "king"), "king is not one of the roles"),
        (("token", "--role", "client"), "Which client"),
        (("token", "--smtp"), "Whose password"),
        (("logs", "billing"), "no log of 'billing'"),
        (("time", "advance", "soon"), "'soon' is no duration"),
        (("parked", "list"), "does not answer"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Trouble, match=said) as told:
        run(*words)
    assert told.value.do


def test_down_with_nothing_running_says_so_and_resets(home: Path) -> None:
    status()
    assert (home / "keys").exists()
    said = run("down", "--reset")
    assert "Nothing was running" in said
    assert not home.exists()


def test_time_is_advanced_in_the_file_that_services_read(home: Path) -> None:
    run("time", "advance", "PT48H")
    assert float((home / "clock-offset").read_text()) == 48 * 3600


def test_a_service_has_one_name_for_people_whatever_its_package(home: Path) -> None:
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "sla_monitor.log").write_text("ticking\n")
    run("logs", "sla-monitor")
    with pytest.raises(Trouble) as told:
        run("logs", "nothing")
    assert told.value.do == "Known: sla-monitor."


def test_a_doubtful_record_ends_with_one_and_says_so_to_scripts() -> None:
    words = ["verify", "http://127.0.0.1:9/log", "--key", "damaged", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert json.loads(result.output)["ok"] is False
