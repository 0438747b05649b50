"""What was seen of each log before: its last checkpoint and the key that signed it."""

import json
from hashlib import sha256
from pathlib import Path

from privity.verify.notes import Checkpoint, Verifier, open_checkpoint, parse_key
from privity.verify.report import Doubt


def remembered(
    state: Path | None, origin: str, key: str, verifier: Verifier, newest: bytes
) -> Checkpoint | None:
    """The last checkpoint seen of this origin. Another key under the same name is a doubt, unless
    the `newest` checkpoint is signed by the key seen before, too: that is how a key is changed."""
    if state is None or not (file := _memory(state, origin)).exists():
        return None
    try:
        kept = json.loads(file.read_bytes())
        kept_key, note = kept["key"], kept["note"].encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Doubt(f"What was remembered of {origin} in {file} cannot be read.") from None
    if kept_key == key:
        return open_checkpoint(note, verifier)
    before = parse_key(kept_key)
    try:
        open_checkpoint(newest, before)
    except Doubt:
        raise Doubt(
            f"{origin} was seen with another key before, remembered in {file}, and that key does"
            " not sign it any more."
        ) from None
    return open_checkpoint(note, before)


def remember(state: Path, origin: str, key: str, note: bytes) -> None:
    """The whole note is kept: should the log ever contradict it, both signatures are evidence."""
    file = _memory(state, origin)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"key": key, "note": note.decode()}, ensure_ascii=False))
    fresh.replace(file)


def _memory(state: Path, origin: str) -> Path:
    return state / f"checkpoint-{sha256(origin.encode()).hexdigest()[:16]}.json"
