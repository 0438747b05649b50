"""The report of an audit: the same facts as JSON for programs and as PDF for people. Pure but for
typst."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from uuid import UUID

import typst

from audit.audits.proving import Problem

CHECKED = (
    "Every entry was read and hashed again; the hashes give the signed root of every checkpoint.",
    "Every stored hash of the tree is that of its entries; none is there too many.",
    "Every value and every type, time and subject is what its entry commits to.",
    "Every stream was counted: 1, 2, 3 … without a gap, a fork or a repetition.",
    "Recorded times never go back.",
)


def report(
    *,
    audit_id: UUID,
    origin: str,
    size: int,
    checkpoint: str,
    started_at: datetime,
    finished_at: datetime,
    found: Sequence[Problem],
    still_open: Sequence[tuple[datetime, str]],
) -> dict[str, Any]:
    return {
        "audit_id": str(audit_id),
        "origin": origin,
        "size": size,
        "checkpoint": checkpoint,
        "started_at": _instant(started_at),
        "finished_at": _instant(finished_at),
        "sound": not found,
        "checked": list(CHECKED),
        "found": [{"kind": one.kind, "subject": one.subject, "words": one.words} for one in found],
        "open": [{"found_at": _instant(at), "words": words} for at, words in still_open],
    }


def pdf(told: dict[str, Any]) -> bytes:
    made = typst.compile(
        files("audit.audits").joinpath("report.typ").read_bytes(),
        sys_inputs={"data": json.dumps(told)},
    )
    assert isinstance(made, bytes)
    return made


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
