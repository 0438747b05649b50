"""What is opened of an event: seals at their places; nothing breaks on bytes of any kind."""

import os

from hypothesis import given
from hypothesis import strategies as st

from audit.exports import opening
from shared import sealing
from shared.ids import new_id
from shared.sealing import DataKey

KEY = DataKey(new_id(), 1, os.urandom(32))


def sealed(text: str) -> dict[str, object]:
    seal = sealing.seal(KEY, new_id(), "note", "body", text.encode())
    made: dict[str, object] = seal.model_dump(mode="json")
    return made


def test_every_seal_is_found_with_its_place() -> None:
    value = {"body": sealed("a"), "attachments": [{"file_name": sealed("b")}], "client_id": "x"}
    assert {at for at, _ in opening.seals(value)} == {"/body", "/attachments/0/file_name"}
    assert opening.owners_of(value) == {KEY.owner}


def test_a_place_that_could_be_read_otherwise_is_not_opened() -> None:
    assert list(opening.seals({"a/b": sealed("x")})) == []
    deep: object = sealed("x")
    for _ in range(900):
        deep = {"a": deep}
    assert list(opening.seals(deep)) == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("box"), inner),
    )
)
def test_values_of_any_kind_have_seals_or_none(value: object) -> None:
    assert list(opening.seals(value)) == []
