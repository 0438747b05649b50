"""The same for people: forms without scripts, and a page that gives nothing away."""

import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from shared.contracts.intake import (
    CodeIssued,
    ConsultationRequested,
    EngagementDeclined,
    EngagementQuestionAsked,
    InformationProvided,
    SignatureGiven,
)
from support.prospects import Intake

FILLED = {
    "name": "Ann Example",
    "also": "Ann Miller\r\n",
    "email": "ann@clients.test",
    "phone": "",
    "practice_area": "Family law",
    "adverse": "Carl Ivanov\r\nMega GmbH\r\n",
    "related": "",
    "understood": "true",
}


class Browser:
    """Forms and links only, with the cookies of one person."""

    def __init__(self, intake: Intake) -> None:
        self.http = httpx2.AsyncClient(
            transport=intake.service.http._transport, base_url="http://service"
        )

    async def get(self, path: str) -> httpx2.Response:
        return await self.http.get(path)

    async def send(self, path: str, **fields: str) -> httpx2.Response:
        return await self.http.post(path, data=fields, follow_redirects=True)


async def opened(intake: Intake, browser: Browser, number: int) -> str:
    """The page of that signer, with its code entered."""
    holder = (await intake.holders("signature"))[number]
    path = f"/v1/pages/{holder.token}"
    assert "We have sent you a code" in (await browser.send(f"{path}/code")).text
    code = await intake.opened((await intake.told(CodeIssued))[-1].code)
    assert "Read the agreement" in (await browser.send(f"{path}/session", code=code)).text
    return path


async def test_a_stranger_fills_in_the_form(intake: Intake) -> None:
    browser = Browser(intake)
    form = await browser.get("/v1/pages/consultation")
    assert "no attorney-client relationship" in form.text
    assert {one for one in re.findall(r'name="(\w+)"', form.text)} == {
        *FILLED,
        "viewport",
        "robots",
    }
    sent = await browser.send("/v1/pages/consultation", **FILLED)
    (told,) = await intake.told(ConsultationRequested)
    assert str(told.consultation_id) in sent.text
    assert told.practice_area == "family-law"
    names = await intake.rows("SELECT name FROM parties ORDER BY party_id")
    assert [name for (name,) in names] == ["Ann Example", "Carl Ivanov", "Mega GmbH"]


async def test_what_was_entered_stays_and_what_is_wrong_is_said(intake: Intake) -> None:
    browser = Browser(intake)
    wrong = FILLED | {"email": "ann@nowhere", "name": "<script>alert(1)</script>"}
    answer = await browser.send("/v1/pages/consultation", **wrong)
    assert answer.status_code == 422
    assert "This is not an email address" in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text
    assert await intake.told(ConsultationRequested) == []


async def test_two_people_sign_by_page(intake: Intake) -> None:
    row = await intake.step(await intake.drafted(), "approve")
    for number, name in enumerate(("Ann Example", "Bob Example")):
        browser = Browser(intake)
        path = await opened(intake, browser, number)
        shown = (await browser.get(path)).text
        assert f'value="{row["document_sha256"]}"' in shown
        pdf = await browser.get(f"{path}/document")
        assert pdf.headers["content-type"] == "application/pdf"
        fields = {"document_sha256": row["document_sha256"], "name": name, "i_sign": "true"}
        missing = await browser.send(f"{path}/sign", **fields)
        assert missing.status_code == 422
        signed = await browser.send(f"{path}/sign", **fields, i_agree_to_electronic_business="true")
        assert "You have signed" in signed.text
    assert len(await intake.told(SignatureGiven)) == 2
    assert (await intake.reread(row))["state"] == "accepted"


async def test_one_asks_and_then_declines_by_page(intake: Intake) -> None:
    await intake.step(await intake.drafted(), "approve")
    browser = Browser(intake)
    path = await opened(intake, browser, 0)
    asked = await browser.send(f"{path}/questions", question="Who pays?")
    assert "We have your question" in asked.text
    assert len(await intake.told(EngagementQuestionAsked)) == 1
    declined = await browser.send(f"{path}/decline", reasons="")
    assert "Nothing was signed" in declined.text
    (told,) = await intake.told(EngagementDeclined)
    assert told.reasons is None
    gone = await browser.get(path)
    assert (gone.status_code, "has expired" in gone.text) == (410, True)


async def test_a_closed_page_tells_nothing_and_cannot_be_framed_cached_or_sent_on(
    intake: Intake,
) -> None:
    await intake.step(await intake.drafted(), "approve")
    holder = (await intake.holders("signature"))[0]
    page = await Browser(intake).get(f"/v1/pages/{holder.token}")
    assert "Divorce" not in page.text
    assert "ann@" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (await Browser(intake).get(f"/v1/pages/{holder.token}/document")).status_code == 401


@pytest.mark.parametrize("token", ["x" * 43, "short", "..%2f..%2fetc"])
async def test_a_link_that_is_none_is_a_page_or_a_problem_but_never_a_failure(
    intake: Intake, token: str
) -> None:
    answer = await Browser(intake).get(f"/v1/pages/{token}")
    assert answer.status_code in (404, 422)


async def test_documents_and_facts_are_sent_by_page(intake: Intake) -> None:
    items = [
        {"kind": "document", "text": "The deed"},
        {"kind": "fact", "text": "Since when?"},
    ]
    await intake.done(
        "POST",
        "/v1/checklists",
        {"checklist": "house", "practice_area": "family", "items": items},
    )
    consultation_id = await intake.held()
    row = await intake.done(
        "POST",
        f"/v1/consultations/{consultation_id}/information-requests",
        {
            "checklist": "house",
            "due_at": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
        },
    )
    (holder,) = await intake.holders("information")
    browser, path = Browser(intake), f"/v1/pages/{holder.token}"
    await browser.send(f"{path}/code")
    code = await intake.opened((await intake.told(CodeIssued))[-1].code)
    assert "The deed" in (await browser.send(f"{path}/session", code=code)).text
    deed, since = (f"{path}/items/{one['id']}" for one in row["items"])
    wrong = await browser.http.post(deed, files={"file": ("deed.png", b"%PDF-1.7", "image/png")})
    assert (wrong.status_code, "not taken" in wrong.text) == (422, True)
    right = {"file": ("deed.pdf", b"%PDF-1.7 deed", "application/pdf")}
    sent = await browser.http.post(deed, files=right, follow_redirects=True)
    assert "We have it" in sent.text
    words = await browser.http.post(  # as a browser sends a form without a file chosen
        since, data={"text": "Since May."}, files={"file": ("", b"")}, follow_redirects=True
    )
    assert "We have it" in words.text
    assert [one.complete for one in await intake.told(InformationProvided)] == [False, True]
