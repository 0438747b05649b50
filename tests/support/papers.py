"""What others' programs say of our PDFs: poppler's, which share no code with what made them."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path


def verdict(pdf: bytes) -> str:
    """`pdfsig`'s words on the signatures in it."""
    return _said(pdf, "pdfsig")


def words(pdf: bytes) -> str:
    return _said(pdf, "pdftotext", "-")


def right_edge(pdf: bytes) -> float:
    """How far to the right words go, as a part of the page's width."""
    said = _said(pdf, "pdftotext", "-bbox", "-")
    (width, *_), ends = (re.findall(rf'{name}="([0-9.]+)"', said) for name in ("width", "xMax"))
    return max(float(end) for end in ends) / float(width)


def _said(pdf: bytes, program: str, *more: str) -> str:
    assert shutil.which(program), f"{program} is missing: apt-get install poppler-utils"
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        Path(file.name).write_bytes(pdf)
        done = subprocess.run([program, file.name, *more], capture_output=True, text=True)
    return done.stdout
