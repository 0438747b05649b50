"""The Java servers come as jars by coordinates, each pinned by its SHA-256 in jars.lock.

What `class_path` names has the locked bytes; jars live outside the checkout, so that a second clone
fetches nothing. They come from Maven's public repository, or from `PRIVITY_MAVEN_REPOSITORY`.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).with_name("jars.lock")


class JarRefused(Exception):
    """A jar could not be had, or its bytes are not the locked ones."""


@dataclass(frozen=True)
class Jar:
    """One line of jars.lock: `SERVER GROUP:ARTIFACT:VERSION[:CLASSIFIER] SHA256`."""

    server: str
    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def name(self) -> str:
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"


def locked(lock: Path = LOCK) -> list[Jar]:
    lines = (line.split() for line in lock.read_text().splitlines() if not line.startswith("#"))
    return [_jar(*line) for line in lines if line]


def cache() -> Path:
    """Where jars are kept for every checkout of this user (`PRIVITY_CACHE` moves it)."""
    home = os.environ.get("PRIVITY_CACHE") or Path.home() / ".cache" / "privity"
    return Path(home) / "jars"


def class_path(server: str) -> str:
    """The class path of one server; `fetch` has run."""
    return os.pathsep.join(str(cache() / jar.name) for jar in locked() if jar.server == server)


def fetch(
    tell: Callable[[str], None] = lambda _: None, *, lock: Path = LOCK, into: Path | None = None
) -> None:
    """Fetch what is missing and check every jar against the lock.

    Safe to run from several processes at once. Raises JarRefused.
    """
    folder = into or cache()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in locked(lock) if not _is_whole(folder / jar.name, jar)]
    if missing:
        tell(f"fetching {len(missing)} jars (once) into {folder}")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda jar: _fetch_one(jar, folder), missing))


def _fetch_one(jar: Jar, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as scratch:
        got = _download(jar, Path(scratch))
        if not _is_whole(got, jar):
            raise JarRefused(
                f"{jar.name} is not the pinned jar: sha256 {_sha256(got)}, locked {jar.sha256}.\n"
                "What serves jars here (a mirror? a proxy?) gave other bytes; nothing was kept."
            )
        # A crash before this line leaves only a scratch folder; after it, a whole jar.
        got.replace(folder / jar.name)


def _download(jar: Jar, scratch: Path) -> Path:
    from jgo.maven import MavenContext  # here: it is a third of the start of every command

    mirror = os.environ.get("PRIVITY_MAVEN_REPOSITORY")
    remotes = {"mirror": mirror.rstrip("/")} if mirror else None
    maven = MavenContext(repo_cache=scratch, remote_repos=remotes, timeout=60)
    component = maven.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        return Path(component.artifact(classifier=jar.classifier).resolve())
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise JarRefused(
            f"{jar.name} could not be fetched: {error}.\n"
            "Check the network (and HTTPS_PROXY), then run `make setup` again."
        ) from error


def _is_whole(path: Path, jar: Jar) -> bool:
    return path.exists() and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _jar(server: str, coordinates: str, sha256: str) -> Jar:
    group, artifact, version, *classifier = coordinates.split(":")
    return Jar(server, group, artifact, version, "".join(classifier), sha256)
