"""Seals open only in their own place with their own key; commitments bind without telling."""

from base64 import b64decode, b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import sealing
from shared.contracts import Sealed
from shared.ids import new_id
from shared.sealing import DataKey, SealBroken

OWNER = new_id()
KEY = DataKey(OWNER, 1, bytes(range(32)))
CONTENT = new_id()
FIRST_BOX = (
    "r8zxvDV0dGrXzLUMKf4a9H5uHkpLhSvtGSN4xRolh3TXTWfojK+4NSFQoVoP"
    "LrTNzjTd3PjqelBXr4q/c5hR11nvTz6FU08Mi6bdirVj"
)
FIRST_COMMITMENT = "uQG9vMIuVlpAYNj3Qg/m901WHP5gGe8ff1PbFSXyF+U="
FIRST_DIGEST = "057f3282886720a8"


def sealed(text: bytes = b"privileged") -> Sealed:
    return sealing.seal(KEY, CONTENT, "message", "body", text)


@given(st.binary(max_size=2000))
def test_what_was_sealed_comes_back(text: bytes) -> None:
    assert sealing.unseal(KEY, sealed(text)) == text


def test_two_seals_of_one_text_have_nothing_in_common() -> None:
    one, other = sealed(), sealed()
    assert one.box != other.box
    assert one.commitment != other.commitment


@pytest.mark.parametrize(
    "change",
    [
        {"content_id": new_id()},
        {"kind": "note"},
        {"field": "subject"},
        {"commitment": sealed(b"other").commitment},
    ],
    ids=["content", "kind", "field", "commitment"],
)
def test_a_seal_pasted_elsewhere_does_not_open(change: dict[str, object]) -> None:
    with pytest.raises(SealBroken):
        sealing.unseal(KEY, sealed().model_copy(update=change))


def test_another_owner_version_or_secret_does_not_open_it() -> None:
    for key in (
        DataKey(new_id(), 1, KEY.secret),
        DataKey(OWNER, 2, KEY.secret),
        DataKey(OWNER, 1, bytes(32)),
    ):
        with pytest.raises(SealBroken):
            sealing.unseal(key, sealed())


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_every_changed_byte_is_noticed(position: int, change: int) -> None:
    one = sealed()
    box = bytearray(b64decode(one.box))
    box[position % len(box)] ^= change
    with pytest.raises(SealBroken):
        sealing.unseal(KEY, one.model_copy(update={"box": b64encode(bytes(box)).decode()}))


def test_salt_and_text_prove_a_commitment_without_a_key() -> None:
    one = sealed()
    salt, text = sealing.open_seal(KEY, one)
    assert sealing.commitment(salt, text) == one.commitment
    assert sealing.commitment(salt, b"another text") != one.commitment


@pytest.mark.parametrize("size", [0, 1, sealing.CHUNK_BYTES - 32, sealing.CHUNK_BYTES, 2_500_000])
def test_large_content_comes_back_from_its_chunks(size: int) -> None:
    content = bytes(size)
    committed, boxes = sealing.seal_chunks(KEY, CONTENT, "original", content)
    assert sealing.unseal_chunks(KEY, CONTENT, "original", boxes, committed) == content


def test_chunks_cannot_be_dropped_doubled_or_moved() -> None:
    committed, boxes = sealing.seal_chunks(KEY, CONTENT, "original", bytes(3_000_000))
    for wrong in (boxes[:-1], boxes[1:], [boxes[1], boxes[0], *boxes[2:]], [*boxes, boxes[-1]], []):
        with pytest.raises(SealBroken):
            sealing.unseal_chunks(KEY, CONTENT, "original", wrong, committed)


def test_chunks_sealed_one_by_one_are_those_sealed_together() -> None:
    """Content that never is in memory as a whole: the first chunk begins with the salt."""
    salt, content = bytes(32), b"one, two, three"
    pieces = [salt + content[:5], content[5:10], content[10:]]
    boxes = [
        sealing.seal_chunk(KEY, CONTENT, "original", number, number == 2, piece)
        for number, piece in enumerate(pieces)
    ]
    committed = sealing.commitment(salt, content)
    assert sealing.unseal_chunks(KEY, CONTENT, "original", boxes, committed) == content
    assert sealing.unseal_chunk(KEY, CONTENT, "original", 1, False, boxes[1]) == content[5:10]


def test_the_format_of_a_seal_is_fixed() -> None:
    """A seal made when the first event was told; it must open for ever."""
    key = DataKey(UUID(int=1), 1, bytes(range(32)))
    first = Sealed(
        owner=UUID(int=1),
        key_version=1,
        content_id=UUID(int=2),
        kind="message",
        field="body",
        box=FIRST_BOX,
        commitment=FIRST_COMMITMENT,
    )
    assert sealing.unseal(key, first) == "Bitte um Rückruf.".encode()
    assert sealing.keyed_digest(key, "mail", b"x").hex().startswith(FIRST_DIGEST)
