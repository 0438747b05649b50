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


def page(template: str, *, status: int = 200, **given: Any) -> HTMLResponse:
    shown = {"problem": None, "news": None} | given
    content = _environment().get_template(template).render(shown)
    return HTMLResponse(content, status, headers=HEADERS)


def style() -> str:
    return (files("intake.pages") / "html" / "style.css").read_text()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("intake.pages", "html"), autoescape=True, undefined=StrictUndefined
    )
