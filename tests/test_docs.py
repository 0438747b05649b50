"""The map cannot lie: what the documents name exists, and what exists is named."""

import importlib
import re
from pathlib import Path

import pytest

from shared.contracts import CONTRACTS, Event
from shared.handlers import Handlers
from shared.settings import Settings
from support.services import settings_of

ROOT = Path(__file__).parents[1]
SERVICES = ("gateway", "matters", "messaging", "sla-monitor", "billing", "audit", "intake")
CLASSES = {one.__name__: one for one in CONTRACTS.values()}
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def readme(service: str) -> str:
    return (ROOT / "services" / service / "README.md").read_text()


def named_events(text: str) -> set[str]:
    return {word for word in re.findall(r"`(\w+)`", text) if word in CLASSES}


def section(text: str, name: str) -> str:
    """From the bold word to the next bold word at the beginning of a sentence or line."""
    found = re.search(rf"\*\*{name}\*\*(.*?)(?=\*\*[A-Z]|\Z)", text, re.DOTALL)
    assert found, f"the README has no **{name}**"
    return found.group(1)


def handlers_of(service: str) -> set[str]:
    module = importlib.import_module(f"{service.replace('-', '_')}.app")
    handlers = Handlers()
    for one in vars(module).values():
        if isinstance(one, Handlers):
            handlers.include(one)
        elif isinstance(getattr(one, "handlers", None), Handlers):
            handlers.include(one.handlers)
    return {name.split(".")[2] for name in handlers.types}


def owned(service: str) -> dict[str, type[Event]]:
    return {name: one for name, one in CLASSES.items() if one.owner == service}


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_of_a_service_says_what_it_tells(service: str) -> None:
    platform = {name for name, one in CLASSES.items() if one.owner == "platform"}
    assert named_events(section(readme(service), "Tells")) - platform == set(owned(service))


@pytest.mark.parametrize("service", ["messaging", "sla-monitor", "billing", "intake"])
def test_the_readme_of_a_service_says_what_it_listens_to(service: str) -> None:
    assert named_events(section(readme(service), "Listens to")) == handlers_of(service)


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_of_a_service_names_each_setting_of_its_own(service: str) -> None:
    own = settings_of(service)
    inherited = set(Settings.model_fields)
    names = {name.upper() for name in own.model_fields if name not in inherited}
    missing = {name for name in names if name not in readme(service)}
    assert not missing


@pytest.mark.parametrize("page", ["docs/protocol.md", "docs/security.md"])
def test_every_test_that_a_document_names_exists(page: str) -> None:
    named = NAMED_TEST.findall((ROOT / page).read_text())
    assert named
    for path, name in named:
        source = (ROOT / path).read_text()
        assert f"def {name}(" in source, f"{page} names {path}::{name}"


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("services/*/README.md")],
    ids=str,
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_make_help_names_every_target_of_the_interface() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("run", "test", "setup", "stop", "reset", "demo", "bench", "help"):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
