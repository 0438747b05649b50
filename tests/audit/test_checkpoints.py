"""Notes against Go's sumdb/note vectors and a note that sum.golang.org signed itself."""

import base64
import os

import pytest

from audit.checkpoints import (
    BadNote,
    Checkpoint,
    Signer,
    open_checkpoint,
    open_note,
    signer_of,
)

# golang.org/x/mod/sumdb/note, the package's own example.
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    f"{TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

# A tree head of the Go checksum database.
GO_VERIFIER = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_NOTE = (
    "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n"
    "— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimW"
    "EPWL+o3GeoWwOoAw=\n"
)


def new_signer(name: str) -> Signer:
    return signer_of(name, os.urandom(32))


HEAD = Checkpoint("firm.example/record", 42, bytes(range(32)))


def test_a_signed_note_is_byte_for_byte_the_one_that_go_signs() -> None:
    signer = signer_of("PeterNeumann", SEED)
    assert signer.verifier == VERIFIER
    assert signer.sign(TEXT) == NOTE


def test_a_note_that_go_signed_opens() -> None:
    assert open_note(NOTE, VERIFIER) == TEXT


def test_a_checkpoint_of_the_go_checksum_database_opens() -> None:
    head = open_checkpoint(GO_NOTE, GO_VERIFIER, "go.sum database tree")
    assert head.size == 6476701
    assert base64.b64encode(head.root) == b"mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk="


def test_a_checkpoint_is_origin_size_and_root_on_three_lines() -> None:
    expected = "firm.example/record\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert HEAD.text == expected


def test_a_checkpoint_signed_by_a_new_key_opens_with_its_verifier() -> None:
    signer = new_signer(HEAD.origin)
    note = signer.sign(HEAD.text)
    assert open_checkpoint(note, signer.verifier, HEAD.origin) == HEAD


def test_signatures_of_other_keys_are_ignored() -> None:
    ours, witness = new_signer("a.example"), new_signer("witness.example")
    note = ours.sign(TEXT) + witness.sign(TEXT).removeprefix(f"{TEXT}\n")
    assert open_note(note, ours.verifier) == TEXT
    assert open_note(note, witness.verifier) == TEXT


def test_a_key_of_the_same_name_is_not_the_key() -> None:
    with pytest.raises(BadNote, match="not signed"):
        open_note(new_signer("PeterNeumann").sign(TEXT), VERIFIER)


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("cryptography", "cryptographie"),
        NOTE.replace("x08go/ZJ", "x08go/ZK"),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("—", "-"),
        NOTE.rstrip("\n"),
        NOTE.replace("AM=", "AN="),
        NOTE.replace("problem,", "problem,\r"),
        NOTE + "\n",
        TEXT,
        "",
    ],
)
def test_a_note_changed_anywhere_does_not_open(note: str) -> None:
    with pytest.raises(BadNote):
        open_note(note, VERIFIER)


@pytest.mark.parametrize(
    "text",
    [
        "other.example\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "firm.example/record\n042\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "firm.example/record\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "firm.example/record\n42\nAAEC\n",
        "firm.example/record\n42\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_of_ours_is_refused(text: str) -> None:
    signer = new_signer(HEAD.origin)
    with pytest.raises(BadNote):
        open_checkpoint(signer.sign(text), signer.verifier, HEAD.origin)


@pytest.mark.parametrize(
    "verifier",
    [
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
    ],
)
def test_a_damaged_verifier_key_is_refused(verifier: str) -> None:
    with pytest.raises(BadNote):
        open_note(NOTE, verifier)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(BadNote):
        signer_of("a.example", SEED + b"\n")


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak"])
def test_a_name_that_would_break_a_note_is_refused(name: str) -> None:
    with pytest.raises(BadNote):
        new_signer(name)
