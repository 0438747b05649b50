"""The verifier that others wrote: Tessera's fsck and client, in Go (tests/audit/stranger)."""

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "audit" / "stranger"


def built(folder: Path) -> str:
    """The Go program; without Go, or without the way to its modules, the test says so."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go here: the verifier that others wrote was not asked")
    program = str(folder / "stranger-bin")
    made = subprocess.run(
        ["go", "build", "-o", program, "."], cwd=SOURCE, capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"Go could not build it (no way to its modules?): {made.stderr[-300:]}")
    return program
