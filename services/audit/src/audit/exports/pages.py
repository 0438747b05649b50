"""The readable index of a bundle, as HTML and as PDF: who, when, in which zone, what, which file.

Data reaches typst through sys.inputs and HTML through escaping: nothing that a client wrote is ever
markup. Pure but for typst.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from html import escape
from importlib.resources import files

import typst

from audit.exports.texts import About

MOST_PRINTED = 20_000
"""About 1,500 pages: nobody prints more, and typst holds them all in memory."""


@dataclass(frozen=True)
class Line:
    """One entry as people read it."""

    number: int
    local: str
    utc: str
    what: str
    way: str
    who: str
    summary: str
    text: str
    names: tuple[str, ...]
    index: int
    leaf: str


def html(about: About, lines: Sequence[Line]) -> str:
    rows = "\n".join(_row(line) for line in lines)
    title = escape(f"{about.firm}: the record of {about.subject}")
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem;
  padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border-top: 1px solid #ccc; padding: .45rem .6rem; text-align: left;
  vertical-align: top }}
code {{ font-size: .78rem; overflow-wrap: anywhere }}
pre {{ white-space: pre-wrap; margin: .3rem 0 }}
small {{ color: #555 }}
</style>
<h1>{title}</h1>
<p>{about.entries} entries of the log <code>{escape(about.origin)}</code>, {about.size} entries
long. Times are those of {escape(about.zone)}, and UTC below. <a href="READ-ME-FIRST.txt">What this
proves and what it does not, and how to check it</a>.</p>
<p>SHA-256 of entries.jsonl: <code>{about.entries_sha256}</code></p>
<table><thead><tr><th>No.<th>When<th>What<th>Files<th>Entry</thead>
<tbody>
{rows}
</tbody></table></html>
"""


def _row(line: Line) -> str:
    links = "<br>".join(f'<a href="{escape(one)}">{escape(one)}</a>' for one in line.names)
    text = f"<details><summary>words</summary><pre>{escape(line.text)}</pre></details>"
    who = f"<br><small>{escape(line.who)}</small>" if line.who else ""
    return (
        f"<tr><td>{line.number}<td>{escape(line.local)}<br><small>{escape(line.utc)}</small>"
        f"<td><b>{escape(line.what)}</b> <small>{escape(line.way)}</small>{who}"
        f"<br>{escape(line.summary)}{text if line.text else ''}"
        f"<td>{links}<td>{line.index}<br><code>{line.leaf}</code>"
    )


def pdf(about: About, lines: Sequence[Line]) -> bytes:
    """Takes a while for thousands of lines: call it beside the loop."""
    made = typst.compile(
        files("audit.exports").joinpath("index.typ").read_bytes(),
        sys_inputs={"data": json.dumps(printed(about, lines))},
        timestamp=int(about.made_at.timestamp()),
    )
    assert isinstance(made, bytes)
    return made


def printed(about: About, lines: Sequence[Line]) -> dict[str, object]:
    """What the PDF shows: of a very long record its first lines, and how many more there are."""
    told = {name: str(value) for name, value in asdict(about).items()}
    told["made_at"] = f"{about.made_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return {
        "about": told,
        "lines": [asdict(line) for line in lines[:MOST_PRINTED]],
        "left_out": max(0, len(lines) - MOST_PRINTED),
    }
