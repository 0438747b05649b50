"""The written report as a PDF that reads well on paper and on a phone. The same words give the same
bytes."""

from datetime import datetime
from importlib.resources import files

import typst


def report(*, firm: str, matter: str, subject: str, body: str, date: str, at: datetime) -> bytes:
    """Words go in as data and are never read as markup."""
    template = (files("matters.updates") / "report.typ").read_bytes()
    made: bytes = typst.compile(
        template,
        sys_inputs={
            "firm": firm,
            "matter": matter,
            "subject": subject,
            "body": body,
            "date": date,
        },
        timestamp=at.replace(microsecond=0),
        ignore_system_fonts=True,
    )
    return made
