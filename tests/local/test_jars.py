"""Nothing runs that is not, byte for byte, what the lock names."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from privity import jars

GENUINE = b"the genuine jar"
PATH = "org/example/tool/1.0/tool-1.0-slim.jar"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Maven repository on loopback; the file of the locked jar."""
    jar = tmp_path / "repository" / PATH
    jar.parent.mkdir(parents=True)
    jar.write_bytes(GENUINE)
    serve = partial(Quiet, directory=str(tmp_path / "repository"))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("PRIVITY_MAVEN_REPOSITORY", f"http://127.0.0.1:{server.server_port}/")
        yield jar
        server.shutdown()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "jars.lock"
    digest = hashlib.sha256(GENUINE).hexdigest()
    path.write_text(f"# a comment\ntool org.example:tool:1.0:slim {digest}\n")
    return path


def test_a_locked_jar_is_fetched_once(repository: Path, lock: Path, tmp_path: Path) -> None:
    told: list[str] = []
    jars.fetch(told.append, lock=lock, into=tmp_path / "jars")
    repository.unlink()
    jars.fetch(told.append, lock=lock, into=tmp_path / "jars")
    assert (tmp_path / "jars" / "tool-1.0-slim.jar").read_bytes() == GENUINE
    assert len(told) == 1


def test_other_bytes_are_refused_and_not_kept(repository: Path, lock: Path, tmp_path: Path) -> None:
    repository.write_bytes(b"something else")
    with pytest.raises(jars.JarRefused, match="is not the pinned jar"):
        jars.fetch(lock=lock, into=tmp_path / "jars")
    assert list((tmp_path / "jars").iterdir()) == []


def test_a_jar_that_was_changed_on_disk_is_fetched_again(
    repository: Path, lock: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "jars" / "tool-1.0-slim.jar"
    kept.parent.mkdir()
    kept.write_bytes(b"tampered with")
    jars.fetch(lock=lock, into=kept.parent)
    assert kept.read_bytes() == GENUINE


def test_a_repository_without_the_jar_is_told_kindly(
    repository: Path, lock: Path, tmp_path: Path
) -> None:
    repository.unlink()
    with pytest.raises(jars.JarRefused, match="could not be fetched"):
        jars.fetch(lock=lock, into=tmp_path / "jars")


def test_every_locked_jar_has_a_name_of_its_own_and_a_whole_digest() -> None:
    locked = jars.locked()
    assert len({jar.name for jar in locked}) == len(locked)
    assert {jar.server for jar in locked} == {"kafka", "greenmail", "zipkin"}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in locked)
