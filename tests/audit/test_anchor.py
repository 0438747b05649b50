"""The checkpoint outside: replaced as a whole, and believed only when this log signed it."""

import os
from pathlib import Path

import pytest

from audit import anchor
from audit.checkpoints import BadNote, Checkpoint, signer_of

HEAD = Checkpoint("a.example", 3, bytes(32))
SIGNER = signer_of(HEAD.origin, bytes(range(32)))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "made" / "on the way" / "checkpoint"
    assert anchor.read_checkpoint(file, SIGNER) is None
    for size in (3, 4):
        head = Checkpoint(HEAD.origin, size, HEAD.root)
        anchor.write_checkpoint(file, SIGNER.sign(head.text))
        assert anchor.read_checkpoint(file, SIGNER) == head
    assert os.listdir(file.parent) == ["checkpoint"]


def test_what_another_key_or_another_log_signed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    for stranger in (signer_of(HEAD.origin, bytes(32)), signer_of("b.example", bytes(range(32)))):
        text = Checkpoint(stranger.name, 3, HEAD.root).text
        anchor.write_checkpoint(file, stranger.sign(text))
        with pytest.raises(BadNote):
            anchor.read_checkpoint(file, SIGNER)
