"""The same facts as a page for any screen: no script, nothing fetched from anywhere, every word
escaped."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""A client's page is nobody else's to keep, frame or follow."""


def page(facts: Mapping[str, Any]) -> Response:
    """`facts` are those of the document `sections`, and `sums` to be seen first."""
    text = _environment().get_template("page.html").render({"sums": (), **facts})
    content = re.sub(r"\n\s*\n+", "\n", text)
    return Response(content, media_type="text/html; charset=utf-8", headers=HEADERS)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "html"),
        autoescape=True,
        undefined=StrictUndefined,
    )
