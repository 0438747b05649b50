"""What files in a bundle are called: harmless on every file system, in order of time, unique."""

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from audit.exports import naming

AT = datetime(2026, 11, 22, 10, 15, tzinfo=timezone(timedelta(hours=1)))


def test_a_mail_is_named_by_the_convention() -> None:
    stem = naming.stem(AT, "2026-0007", "email", "inbound", "Ré: the Vale / estate?")
    assert stem == "2026-11-22T0915Z_2026-0007_email_inbound_re-the-vale-estate"


def test_what_has_no_matter_and_no_subject_says_so() -> None:
    stem = naming.stem(AT, None, "in_person", "outbound", "日本")
    assert stem == "2026-11-22T0915Z_no-matter_in-person_outbound_no-subject"


@given(st.text(), st.text(), st.integers(0, 4_000_000_000))
def test_no_word_of_anybody_leaves_the_folder(subject: str, matter: str, at: int) -> None:
    when = datetime.fromtimestamp(at, UTC)
    stem = naming.stem(when, matter, "email", "inbound", subject)
    assert re.fullmatch(r"[0-9TZ-]+_[a-z0-9-]+_email_inbound_[a-z0-9-]+", stem)
    assert len(stem) < 200


@given(st.text())
def test_no_file_name_of_anybody_leaves_the_folder(name: str) -> None:
    safe = naming.safe_file_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", safe)
    assert len(safe) <= 100


@given(st.lists(st.sampled_from(["a.eml", "A.eml", "a-2.eml", "b", "originals/a.eml"])))
def test_names_are_unique_also_where_capitals_are_one(names: list[str]) -> None:
    taken: set[str] = set()
    given_ = [naming.unique(name, taken) for name in names]
    assert len({one.lower() for one in given_}) == len(names)
