"""Where a checkout keeps its state, and on which ports its parts listen.

All of it can be moved: `PRIVITY_HOME` the state, `PRIVITY_PORT_BASE` all ports together, so that
two checkouts run side by side, `PRIVITY_<NAME>_PORT` a single one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
CHECKOUT = Path(__file__).resolve().parents[3]
SERVICES = ("matters", "sla_monitor", "messaging", "billing", "audit", "intake", "gateway")


def wire_name(service: str) -> str:
    """What a service is called on the wire, in traces and by people: `sla-monitor`."""
    return service.replace("_", "-")


def home() -> Path:
    """The folder `.privity` of this checkout."""
    return Path(os.environ.get("PRIVITY_HOME") or CHECKOUT / ".privity").resolve()


@dataclass(frozen=True)
class Ports:
    """Where each part listens; with a base, base + the position in this list."""

    gateway: int = 8080
    matters: int = 8101
    sla_monitor: int = 8102
    messaging: int = 8103
    audit: int = 8104
    issuer: int = 8105
    tracing: int = 9411
    imap: int = 3143
    smtp: int = 3025
    mail_api: int = 8480
    kafka: int = 19092
    kafka_controller: int = 19093
    smtp_in: int = 2525
    postgres: int = 15432
    intake: int = 8106
    billing: int = 8107

    @classmethod
    def chosen(cls, environment: Mapping[str, str] = os.environ) -> Self:
        base = environment.get("PRIVITY_PORT_BASE")
        ports = {
            field.name: int(base) + offset if base else int(str(field.default))
            for offset, field in enumerate(fields(cls))
        }
        for name in ports:
            ports[name] = int(environment.get(f"PRIVITY_{name.upper()}_PORT") or ports[name])
        return cls(**ports)

    def address(self, name: str) -> str:
        return f"{HOST}:{getattr(self, name.replace('-', '_'))}"

    def url(self, name: str) -> str:
        return f"http://{self.address(name)}"
