"""Who never became a client leaves nothing behind but the names that later checks need."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.prospects import Intake

CHECKLIST = {
    "checklist": "divorce",
    "practice_area": "family",
    "items": [{"kind": "document", "text": "The deed"}, {"kind": "fact", "text": "Since when?"}],
}
GONE = (
    "links", "link_codes", "link_sessions", "information_requests", "information_items",
    "engagements", "signers", "file_chunks",
)  # fmt: skip


async def told_much_and_declined(intake: Intake) -> str:
    """A consultation with an upload, an answer, an offer that was declined, and letters; its id."""
    consultation_id = await intake.held(name="Zebulon Quackenbush", email="zeb@clients.test")
    path = f"/v1/consultations/{consultation_id}"
    await intake.done("POST", "/v1/checklists", CHECKLIST)
    due_at = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    asked = {"checklist": "divorce", "due_at": due_at}
    row = await intake.done("POST", f"{path}/information-requests", asked)
    (holder,) = await intake.holders("information")
    await holder.enter()
    fact = row["items"][1]["id"]
    assert (await holder.call("POST", f"/items/{fact}", {"text": "Since May."})).is_success
    assert (await intake.uploaded(consultation_id, b"%PDF-1.7 a deed")).is_success
    signers = [{"name": "Zebulon Quackenbush", "email": "zeb@clients.test"}]
    _, (zeb,) = await intake.proposed(consultation_id=consultation_id, signers=signers)
    assert (await zeb.call("POST", "/decline", {"reasons": "Too dear."})).is_success
    await intake.done("POST", f"{path}/decline", {"by": "client", "reasons": "Too dear."})
    return consultation_id


async def test_nothing_of_who_never_became_a_client_is_left_but_the_names(
    intake: Intake, moved_clock: Path
) -> None:
    consultation_id = await told_much_and_declined(intake)
    files = await intake.rows("SELECT file_id, commitment FROM files WHERE state = 'kept'")
    assert len(files) == 3
    moved_clock.write_text(str(366 * 86_400))
    await intake.soon("SELECT 1 FROM consultations WHERE erased_at IS NOT NULL")
    left = {table: await intake.rows(f"SELECT * FROM {table}") for table in GONE}
    assert not any(left.values()), left
    (row,) = await intake.rows("SELECT name, email, note, reasons FROM consultations")
    assert tuple(row) == (None, None, None, None)
    kept = await intake.rows("SELECT file_id, commitment FROM files WHERE state = 'erased'")
    assert sorted(kept) == sorted(files), "what the record committed to can still be named"
    assert await intake.rows("SELECT file_id FROM files WHERE name IS NOT NULL") == []
    path = f"/v1/files/{files[0][0]}/content"
    assert await intake.refused("GET", path) == "404 not-found"
    shown = await intake.done("GET", f"/v1/consultations/{consultation_id}")
    assert shown["email"] is None
    again = await intake.asked(parties=[{"role": "adverse", "name": "Zeb Quackenbush"}])
    assert (await intake.check(again))["state"] == "possible"


async def test_what_is_drafted_or_offered_still_keeps_what_was_told(
    intake: Intake, moved_clock: Path
) -> None:
    row = await intake.drafted()
    moved_clock.write_text(str(366 * 86_400))
    await asyncio.sleep(2.5)
    assert (await intake.reread(row))["state"] == "draft"
    assert await intake.rows("SELECT name FROM consultations") == [("Ann Example",)]
