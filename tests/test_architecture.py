"""The shape of the tree: what import contracts cannot say."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MACHINERY = {
    "accesses", "app", "auth", "clock", "consumer", "db", "errors", "handlers", "housekeeping",
    "idempotency", "ids", "inbox", "kafka", "keyring", "leavers", "operations", "outbox", "pages",
    "parking", "policy", "prepare", "relay", "revisions", "runtime", "sealing", "settings",
    "telemetry", "values",
}  # fmt: skip
DRAWERS = {"utils", "util", "helpers", "common", "base", "misc", "manager", "kit", "core"}


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def sources() -> Iterator[Path]:
    yield from (path for path in tracked("*.py") if "src" in path.parts)


def test_a_module_of_the_machinery_is_added_by_a_conversation() -> None:
    """Three services need it, it knows no business word, it has one duty: then add it here."""
    found = {path.stem for path in (ROOT / "shared/src/shared").glob("*.py")} - {"__init__"}
    assert found == MACHINERY


def test_no_file_is_a_drawer() -> None:
    assert not [path for path in sources() if path.stem in DRAWERS]


def test_every_module_says_what_it_promises() -> None:
    silent = [path for path in sources() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_nothing_in_the_tree_names_a_machine_or_a_registry() -> None:
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "maven" + ".org", "registry.npmjs" + ".org"]
    places = ["/" + name + "/" for name in ("work", "farm", "root")]
    for path in tracked("*"):
        if path.suffix in {".png", ".pdf"}:
            continue
        text = path.read_text(errors="replace")
        for word in hosts + places:
            assert word not in text, f"{path} has {word}"


def test_only_the_door_commits() -> None:
    """`Database.transaction` is the one place: a commit elsewhere would split a transaction."""
    allowed = {ROOT / "shared/src/shared/db.py", ROOT / "shared/src/shared/consumer.py"}
    for path in sources():
        if path in allowed or "privity" in path.parts:
            continue
        assert ".commit()" not in path.read_text(), path


def test_imports_go_one_way() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
