"""The command `privity`: starts the local platform, and does by hand what clients and staff do."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from privity import (
    demo,
    demo_month,
    jars,
    mail,
    parked,
    platform_clock,
    status,
    terminal,
    tracing,
    up,
    verify,
)
from privity import doctor as diagnosis
from privity.errors import Trouble
from privity.keys import signing_key
from privity.places import home, wire_name
from privity.processes import NotStarted
from privity.stack import FIRM_ADDRESS, Stack
from privity.supervisor import AlreadyRunning
from privity.terminal import err, out
from privity.tokens import ROLES, STAFF, mint, mint_smtp

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
time_app = typer.Typer(no_args_is_help=True, help="The local platform's clock.")
parked_app = typer.Typer(no_args_is_help=True, help="Events that could not be handled.")
app.add_typer(time_app, name="time")
app.add_typer(parked_app, name="parked")

AsJson = Annotated[bool, typer.Option("--json", help="for scripts")]


@app.command("up")
def up_(
    detach: Annotated[bool, typer.Option(help="return when everything is ready")] = False,
    with_firm: Annotated[
        bool, typer.Option("--demo", help="add a firm with living matters")
    ] = False,
) -> None:
    """Start everything, show its status, stop it on Ctrl-C."""
    stack, began = Stack.chosen(home()), time.monotonic()
    try:
        jars.fetch(out.print)
        left = up.begin(stack)
    except AlreadyRunning:
        terminal.say_it_runs()
        return _add_firm(Stack.found(home())) if with_firm else None
    if left:
        out.print(f"An earlier run had ended without stopping; stopped {', '.join(left)}.")
    terminal.stop_on_signals(stack.home)
    terminal.show_progress(stack)
    terminal.say_what_to_open(stack, time.monotonic() - began)
    if with_firm:
        _add_firm(stack)
    if not detach:
        terminal.watch(stack)


def _add_firm(stack: Stack) -> None:
    """A firm at work, with a month behind it; the platform's clock moves through that month."""
    began = time.monotonic()
    if demo_month.played(stack) is None:
        out.print("A made-up firm plays its month; the platform's clock moves with it:")
    try:
        played = demo_month.play(stack, lambda said: terminal.say_done(said, began))
    except Trouble as trouble:
        runs_on = f"{trouble.do} The platform runs on; `make stop` ends it."
        raise Trouble(trouble.what, runs_on) from trouble
    terminal.say_what_to_look_at(stack, played, time.monotonic() - began)


@app.command("demo")
def demo_(as_json: AsJson = False) -> None:
    """One client's email through the whole platform, told as it happens; ends in a page."""
    story, page = demo.tell(home(), Console(quiet=True) if as_json else out)
    if as_json:
        _print_json(story.as_json() | {"page": str(page)})


@app.command()
def down(
    reset: Annotated[bool, typer.Option(help="forget all local state, too")] = False,
) -> None:
    """Stop what runs."""
    stopped = up.end(home())
    names = ", ".join(map(wire_name, stopped))
    out.print(f"Stopped {names}." if stopped else "Nothing was running.")
    if reset:
        up.reset(home())
        out.print(f"Forgot {home()}.")


@app.command()
def fetch() -> None:
    """Fetch the servers' jars and check them against the lock."""
    jars.fetch(out.print)


@app.command("status")
def status_(as_json: AsJson = False) -> None:
    """What runs, where, and whether it is ready."""
    report = status.report(home())
    if as_json:
        return _print_json(report)
    if report["failure"]:
        out.print(escape(report["failure"]))
    if report["phase"] == "stopped":
        return out.print("Nothing runs. Start it with `make run`.")
    out.print(status.table(home()))


@app.command()
def logs(
    service: str,
    lines: Annotated[int, typer.Option("-n", help="how many of the last")] = 100,
    follow: Annotated[bool, typer.Option("-f", help="go on as it grows")] = False,
) -> None:
    """The log of a service or server."""
    folder = home() / "logs"
    path = folder / f"{service.replace('-', '_')}.log"
    if not path.exists():
        known = ", ".join(sorted(wire_name(one.stem) for one in folder.glob("*.log"))) or "none yet"
        raise Trouble(f"There is no log of {service!r}.", f"Known: {known}.")
    subprocess.run(["tail", "-n", str(lines), *(["-F"] if follow else []), path], check=False)


@app.command()
def token(
    role: Annotated[str, typer.Option(help=", ".join(ROLES))] = "",
    email: Annotated[str, typer.Option(help="act as this person")] = "",
    client: Annotated[str, typer.Option(help="the client's id, for the role client")] = "",
    smtp: Annotated[bool, typer.Option("--smtp", help="a password for mail submission")] = False,
) -> None:
    """Print a bearer token of the local issuer, or a password for mail submission."""
    stack = Stack.found(home())
    if "OIDC_ISSUER" in stack.given:
        raise Trouble("Tokens come from your own OIDC_ISSUER.", "Ask it for one.")
    key = signing_key(stack.key("issuer"))
    if smtp:
        if not email:
            raise Trouble("Whose password?", "Add --email, a staff member's address.")
        local = email.partition("@")[0]
        return print(mint_smtp(key, stack.issuer, email, role or _role_called(local)))
    if role not in ROLES:
        what = f"{role} is not one of the roles." if role else "A token of which role?"
        raise Trouble(what, f"--role {' | '.join(ROLES)}")
    if role == "client" and not client:
        raise Trouble("Which client?", "Add --client with the id of a client (POST /v1/clients).")
    print(mint(key, stack.issuer, role, email=email or None, client_id=client or None))


@app.command("mail")
def mail_(
    text: str,
    sender: Annotated[str, typer.Option("--from", help="who writes, such as ann@clients.test")],
    to: Annotated[str, typer.Option(help="another address of the firm")] = FIRM_ADDRESS,
    subject: str = "A question",
    urgent: bool = False,
    in_reply_to: Annotated[str | None, typer.Option(help="a Message-ID, with its brackets")] = None,
    attach: Annotated[list[Path] | None, typer.Option(exists=True, dir_okay=False)] = None,
) -> None:
    """Send a client's mail to the firm."""
    stack = Stack.found(home())
    letter = mail.Letter(sender, to, subject, text, urgent, in_reply_to, tuple(attach or ()))
    message = mail.compose(letter)
    said = mail.send(stack, message)
    out.print(f"{said}\nMessage-ID: {message['Message-ID']}", markup=False)
    out.print(f"The like with curl:\n  {mail.curl(stack, letter, message)}", markup=False)
    if kept := re.search(r"[0-9a-f-]{36}", said):
        out.print(f"Follow it: {terminal.COMMAND} trace {kept[0]}")


@app.command()
def inbox(
    address: str,
    limit: Annotated[int, typer.Option("-n", help="how many of the newest")] = 20,
    as_json: AsJson = False,
) -> None:
    """Read a local mailbox, newest first."""
    mails = mail.inbox(Stack.found(home()), address)[:limit]
    if as_json:
        return _print_json([one.as_json() for one in mails])
    if not mails:
        out.print(f"The mailbox of {address} is empty.")
        out.print("Only clients whom the firm knows are answered; others wait in triage.")
    for one in mails:
        terminal.show_mail(one)


@app.command()
def trace(message_id: str) -> None:
    """The way of a message through all services."""
    stack = Stack.found(home())
    spans = tracing.find(stack, message_id)
    for line in tracing.lines(spans):
        out.print(line, markup=False)
    out.print(f"\nThe same as a picture: {tracing.page(stack, spans)}")


@app.command("verify")
def verify_(
    target: Annotated[str, typer.Argument(help="a log's address, or an exported bundle")],
    key: Annotated[str | None, typer.Option(help="its verifier key; known of the own log")] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="the verifier key of one who must have cosigned it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a log or a bundle; ends with 1 on any doubt."""
    own = status.addresses(Stack.found(home()))["record"]
    key = own["key"] if key is None and target.rstrip("/") == own["url"] else key
    report = verify.verify(target, key=key, state=home() / "verified", witnesses=witness or ())
    if as_json:
        _print_json(report.as_json())
    else:
        terminal.show_report(report)
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """What is wrong, and what to do."""
    found = list(diagnosis.findings(Stack.found(home())))
    for one in found:
        out.print("[green]✓[/]" if one.well else "[red]✗[/]", escape(one.what))
        if one.do:
            out.print("  →", escape(one.do))
    if not all(one.well for one in found):
        raise typer.Exit(1)


@time_app.command()
def advance(duration: Annotated[str, typer.Argument(help="ISO 8601, such as PT48H")]) -> None:
    """Move the local platform's clock forward."""
    stack = Stack.found(home())
    stack.home.mkdir(parents=True, exist_ok=True)
    now = platform_clock.advance(stack.clock_offset, duration)
    out.print(f"The platform's clock says {now:%Y-%m-%dT%H:%M:%SZ} from now on.")


@parked_app.command("list")
def parked_list(as_json: AsJson = False) -> None:
    """Events that wait, of all services."""
    items = parked.waiting(Stack.found(home()))
    if as_json:
        return _print_json(items)
    if not items:
        return out.print("Nothing is parked.")
    shown = Table("service", "event", "type", "why", box=None, header_style="bold")
    for item in items:
        said = (str(item.get(name, "")) for name in ("service", "event_id", "type", "error"))
        shown.add_row(*(escape(word) for word in said))
    out.print(shown)


@parked_app.command("show")
def parked_show(event_id: str) -> None:
    """One of them, with its error."""
    _print_json(parked.show(Stack.found(home()), event_id))


@parked_app.command("replay")
def parked_replay(event_id: str) -> None:
    """Handle it and the later ones of its key again, in order."""
    out.print(f"Replayed {parked.replay(Stack.found(home()), event_id)} events.")


def main() -> None:
    """Ends with 1 and a sentence when something is wrong, with 130 on Ctrl-C."""
    try:
        app()
    except Trouble as trouble:
        err.print(f"[red]✗[/] {escape(trouble.what)}\n  → {escape(trouble.do)}")
        sys.exit(1)
    except (jars.JarRefused, NotStarted) as error:
        err.print(f"[red]✗[/] {escape(str(error))}")
        sys.exit(1)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))


def _role_called(name: str) -> str:
    return name if name in STAFF else "attorney"
