"""Which of the known names may be the one that is asked for."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from intake.names import rules
from intake.names.rules import Folded, Kind, Role

MOST_HITS = 20
_NEAR_ENOUGH = {"form": "0.3", "sound": "0.5"}
_COMPARED = 60
_ENOUGH = text("SELECT set_config('pg_trgm.similarity_threshold', :enough, true)")
_COLUMNS = "name_id, subject_id, client_id, consultation_id, role, kind, written"

# Each is answered by one index; what they find is compared word by word.
_LIKE = {
    column: text(f"""
        SELECT {_COLUMNS} FROM names WHERE {column} % :asked
        ORDER BY similarity({column}, :asked) DESC LIMIT :most
    """)
    for column in ("form", "sound")
}
_INITIALS = text(f"""
    SELECT {_COLUMNS} FROM names WHERE initials <> '' AND initials = :form
    UNION ALL
    (SELECT {_COLUMNS} FROM names WHERE length(form) <= 8 AND form = :initials LIMIT :most)
    LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Near:
    """A known name that may be the one asked for."""

    subject_id: UUID
    client_id: UUID | None
    consultation_id: UUID | None
    role: Role
    kind: Kind
    written: str
    score: float
    because: str


async def near(session: AsyncSession, written: str, most: int = MOST_HITS) -> list[Near]:
    """The likeliest first, each with the reason; at most `most`."""
    asked = rules.fold(written)
    found = []
    for row in await _candidates(session, asked):
        like = rules.likeness(asked, rules.fold(row.written))
        if like is not None:
            facts = (row.subject_id, row.client_id, row.consultation_id, row.role, row.kind)
            found.append(Near(*facts, row.written, like.score, like.because))
    return sorted(found, key=lambda one: -one.score)[:most]


async def _candidates(session: AsyncSession, asked: Folded) -> list[Any]:
    """Rows that are near in letters, in sound or in initials, each once."""
    rows: dict[UUID, Any] = {}
    for column, value in (("form", asked.form), ("sound", asked.sound)):
        await session.execute(_ENOUGH, {"enough": _NEAR_ENOUGH[column]})
        near = await session.execute(_LIKE[column], {"asked": value, "most": _COMPARED})
        rows |= {row.name_id: row for row in near}
    names = {"form": asked.form, "initials": asked.initials, "most": _COMPARED}
    rows |= {row.name_id: row for row in await session.execute(_INITIALS, names)}
    return list(rows.values())
