"""The index that people read: nothing that anybody wrote is markup, and a long one says what it
leaves to the other files."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.exports import pages
from audit.exports.pages import Line
from audit.exports.texts import About, certificate, read_me
from shared.ids import new_id

ABOUT = About(
    export_id=new_id(),
    firm="Harbour & Vale LLP",
    subject="matter 2026-0001: Estate <of> Vale",
    origin="record.test/log",
    verifier="record.test/log+00000000+AA==",
    zone="America/New_York",
    entries=1,
    size=9,
    files=0,
    missing=0,
    entries_sha256="ab" * 32,
    made_at=datetime(2026, 11, 22, 9, 15, tzinfo=UTC),
)
LINE = Line(1, "local", "utc", "Note written", "", "", "summary", "text", (), 3, "cd" * 32)


@given(st.text(), st.text())
def test_what_anybody_wrote_is_text_in_html(summary: str, text: str) -> None:
    marked = replace(LINE, summary=f"<script>{summary}", text=f"</pre><img src=x>{text}")
    page = pages.html(ABOUT, [marked])
    assert "<script" not in page
    assert "<img" not in page


@settings(max_examples=15, deadline=None)
@given(st.text())
def test_what_anybody_wrote_is_text_in_the_pdf(words: str) -> None:
    """Markup of typst that would fail to compile, or read a file, is only shown."""
    marked = replace(LINE, summary=f'#panic("x") $ ] #read("/etc/passwd") {words}', who=words)
    assert pages.pdf(ABOUT, [marked]).startswith(b"%PDF")


def test_a_long_index_says_how_much_it_leaves_to_the_other_files() -> None:
    lines = [LINE] * (pages.MOST_PRINTED + 7)
    assert pages.printed(ABOUT, lines)["left_out"] == 7
    assert pages.printed(ABOUT, [LINE])["left_out"] == 0


def test_the_certificate_leaves_blank_what_only_a_person_can_say() -> None:
    text = certificate(ABOUT)
    assert "902(13)" in text
    assert "902(14)" in text
    assert text.count("____________") > 6
    assert ABOUT.entries_sha256 in text
    assert "WHAT IT DOES NOT PROVE" in read_me(ABOUT)
