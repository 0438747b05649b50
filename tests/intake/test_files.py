"""Files come in parts, are what their bytes say, and come back byte for byte."""

import io
import os
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.files.rules import PART, NotAcceptable, media_type, part, parts_of
from support.platform import Platform
from support.prospects import Intake, intake_in
from support.running import bearer

PDF = b"%PDF-1.7\n"


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, 3 * PART + 17])
async def test_a_file_of_any_size_comes_back_byte_for_byte(intake: Intake, size: int) -> None:
    consultation_id = await intake.held()
    content = (PDF + os.urandom(size))[:size] if size > 10 else b"x" * size
    name = "letter.pdf" if size > 10 else "letter"
    kept = (await intake.uploaded(consultation_id, content, name)).json()
    assert kept["size"] == size
    answer = await intake.call("GET", f"/v1/files/{kept['id']}/content")
    assert answer.content == content
    assert answer.headers["content-disposition"] == "attachment"
    boxes = await intake.rows("SELECT box FROM file_chunks")
    assert not any(content[:64] in bytes(box) for (box,) in boxes if size > 64)


async def test_what_broke_off_goes_on_and_nothing_counts_before_all_is_there(
    intake: Intake,
) -> None:
    consultation_id = await intake.held()
    content = PDF + os.urandom(2 * PART)
    begun = await intake.done(
        "POST",
        f"/v1/consultations/{consultation_id}/files",
        {"name": "a.pdf", "size": len(content)},
    )
    path = f"/v1/files/{begun['id']}"
    me = bearer(intake.platform, "partner")

    async def send(number: int, octets: bytes) -> int:
        answer = await intake.service.http.put(f"{path}/parts/{number}", content=octets, headers=me)
        return answer.status_code

    assert await send(1, content[PART : 2 * PART]) == 204
    assert await intake.refused("POST", f"{path}/complete") == "409 upload-incomplete"
    assert await intake.refused("GET", f"{path}/content") == "404 not-found"
    assert await send(0, (PDF + os.urandom(PART))[:PART]) == 204
    assert await send(0, content[:PART]) == 204
    assert await send(2, content[2 * PART :] + b"!") == 422
    assert await send(3, b"x") == 422
    assert await send(2, content[2 * PART :]) == 204
    kept = await intake.done("POST", f"{path}/complete")
    assert kept == await intake.done("POST", f"{path}/complete")
    assert await send(0, content[:PART]) == 409
    assert (await intake.call("GET", f"{path}/content")).content == content


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("photo.png", PDF + b"x", "the name ends in .png, but the file is application/pdf"),
        ("deed.pdf", b"MZ\x90\x00", "programs are not taken"),
        ("deed.pdf", b"\x7fELF", "programs are not taken"),
        ("deed.pdf", b"PK\x03\x04zip", "the name ends in .pdf, but the file is application/zip"),
    ],
)
async def test_a_file_that_is_not_what_it_says_is_refused_and_not_kept(
    intake: Intake, name: str, content: bytes, problem: str
) -> None:
    answer = await intake.uploaded(await intake.held(), content, name)
    assert (answer.status_code, problem in answer.json()["detail"]) == (422, True)
    assert await intake.rows("SELECT state FROM files") == [("arriving",)]


async def test_a_file_over_the_limit_is_refused_before_it_is_sent(platform: Platform) -> None:
    async with intake_in(platform, intake_upload_size=1000) as intake:
        await intake.member("Daniel Okafor", email="attorney@firm.test")
        path = f"/v1/consultations/{await intake.held()}/files"
        too_large = {"name": "a.pdf", "size": 5 * 1024**3}
        assert await intake.refused("POST", path, too_large) == "413 file-too-large"


async def test_a_zip_is_recognised_and_never_unpacked() -> None:
    word = b"PK\x03\x04" + b"\x00" * 26 + b"word/document.xml"
    assert media_type(word, "a.docx").endswith("wordprocessingml.document")
    assert media_type(b"PK\x03\x04bomb", "a.zip") == "application/zip"


async def test_a_bomb_is_kept_as_it_came_and_takes_no_more_room_than_that(intake: Intake) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(64 * PART))
    bomb = packed.getvalue()
    kept = (await intake.uploaded(await intake.held(), bomb, "contract.docx")).json()
    assert kept["size"] == len(bomb) < PART
    boxes = await intake.rows("SELECT sum(length(box))::int FROM file_chunks")
    assert boxes[0][0] < len(bomb) + 200
    answer = await intake.call("GET", f"/v1/files/{kept['id']}/content")
    assert answer.content == bomb


@given(st.binary(max_size=5000), st.text(max_size=40))
def test_any_bytes_have_a_type_or_a_reason_against_them(octets: bytes, name: str) -> None:
    with suppress(NotAcceptable):
        assert "/" in media_type(octets, name)


@given(st.integers(1, 10**10))
def test_parts_cover_a_file_exactly(size: int) -> None:
    count = parts_of(size)
    last = part(size, count - 1)
    assert last.last
    assert (count - 1) * PART + last.length == size
    with pytest.raises(NotAcceptable):
        part(size, count)
