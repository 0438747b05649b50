"""The demo's page and its narration: whole, self-contained, and safe with any text."""

import json
import re
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from privity import demo_page
from privity.demo_firm import CLIENTS, LETTERS, STAFF
from privity.demo_story import Story
from privity.demo_told import WIDTH, Teller, spoken
from privity.mail import Mail
from privity.verify import Report

AT, LATER = "2026-11-20T14:00:00Z", "2026-11-24T05:00:00Z"
WICKED = '<script src="https://elsewhere.test/x.js">alert(1)</script>'


def a_mail(text: str) -> Mail:
    address = "Ann Example <ann@clients.test>"
    return Mail(
        address, address, f"Re: {WICKED}", AT, "<m@firm.test>", None, None, None, None, text, []
    )


def a_clock(kind: str) -> dict[str, Any]:
    return {"kind": kind, "opened_at": AT, "target_at": LATER, "limit_at": LATER, "met_at": AT}


def a_span(counted: bool) -> dict[str, Any]:
    why = (None, None) if counted else ("weekend", "2026-11-21")
    return {
        "from": AT,
        "to": LATER,
        "counted": counted,
        "reason": why[0],
        "name": None,
        "day": why[1],
    }


@pytest.fixture
def story() -> Story:
    item = {"time": AT, "channel": "email", "direction": "inbound", "index": 7, "summary": WICKED}
    return Story(
        told_at=AT,
        firm={"name": f"Harbour & Vale {WICKED}", "time_zone": "America/New_York"},
        client={"name": "Ann Example", "email": "ann@clients.test", "time_zone": "Europe/Berlin"},
        matter={"number": "2026-0001", "title": WICKED},
        contact={"name": "Daniel Okafor"},
        letter={
            "subject": WICKED,
            "text": f"Dear Sir,\n\n{WICKED}",
            "to": "office@firm.test",
            "received_at": AT,
            "acknowledged_at": AT,
        },
        acknowledgment=a_mail("Dear Ann,\n\n  At the latest by: Tuesday\n\nYours"),
        notice=a_mail(f"  Client: {WICKED}\n\n> {WICKED}\n\nReply to this email."),
        clocks={kind: a_clock(kind) for kind in ("acknowledgment", "response")},
        explanation=[a_span(True), a_span(False)],
        forgery={
            "from": "attorney@firm.test",
            "text": WICKED,
            "reason": "staff-not-authenticated",
            "clock": "running",
            "letters_in_the_clients_mailbox": 1,
        },
        answer=a_mail("Do not sign."),
        timeline=[item],
        proof=Report("http://127.0.0.1/log", "o", 8, "r", "o\n8\nr\n", proved=("All is well.",)),
        trace="http://127.0.0.1:9411/zipkin/traces/1",
        services_of_the_trace=["audit", "messaging"],
    )


class Page(HTMLParser):
    """Which elements a page has, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def test_the_page_needs_nothing_else_and_runs_nothing(story: Story) -> None:
    text = demo_page.page(story)
    elements = Page(text).elements
    assert {"script", "link", "img", "iframe"}.isdisjoint(tag for tag, _ in elements)
    names = {name for _, attributes in elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "style")}
    assert re.search(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'", text)
    assert "url(" not in text
    assert "@import" not in text


def test_whatever_was_written_is_shown_as_text(story: Story) -> None:
    text = demo_page.page(story)
    assert "<script" not in text
    assert text.count("&lt;script src=&quot;https://elsewhere.test/x.js&quot;&gt;") >= 8


def test_headings_step_down_one_at_a_time_and_tables_name_their_columns(story: Story) -> None:
    elements = Page(demo_page.page(story)).elements
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    tables = sum(tag == "table" for tag, _ in elements)
    assert tables == sum(tag == "caption" for tag, _ in elements) == 3
    assert sum(attributes.get("scope") == "col" for _, attributes in elements) == 11
    labels = {a["aria-labelledby"] for _, a in elements if "aria-labelledby" in a}
    assert labels <= {a["id"] for _, a in elements if "id" in a}


def test_a_mail_is_set_as_paragraphs_names_and_quotations(story: Story) -> None:
    text = demo_page.page(story)
    assert "<div><dt>At the latest by</dt><dd>Tuesday</dd></div>" in text
    assert "<blockquote><p>&lt;script" in text
    assert "<p>Yours</p>" in text


def test_the_story_is_json_with_a_verdict(story: Story) -> None:
    facts = json.loads(json.dumps(story.as_json()))
    assert facts["proof"]["ok"] is True
    assert facts["acknowledgment"]["subject"].startswith("Re: ")


def test_the_narration_fits_eighty_columns_and_keeps_every_word() -> None:
    told = StringIO()
    teller = Teller(Console(file=told, width=80, soft_wrap=True, highlight=False), began=0)
    words = "word " * 60
    teller.chapter("A chapter")
    teller.say(words)
    teller.quote(f"{words}\n\n  Answer: {words}\n> {words}", subject=words)
    teller.rows(("Name", words), ("[bold]", "[red]not markup[/]"))
    teller.proofs((words,))
    lines = told.getvalue().splitlines()
    assert max(map(len, lines)) <= WIDTH + 2
    assert told.getvalue().count("word") == 7 * 60
    assert "[red]not markup[/]" in told.getvalue()


def test_a_time_is_spoken_where_somebody_is() -> None:
    assert spoken("2026-11-24T05:00:00Z", "Europe/Berlin") == "Tue 24 Nov 06:00 (Berlin)"
    assert spoken("2026-11-24T05:00:00Z", "America/New_York") == "Tue 24 Nov 00:00 (New York)"


def test_the_demo_firm_is_of_one_piece() -> None:
    assert (len(STAFF), len(CLIENTS), sum(len(one.matters) for one in CLIENTS)) == (3, 6, 8)
    assert {one.contact for one in CLIENTS} <= {member.email for member in STAFF}
    assert {letter.client for letter in LETTERS} <= {one.email for one in CLIENTS}
    assert len({one.time_zone for one in CLIENTS}) == 6
