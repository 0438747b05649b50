"""What the log remembers outside its database: its last checkpoint. A database that was put back in
time does not put that back with it."""

import os
from pathlib import Path

from audit.checkpoints import BadNote, Checkpoint, Signer


def read_checkpoint(path: Path, signer: Signer) -> Checkpoint | None:
    """None when there is no such file; raises BadNote when it is not what this log wrote."""
    try:
        note = path.read_text()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise BadNote(f"{path} is not text") from error
    return signer.open(note)


def write_checkpoint(path: Path, note: str) -> None:
    """Replaces the file as a whole, durably: a crash leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with fresh.open("x") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
