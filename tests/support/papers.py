"""What others' programs say of our PDFs: poppler's, which share no code with what made them."""

import shutil
import subprocess
import tempfile
from pathlib import Path


def verdict(pdf: bytes) -> str:
    """`pdfsig`'s words on the signatures in it."""
    return _said(pdf, "pdfsig")


def words(pdf: bytes) -> str:
    return _said(pdf, "pdftotext", "-")


def _said(pdf: bytes, program: str, *more: str) -> str:
    assert shutil.which(program), f"{program} is missing: apt-get install poppler-utils"
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        Path(file.name).write_bytes(pdf)
        done = subprocess.run([program, file.name, *more], capture_output=True, text=True)
    return done.stdout
