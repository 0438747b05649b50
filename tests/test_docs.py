"""The map cannot lie: what the documents name exists, and what exists is named."""

import importlib
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from fastapi import APIRouter

from shared.contracts import CONTRACTS, Event
from shared.handlers import Handlers
from shared.settings import Settings
from support.services import settings_of

ROOT = Path(__file__).parents[1]
SERVICES = ("gateway", "matters", "messaging", "sla-monitor", "billing", "audit", "intake")
CLASSES = {one.__name__: one for one in CONTRACTS.values()}
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md")]
# They stay for the release before, and go with the next.
GOING = {"matter_contacts"}


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


@pytest.mark.parametrize("service", ["matters", "messaging", "sla-monitor", "billing", "intake"])
def test_the_readme_of_a_service_says_what_it_listens_to(service: str) -> None:
    assert named_events(section(readme(service), "Listens to")) == handlers_of(service)


@pytest.mark.parametrize("service", ["matters", "messaging", "sla-monitor", "billing", "intake"])
def test_the_architecture_says_whom_a_service_hears(service: str) -> None:
    table = (ROOT / "docs/architecture.md").read_text()
    row = next(line for line in table.splitlines() if line.startswith(f"| [{service}]"))
    owners = {CLASSES[name].owner for name in handlers_of(service)} - {"platform"}
    assert set(re.findall(r"[\w-]+", row.split("|")[3])) == owners


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_of_a_service_names_each_setting_of_its_own(service: str) -> None:
    own = settings_of(service)
    inherited = set(Settings.model_fields)
    names = {name.upper() for name in own.model_fields if name not in inherited}
    missing = {name for name in names if name not in readme(service)}
    assert not missing


@cache
def routes() -> set[str]:
    """The paths of all services and every beginning of them, parameters as `{}`."""
    for service in SERVICES:
        importlib.import_module(f"{service.replace('-', '_')}.app")
    packages = {service.replace("-", "_") for service in SERVICES} | {"shared"}
    found = set()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in packages:
            routers = [one for one in vars(module).values() if isinstance(one, APIRouter)]
            found |= {route.path for router in routers for route in router.routes}
    whole = [re.sub(r"\{[^}]*\}", "{}", path).split("/") for path in found]
    return {"/".join(parts[:length]) for parts in whole for length in range(2, len(parts) + 1)}


def named_routes(text: str) -> set[str]:
    """`/v1/matters/{id}/{team,parties}` are two; what trails off in `…` is not asked for."""
    named = re.findall(r"/v1/[\w\-/{},.]*(?![\w\-/{},.…])", text)
    return {path for one in named for path in alternatives(one.rstrip(".,/"))}


def alternatives(path: str) -> list[str]:
    found = re.search(r"\{([^{}]*,[^{}]*)\}", path)
    if found is None:
        return [re.sub(r"\{[^}]*\}", "{}", path)]
    before, after = path[: found.start()], path[found.end() :]
    return [whole for one in found[1].split(",") for whole in alternatives(before + one + after)]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_route_that_a_document_names_exists(page: Path) -> None:
    assert named_routes(page.read_text()) <= routes()


@pytest.mark.parametrize("service", [one for one in SERVICES if one != "gateway"])
def test_the_readme_of_a_service_names_the_tables_that_there_are(service: str) -> None:
    changes = ROOT.glob(f"services/{service}/migrations/versions/*.py")
    made = "\n".join(path.read_text() for path in changes)
    named = set(re.findall(r"`(\w+)`", section(readme(service), "Tables").partition("\n\n")[0]))
    assert named
    assert {one for one in named if not re.search(rf"\b{one}\b", made)} == set()
    gone = set(re.findall(r"DROP TABLE (\w+)", made)) | GOING
    assert set(re.findall(r"CREATE TABLE (\w+)", made)) - gone <= named


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_setting_that_a_document_names_exists(page: Path) -> None:
    known = {name.upper() for one in SERVICES for name in settings_of(one).model_fields}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", page.read_text()))
    assert {one for one in named - known if one not in programs()} == set()


@cache
def programs() -> str:
    """What is read from the environment elsewhere than in settings."""
    sources = [*ROOT.glob("local/src/**/*.py"), ROOT / "Makefile", ROOT / "Dockerfile"]
    return "\n".join(path.read_text() for path in sources)


@pytest.mark.parametrize("page", ["docs/protocol.md", "docs/security.md"])
def test_every_test_that_a_document_names_exists(page: str) -> None:
    named = NAMED_TEST.findall((ROOT / page).read_text())
    assert named
    for path, name in named:
        source = (ROOT / path).read_text()
        assert f"def {name}(" in source, f"{page} names {path}::{name}"


@pytest.mark.parametrize("page", PAGES, ids=str)
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
