"""What runs, where it is, and whether it is ready: for people as a table, for scripts as JSON."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.table import Table

from privity import state
from privity.keys import signing_key, verifier_key
from privity.places import SERVICES, wire_name
from privity.processes import answers_http, is_the_same, resident_bytes
from privity.stack import FIRM_ADDRESS, MAILBOX_PASSWORD, ORIGIN, Stack
from privity.state import PartState, State
from privity.tokens import mint_smtp

ATTORNEY = "attorney@firm.test"


def report(home: Path) -> dict[str, Any]:
    """The object of `status --json` (interface.md); it has the same shape when nothing runs."""
    stack, running = Stack.found(home), state.read(home)
    services = service_reports(stack, running)
    supervised = running is not None and running.supervised()
    ready = supervised and running.phase == "ready" if running else False
    return {
        "ready": ready and all(service["ready"] for service in services),
        "phase": running.phase if running and supervised else "stopped",
        "failure": running.failure if running else None,
        **addresses(stack),
        "services": services,
    }


def addresses(stack: Stack) -> dict[str, Any]:
    ports, own_mail = stack.ports, "SMTP_URL" not in stack.given
    mailbox = {
        "imap": ports.address("imap"),
        "smtp": ports.address("smtp"),
        "domain": "clients.test",
        "password": MAILBOX_PASSWORD,
    }
    return {
        "gateway": ports.url("gateway"),
        "console": None,
        "tracing": stack.tracing,
        "issuer": stack.issuer,
        "smtp_in": ports.address("smtp_in"),
        "firm_address": FIRM_ADDRESS,
        "smtp_submission": submission(stack),
        "mailbox": mailbox if own_mail else None,
        "database_url": stack.database_url,
        "kafka": stack.kafka,
        "record": {
            "url": f"{ports.url('gateway')}/v1/record/log",
            "key": verifier_key(stack.key("audit-signing"), ORIGIN),
        },
    }


def submission(stack: Stack) -> dict[str, str]:
    password = mint_smtp(signing_key(stack.key("issuer")), stack.issuer, ATTORNEY)
    return {"user": ATTORNEY, "password": password}


def service_reports(stack: Stack, running: State | None) -> list[dict[str, Any]]:
    parts = {part.name: part for part in running.parts} if running else {}
    with ThreadPoolExecutor(len(SERVICES)) as threads:
        return list(threads.map(lambda name: _service(stack, name, parts.get(name)), SERVICES))


def _service(stack: Stack, name: str, part: PartState | None) -> dict[str, Any]:
    alive = part is not None and is_the_same(part.pid, part.started)
    url = stack.ports.url(name)
    return {
        "name": wire_name(name),
        "url": url,
        "pid": part.pid if part and alive else None,
        "ready": alive and answers_http(f"{url}/readyz"),
        "restarts": part.restarts if part else 0,
    }


def table(home: Path) -> Table:
    """One line for each process that runs."""
    running = state.read(home)
    stack = Stack.found(home)
    shown = Table("part", "address", "pid", "memory", "state", box=None, header_style="bold")
    reports = {one["name"]: one for one in service_reports(stack, running)}
    for part in running.parts if running else []:
        shown.add_row(*_row(stack, part, reports))
    return shown


def _row(stack: Stack, part: PartState, reports: dict[str, dict[str, Any]]) -> Sequence[str]:
    alive = is_the_same(part.pid, part.started)
    name = wire_name(part.name)
    well = reports[name]["ready"] if name in reports else alive
    words = "[green]ready[/]" if well else "[yellow]not ready[/]" if alive else "[red]down[/]"
    if part.restarts:
        words += f" (started again {part.restarts} ×)"
    memory = f"{resident_bytes(part.pid) / 2**20:.0f} MiB"
    return name, _address(stack, part.name), str(part.pid), memory, words


def _address(stack: Stack, name: str) -> str:
    port = {"zipkin": "tracing", "greenmail": "imap", "mailboxes": "smtp"}.get(name, name)
    return stack.ports.address(port)
