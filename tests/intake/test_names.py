"""Names in many scripts and spellings are found among many others, few at a time, with the
reason."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from intake.names.models import Name
from intake.names.queries import MOST_HITS, near
from intake.names.rules import fold, is_same, likeness
from shared.ids import new_id
from support.names import many
from support.prospects import Intake

OTHERS = 10_000
VARIANTS = [
    line.split("|")
    for line in (Path(__file__).parent / "variants.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def kept(written: str) -> dict[str, object]:
    folded = fold(written)
    return {
        "name_id": new_id(),
        "subject_id": new_id(),
        "role": "client",
        "kind": "person",
        "written": written,
        "form": folded.form,
        "sound": folded.sound,
        "initials": folded.initials,
    }


@pytest.fixture
async def crowd(intake: Intake) -> Intake:
    """The names of the labelled set among ten thousand others."""
    rows = [kept(one) for one in [*many(OTHERS), *(base for base, *_ in VARIANTS)]]
    for first in range(0, len(rows), 1000):
        async with intake.runtime.db.transaction() as session:
            await session.execute(insert(Name), rows[first : first + 1000])
    return intake


async def test_variants_in_many_scripts_are_found_among_many_and_few_at_a_time(
    crowd: Intake,
) -> None:
    pairs = [(base, variant) for base, *variants in VARIANTS for variant in variants]
    assert len(pairs) >= 500
    missed, took = [], []
    async with crowd.runtime.db.transaction() as session:
        await session.execute(text("ANALYZE names"))
        for base, variant in pairs:
            began = time.perf_counter()
            found = await near(session, variant)
            took.append(time.perf_counter() - began)
            assert len(found) <= MOST_HITS
            assert all(one.because for one in found)
            if base not in {one.written for one in found}:
                missed.append((base, variant))
    recall = 1 - len(missed) / len(pairs)
    assert recall >= 0.95, (recall, missed)
    assert sorted(took)[int(len(took) * 0.95)] < 0.1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann Example", "Bob Example"),
        ("John Smith", "John Jones"),
        ("Maria Garcia", "Pedro Garcia"),
        ("Xi Wang", "Li Wang"),
        ("Blue Harbour Ferries", "Blue Mountain Coffee"),
        ("Acme Ltd", "Apex Ltd"),
        ("Иван Петров", "Сергей Петров"),
        ("王芳", "李娜"),
    ],
)
def test_who_shares_only_a_part_is_not_a_hit(one: str, other: str) -> None:
    assert likeness(fold(one), fold(other)) is None


@pytest.mark.parametrize(
    ("one", "other", "because"),
    [
        ("John Smith", "Smith, John", "the same words in another order"),
        ("Bob Miller", "Robert Miller", "“bob” and “robert” are forms of one name"),
        ("J. Smith", "John Smith", "“J.” may be an initial"),
        ("IBM", "International Business Machines", "“IBM” are the initials of the other"),
        ("李小龍", "Li Xiaolong", "the same letters, divided otherwise"),
        ("Acme Ltd", "ACME Limited", "the same name"),
    ],
)
def test_each_hit_says_why(one: str, other: str, because: str) -> None:
    found = likeness(fold(one), fold(other))
    assert found is not None
    assert because in found.because


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_names_are_compared_the_same_from_both_sides(one: str, other: str) -> None:
    there, back = likeness(fold(one), fold(other)), likeness(fold(other), fold(one))
    assert (there is None) == (back is None)


@given(st.text(alphabet=st.characters(categories=["L"]), min_size=1, max_size=60))
def test_a_name_is_always_like_itself(written: str) -> None:
    folded = fold(written)
    found = likeness(folded, folded)
    assert found is None if not folded.words else found is not None


@pytest.mark.parametrize(
    ("signer", "typed"),
    [
        ("Ann Example", "ANN example"),
        ("Ann Example", "Example,  Ann"),
        ("Ann Example", "Dr Ann Example"),
        ("Zoë Müller-Lüdenscheid", "zoe muller ludenscheid"),
        ("François Côté", "Francois Cote"),
        ("Siobhán O’Brien", "Siobhan OBrien"),
        ("Карл Иванов", "Carl Ivanov"),
        ("Carl Ivanov", "Иванов Карл"),
        ("Νίκος Παππάς", "Nikos Pappas"),
        ("李小龍", "Li Xiaolong"),
        ("김민수", "Kim Minsu"),
        ("Nguyễn Văn An", "NGUYEN VAN AN"),
    ],
)
def test_who_types_their_own_name_signs_however_it_is_written(signer: str, typed: str) -> None:
    assert is_same(signer, typed)
    assert is_same(typed, signer)


@pytest.mark.parametrize(
    ("signer", "typed"),
    [
        ("Ann Example", "Bob Example"),  # a spouse
        ("Ann Example", "Anna Example"),
        ("Robert Miller", "Bob Miller"),
        ("Robert Miller", "Roberta Miller"),
        ("Ann Example", "A. Example"),
        ("Ann Example", "A E"),
        ("Ann Example", "AE"),
        ("Ann Example", "Ann"),
        ("Ann Example", "Example"),
        ("Ann Example", "Ann Maria Example"),
        ("Ann Example", "Ann Exampel"),
        ("Jon Smith", "John Smyth"),
        ("Карл Иванов", "Anna Ivanova"),
        ("Карл Иванов", "Клара Иванова"),
        ("Ann Example", "–"),
        ("Ann Example", "Dr"),
    ],
)
def test_a_name_that_is_only_like_it_signs_nothing(signer: str, typed: str) -> None:
    assert not is_same(signer, typed)
    assert not is_same(typed, signer)
