"""In which order a local platform starts: servers, then what services find there, then services.

Everything within a stage starts together; stopping goes the other way.
"""

import socket
import sys
from collections.abc import Mapping
from functools import partial

from privity import seed, servers
from privity.clients import client
from privity.errors import Trouble
from privity.places import HOST, SERVICES
from privity.processes import Program, answers_http, environment, run
from privity.stack import WITH_DATABASE, Stack
from privity.supervisor import Part, Stage, Step

COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}  # whoever set it: compiling anew doubles each start
UVICORN = ("--no-access-log", "--loop", "uvloop", "--http", "httptools")


def stages(stack: Stack) -> list[Stage]:
    return [
        _servers(stack),
        [Step("databases and topics", partial(_prepare, stack))],
        [Part(name, partial(_service, stack, name)) for name in SERVICES],
        [Step("firm and staff", partial(_seed, stack))],
    ]


def _servers(stack: Stack) -> Stage:
    """Those whose address was not given."""
    home, ports = stack.home, stack.ports
    password = stack.password("postgres")
    database = partial(servers.postgres, home / "postgres", ports.postgres, password)
    broker = partial(servers.kafka, home / "kafka", ports.kafka, ports.kafka_controller)
    parts = [
        ("DATABASE_URL", Part("postgres", database)),
        ("KAFKA_BOOTSTRAP_SERVERS", Part("kafka", broker)),
        ("SMTP_URL", Part("greenmail", partial(servers.greenmail, ports.imap, ports.mail_api))),
        ("SMTP_URL", Part("mailboxes", partial(servers.mailboxes, ports.smtp, ports.imap))),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", Part("zipkin", partial(servers.zipkin, ports.tracing))),
        ("OIDC_ISSUER", Part("issuer", partial(_issuer, stack))),
    ]
    return [part for variable, part in parts if variable not in stack.given]


def _issuer(stack: Stack) -> Program:
    told = {
        "PRIVITY_PROFILE": "local",
        "OIDC_ISSUER": stack.issuer,
        "ISSUER_KEY_FILE": str(stack.key("issuer")),
    }
    return _python("issuer", "privity.issuer", stack.ports.issuer, told)


def _service(stack: Stack, name: str) -> Program:
    port, told = getattr(stack.ports, name), stack.environment_of(name)
    if name == "gateway":  # it is the edge: nobody before it says truly from where a call comes
        told["FORWARDED_ALLOW_IPS"] = ""
    return _python(name, f"{name}.app", port, told)


def _python(name: str, module: str, port: int, told: Mapping[str, str]) -> Program:
    uvicorn = [sys.executable, "-m", "uvicorn", f"{module}:create_app", "--factory"]
    return Program(
        name,
        [*uvicorn, "--host", HOST, "--port", str(port), *UVICORN],
        lambda: answers_http(f"http://{HOST}:{port}/readyz"),
        {**told, **COMPILED},
    )


def _prepare(stack: Stack) -> None:
    command = [sys.executable, "-m", "shared.prepare", *WITH_DATABASE]
    run(command, told=environment(stack.environment_to_prepare() | COMPILED))


def _seed(stack: Stack) -> None:
    with client(stack, "gateway", "partner") as http:
        seed.plant(http)


def require_free_ports(stack: Stack) -> None:
    """Raises Trouble: a part could not listen, and a stranger would be taken for it."""
    taken = [f"{name} {port}" for name, port in vars(stack.ports).items() if not _is_free(port)]
    if taken:
        raise Trouble(
            f"These ports are taken by other programs: {', '.join(taken)}.",
            "Stop what listens there, or start with PRIVITY_PORT_BASE=20000, which moves all"
            " ports (one moves alone with PRIVITY_<NAME>_PORT). Stay below 32768: anybody's own"
            " connections take the higher ones, and keep them for a minute.",
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
