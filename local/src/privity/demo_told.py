"""The story on a terminal: chapters, letters, rows. 80 columns, and as clear without colour."""

import textwrap
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console

WIDTH = 78
PAUSE = 0.8


class Teller:
    """Writes to `console`, pausing at each chapter where a person reads along."""

    def __init__(self, console: Console, began: float) -> None:
        self._console, self._began = console, began
        self._chapters, self._blank = 0, True

    def chapter(self, title: str) -> None:
        if self._chapters and self._console.is_terminal and not self._console.quiet:
            time.sleep(PAUSE)
        self._chapters += 1
        seconds = f" {time.monotonic() - self._began:.0f} s"
        head = f"── {self._chapters}  {title} "
        self._print("")
        self._print(head + "─" * (WIDTH - len(head) - len(seconds)) + seconds, style="bold cyan")

    def say(self, *sentences: str) -> None:
        for sentence in sentences:
            for line in textwrap.wrap(sentence, WIDTH, break_long_words=False):
                self._print(line)

    def quote(self, text: str, subject: str) -> None:
        """A mail as its reader sees it, behind a bar."""
        self._print("")
        for line in textwrap.wrap(subject, WIDTH - 4):
            self._print(f"  │ {line}", style="bold")
        for line in ["", *text.strip().splitlines()]:
            for piece in _wrapped(line) or [""]:
                self._print(f"  │ {piece}".rstrip())
        self._print("")

    def rows(self, *rows: tuple[str, str], width: int = 20) -> None:
        for name, said in rows:
            first, *rest = textwrap.wrap(said, WIDTH - width - 2, break_on_hyphens=False) or [""]
            self._console.print(f"  {name:<{width}}", end="", markup=False, style="bold")
            self._print(first)
            for line in rest:
                self._print(" " * (width + 2) + line)

    def command(self, line: str) -> None:
        self._print(f"$ {line}", style="bold")

    def proofs(self, sentences: tuple[str, ...]) -> None:
        for sentence in sentences:
            first, *rest = textwrap.wrap(sentence, WIDTH - 4)
            self._console.print("  [green]✓[/] ", end="")
            self._print(first)
            for line in rest:
                self._print(f"    {line}")

    def _print(self, line: str, style: str | None = None) -> None:
        if line or not self._blank:
            self._console.print(line, markup=False, style=style)
        self._blank = not line


def spoken(instant: str, zone: str = "UTC", *, seconds: bool = False) -> str:
    """Day and time where somebody is: `Tue 24 Nov 06:00 (Berlin)`, or to the second, without."""
    local = datetime.fromisoformat(instant).astimezone(ZoneInfo(zone))
    return f"{local:%a %d %b %H:%M:%S}" if seconds else f"{local:%a %d %b %H:%M} ({place(zone)})"


def place(zone: str) -> str:
    """What people call an IANA zone: `New York`."""
    return zone.rpartition("/")[2].replace("_", " ")


def _wrapped(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip(" >"))]
    return textwrap.wrap(
        line,
        WIDTH - 4,
        subsequent_indent=indent if ">" in indent else indent + "  " * bool(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
