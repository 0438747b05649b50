"""What files of a bundle are called: `2026-11-22T0915Z_matter_channel_direction_subject.eml`.

Pure. Names sort by time, hold no character that a file system or a zip reader might read as
something else, and are unique within a bundle.
"""

import re
import unicodedata
from datetime import UTC, datetime

LONGEST = 60


def stem(at: datetime, matter: str | None, channel: str, direction: str, subject: str) -> str:
    """Without the ending. Times are UTC: `Z` says so."""
    parts = (slug(matter or "") or "no-matter", channel.replace("_", "-"), direction)
    words = slug(subject) or "no-subject"
    return "_".join([f"{at.astimezone(UTC):%Y-%m-%dT%H%MZ}", *parts, words])


def slug(words: str) -> str:
    """`Ré: the Vale estate` → `re-the-vale-estate`; at most sixty characters of ASCII."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST].strip("-")


def safe_file_name(name: str) -> str:
    """The sender's own name of an attachment, as far as it is harmless: no folders, no controls."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", plain.replace("\\", "/").rpartition("/")[2])
    return kept.lstrip(".-")[-100:] or "file"


def unique(name: str, taken: set[str]) -> str:
    """The name, or the first of `name-2.eml`, `name-3.eml`, … that is free; it is taken then.
    File systems that do not tell capitals apart count."""
    head, dot, ending = name.rpartition(".") if "." in name.rpartition("/")[2] else (name, "", "")
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{head}-{number}{dot}{ending}"
    taken.add(found.lower())
    return found
