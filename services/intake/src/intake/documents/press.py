"""Data in, PDF out, by typst. A layout is ours and fixed; what people wrote reaches it as data and
can never become markup. Names in any script and direction find a font."""

import os
import tempfile
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import cvttf_NotoSansCJK_Regular
import orjson
import pymupdf_fonts
import typst

Layout = Literal["agreement", "evidence", "letter"]

_FACES = ("figo", "figbo", "figit")  # FiraGO: Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, …
_one_at_a_time = Lock()


def print_pdf(layout: Layout, data: dict[str, Any], made_at: datetime) -> bytes:
    """The same data and instant give the same octets. Blocks for some tens of milliseconds: call it
    in a thread."""
    with _one_at_a_time:
        pdf = _compiler(layout).compile(
            format="pdf",
            sys_inputs={"data": orjson.dumps(data).decode()},
            timestamp=int(made_at.timestamp()),
        )
    assert isinstance(pdf, bytes), "one document, not a list of pages"
    return pdf


@cache
def _compiler(layout: Layout) -> typst.Compiler:
    """Reads fonts and layouts once; its root holds nothing else, so nothing else can be read."""
    folder = files("intake.documents") / "layouts"
    root = Path(str(folder))
    return typst.Compiler(root / f"{layout}.typ", root=root, font_paths=_fonts())


@cache
def _fonts() -> typst.Fonts:
    """The wheel keeps its faces as data; typst wants files."""
    folder = Path(tempfile.mkdtemp(prefix="intake-fonts-"))
    for face in _FACES:
        (folder / f"{face}.ttf").write_bytes(pymupdf_fonts.myfont(face))
    han = os.path.dirname(str(cvttf_NotoSansCJK_Regular.__file__))
    return typst.Fonts(include_system_fonts=False, font_paths=[str(folder), han])
