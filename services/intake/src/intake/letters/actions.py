"""Print a letter, keep it, and have a link to it sent."""

import asyncio
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import intake.directory.queries as directory
import intake.files.actions as files
import intake.links.actions as links
from intake.documents.dates import day
from intake.documents.press import print_pdf
from intake.letters.texts import Wording
from shared import clock


async def send(
    session: AsyncSession,
    wording: Wording,
    *,
    client_id: UUID,
    subject_id: UUID,
    name: str,
    email: str,
) -> None:
    """The client's key must be held."""
    now = clock.now()
    data = {
        "firm": await directory.firm_name(session),
        "title": wording.title,
        "name": name,
        "date": day(now, await directory.time_zone(session)),
        "body": wording.body,
    }
    pdf = await asyncio.to_thread(print_pdf, "letter", data, now)
    file = await files.keep(
        session,
        client_id=client_id,
        subject_id=subject_id,
        name=f"{wording.title}.pdf",
        pdf=pdf,
    )
    await links.issue(
        session,
        purpose="letter",
        subject_id=subject_id,
        file_id=file.file_id,
        client_id=client_id,
        name=name,
        email=email,
        title=wording.title,
    )
