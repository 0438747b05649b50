"""What `privity` shows: progress, what to open, the live table, a mail."""

import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.live import Live
from rich.markup import escape

from privity import seed, state, status, up
from privity.demo_month import Played
from privity.mail import Mail
from privity.places import home, wire_name
from privity.stack import Stack
from privity.verify import Report

COMMAND = ".venv/bin/privity"

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say_it_runs() -> None:
    out.print("It is running already.")
    out.print(status.table(home()))
    out.print(f"Stop it with `make stop`; `{COMMAND} status --json` has all addresses.")


def stop_on_signals(folder: Path) -> None:
    """From now on, whatever ends this command stops the platform first."""

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        out.print("\nStopping …")
        up.end(folder)
        out.print("Stopped.")
        sys.exit(0)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def show_progress(stack: Stack, console: Console = out) -> None:
    began, seen = time.monotonic(), set[str]()
    with console.status("starting …") as line:

        def tell(now: state.State) -> None:
            running = {part.name for part in now.parts} - set(now.doing)
            for name in sorted(running - seen):
                console.print(
                    f"[green]✓[/] {wire_name(name):<12} {time.monotonic() - began:5.1f} s"
                )
            seen.update(running)
            line.update(f"starting {', '.join(map(wire_name, now.doing))} …")

        up.follow(stack.home, tell)


def say_what_to_open(stack: Stack, seconds: float) -> None:
    found = status.addresses(stack)
    out.print(f"""
[bold]Privity is ready[/] after {seconds:.1f} s.

  API        {found["gateway"]}/openapi.json   (token: {COMMAND} token --role partner)
  Traces     {found["tracing"]}
  Record     {found["record"]["url"]}/checkpoint
  Mail in    {found["smtp_in"]}  for {found["firm_address"]}; every *@clients.test has a mailbox

Try it as a client would:
  {COMMAND} mail --from {seed.CLIENT["email"]} "May I sign the contract before Friday?"
  {COMMAND} inbox {seed.CLIENT["email"]}     the acknowledgment
  {COMMAND} inbox {status.ATTORNEY}     what the lawyer is told
Or see the whole story told:  {COMMAND} demo
""")


def say_done(what: str, began: float) -> None:
    out.print(f"[green]✓[/] {escape(what)}  ({time.monotonic() - began:.0f} s)")


def say_what_to_look_at(stack: Stack, played: Played, seconds: float) -> None:
    silent = f"{status.addresses(stack)['gateway']}/v1/matters/{played.matters[0].matter_id}"
    lead = "[bold]The demo firm is at work[/], a month behind it"
    out.print(f"\n{lead} ({seconds:.0f} s). Worth a look:\n")
    for one in played.matters:
        out.print(f"  {one.number}  {one.why}", markup=False)
    out.print("""
One call says what a client was told, when, by whom, what they are owed next and why:
""")
    for line in (
        f"token=$({COMMAND} token --role partner)",
        f'curl -s -H "Authorization: Bearer $token" {silent}/standing',
    ):
        out.print(f"  {line}", markup=False)
    out.print("")


def watch(stack: Stack) -> None:
    """The live table, until a signal comes or somebody else stops the platform."""
    if not out.is_terminal:
        while state.read(stack.home):
            time.sleep(0.5)
        return
    with Live(status.table(stack.home), console=out, transient=True) as live:
        while state.read(stack.home):
            live.update(status.table(stack.home))
            time.sleep(1)


def show_report(report: Report) -> None:
    for sentence in report.proved:
        out.print("[green]✓[/]", escape(sentence))
    for sentence in report.doubts:
        out.print("[red]✗[/]", escape(sentence))


def show_mail(one: Mail) -> None:
    out.print(f"[bold]{escape(one.subject)}[/]")
    out.print(f"from {one.sender} · {one.date} · {one.message_id}", markup=False, style="dim")
    for name in one.attachments:
        out.print(f"attached: {name}", markup=False, style="dim")
    out.print(f"\n{one.text}\n", markup=False)
