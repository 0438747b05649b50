"""From facts to a PDF. Facts reach a template as data only, so nothing in a name or a narrative can
become markup; fonts are typst's own and the date is given, so the same facts give the same
bytes."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import typst

_FOLDER = Path(__file__).parent / "templates"


def typeset(template: str, facts: Mapping[str, Any], at: datetime) -> bytes:
    """The PDF of `templates/<template>.typ`; it reads `facts` as `data`."""
    compiled: bytes = typst.compile(
        _source(template),
        sys_inputs={"data": orjson.dumps(facts).decode()},
        ignore_system_fonts=True,
        timestamp=at.replace(microsecond=0),
    )
    return compiled


@cache
def _source(template: str) -> bytes:
    """The firm's letter, then what this document adds."""
    return (_FOLDER / "letter.typ").read_bytes() + (_FOLDER / f"{template}.typ").read_bytes()
