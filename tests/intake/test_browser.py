"""What only a browser shows: a page's own script sends what no form carries, in parts."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from intake.app import create_app
from intake.files.rules import PART
from intake.settings import IntakeSettings
from shared.contracts.intake import CodeIssued, InformationProvided
from support.browser import Browser, chromium
from support.gateway import gateway, listening
from support.platform import Platform
from support.prospects import Intake

ITEMS = [{"kind": "document", "text": "The deed"}, {"kind": "document", "text": "A photograph"}]


async def asked(intake: Intake) -> str:
    """Two documents of Ann; the page with the list."""
    checklist = {"checklist": "house", "practice_area": "family", "items": ITEMS}
    await intake.done("POST", "/v1/checklists", checklist)
    due_at = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    path = f"/v1/consultations/{await intake.held()}/information-requests"
    await intake.done("POST", path, {"checklist": "house", "due_at": due_at})
    (holder,) = await intake.holders("information")
    return f"/v1/pages/{holder.token}"


async def enter(browser: Browser, intake: Intake, page: str) -> None:
    await browser.open(page)
    await browser.run("document.querySelector('form button').click()")
    await browser.until("document.body.innerText.includes('We have sent you a code')")
    code = await intake.opened((await intake.told(CodeIssued))[-1].code)
    await browser.run(f"document.querySelector('[name=code]').value = '{code}'")
    await browser.run("document.querySelector('[name=code]').form.submit()")
    await browser.until("document.querySelector('form[data-item]') !== null")


async def test_a_large_file_is_sent_in_parts_and_a_wrong_one_is_refused_at_its_first(
    platform: Platform, intake: Intake, tmp_path: Path
) -> None:
    page = await asked(intake)
    deed, program = tmp_path / "deed.pdf", tmp_path / "photo.png"
    deed.write_bytes(b"%PDF-1.7\n" + os.urandom(6 * PART))
    program.write_bytes(b"%PDF-1.7\n" + os.urandom(6 * PART))
    settings = intake.runtime.settings
    assert isinstance(settings, IntakeSettings)
    async with (
        listening(create_app(settings)) as url,
        gateway(platform, intake_url=url) as door,
        chromium() as browser,
    ):
        await enter(browser, intake, f"{str(door.base_url).rstrip('/')}{page}")
        await browser.choose("form[data-item] [type=file]", program)
        await browser.run("document.querySelector('form[data-item]').requestSubmit()")
        await browser.until("!document.querySelector('form[data-item] .problem').hidden")
        said = await browser.run("document.querySelector('form[data-item] .problem').innerText")
        assert "the name ends in .png, but the file is application/pdf" in said
        assert await intake.rows("SELECT number FROM file_chunks") == []
        await browser.choose("form[data-item] [type=file]", deed)
        await browser.run("document.querySelector('form[data-item]').requestSubmit()")
        await browser.until("document.body.innerText.includes('We have it. Thank you.')")
    (told,) = await intake.told(InformationProvided)
    assert told.file is not None
    assert told.file.size == deed.stat().st_size
    kept = await intake.call("GET", f"/v1/files/{told.file.content_id}/content")
    assert kept.content == deed.read_bytes()


async def test_only_the_page_that_sends_files_may_run_a_script_and_only_ours(
    intake: Intake,
) -> None:
    page = await intake.call("GET", "/v1/pages/consultation", role="nobody")
    assert "script" not in page.headers["content-security-policy"]
    assert not re.search(r"<script|\son\w+=", page.text)
    script = await intake.call("GET", "/v1/pages/upload.js", role="nobody")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "innerHTML" not in script.text
