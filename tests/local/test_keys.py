"""Secrets are made once, stay the same, and are nobody else's."""

from pathlib import Path

from audit.checkpoints import signer_of
from privity.keys import key_file, password, verifier_key


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = key_file(tmp_path / "keys", "kek").read_bytes()
    path = key_file(tmp_path / "keys", "kek")
    assert path.read_bytes() == first
    assert len(first) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_each_role_has_its_own_password_that_stays(tmp_path: Path) -> None:
    assert password(tmp_path, "matters") == password(tmp_path, "matters")
    assert password(tmp_path, "matters") != password(tmp_path, "audit")


def test_the_verifier_key_is_the_one_the_log_signs_with(tmp_path: Path) -> None:
    path = key_file(tmp_path, "audit-signing")
    signer = signer_of("localhost/privity", path.read_bytes())
    assert verifier_key(path, "localhost/privity") == signer.verifier
