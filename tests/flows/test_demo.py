"""`make demo` and `privity up --demo` do on a real platform what they tell."""

from collections import Counter
from io import StringIO

from rich.console import Console

from privity import demo_firm
from privity.demo_page import page
from privity.demo_story import play
from privity.demo_told import Teller
from support.office import Office, until


def test_the_story_happens_as_it_is_told(office: Office) -> None:
    told = StringIO()
    story = play(office.stack, Teller(Console(file=told, width=80, soft_wrap=True), began=0))
    assert max(map(len, told.getvalue().splitlines())) <= 100  # the trace's address is one word
    assert "Daniel Okafor" in story.acknowledgment.text
    assert story.letter["text"].splitlines()[0] in story.notice.text
    assert (story.forgery["state"], story.forgery["clock"]) == ("quarantined", "running")
    assert "do not sign" in story.answer.text
    assert {one["state"] for one in story.clocks.values()} == {"met"}
    assert story.proof.ok
    assert story.proof.size > max(one["index"] for one in story.timeline)
    assert story.matter["number"] in page(story)


def test_the_demo_firm_is_planted_once_however_often_it_is_asked_for(office: Office) -> None:
    for _ in range(2):
        demo_firm.plant(office.stack)
    emails = {person.email: person for person in demo_firm.CLIENTS}
    clients = [
        one for one in office.get("/v1/clients", limit=100)["items"] if one["email"] in emails
    ]
    assert len(clients) == 6
    matters = [office.get("/v1/matters", client_id=one["id"])["items"] for one in clients]
    assert sum(map(len, matters)) == 8

    def clocks() -> Counter[str]:
        found = [
            clock
            for one in clients
            for matter in office.get("/v1/matters", client_id=one["id"])["items"]
            for clock in office.get("/v1/clocks", matter_id=matter["id"])["items"]
        ]
        return Counter(one["state"] for one in found if one["kind"] == "response")

    until(clocks, lambda states: states == {"met": 1, "paused": 1, "running": 1})
    bills = [
        office.get("/v1/invoices", client_id=one["id"], state="issued")["items"] for one in clients
    ]
    assert sum(map(len, bills)) == 8
    numbers = sorted(one["number"] for each in bills for one in each)
    assert len(set(numbers)) == 8
