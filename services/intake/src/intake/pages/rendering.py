"""HTML from our own templates, everything in it escaped; headers that let a page do nothing
else."""

from functools import cache
from importlib.resources import files
from math import inf
from time import monotonic
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

import intake.directory.queries as directory
from shared.db import Database

REMEMBERED_SECONDS = 5.0

# The address of a page is half of a secret: it is not sent on, kept in a cache or framed.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

# Only our own file, and only where something is sent that a form cannot carry.
WITH_SCRIPTS = HEADERS | {
    "Content-Security-Policy": (
        f"{HEADERS['Content-Security-Policy']}; script-src 'self'; connect-src 'self'"
    )
}


class FirmName:
    """What stands above each page, asked for at most every few seconds: also who is refused gets a
    page, and a flood of them must not become a flood of queries."""

    def __init__(self) -> None:
        self._asked_at, self._name = -inf, ""

    async def read(self, db: Database) -> str:
        if monotonic() - self._asked_at > REMEMBERED_SECONDS:
            async with db.transaction() as session:
                self._name = await directory.firm_name(session)
            self._asked_at = monotonic()
        return self._name


def page(template: str, *, status: int = 200, scripts: bool = False, **given: Any) -> HTMLResponse:
    shown = {"problem": None, "news": None} | given
    content = _environment().get_template(template).render(shown)
    return HTMLResponse(content, status, headers=WITH_SCRIPTS if scripts else HEADERS)


def served(name: str) -> str:
    """A file that pages fetch beside themselves."""
    return (files("intake.pages") / "html" / name).read_text()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("intake.pages", "html"), autoescape=True, undefined=StrictUndefined
    )
