"""Which of the known names may be the one that is asked for."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from intake.names import rules
from intake.names.rules import Kind, Role

MOST_HITS = 20
_NEAR_ENOUGH = "0.3"
_COMPARED = 100

# Each branch is answered by one index; the union is what is compared word by word.
_NEAR = text("""
    WITH near AS (
        (SELECT name_id FROM names WHERE form % :form
         ORDER BY similarity(form, :form) DESC LIMIT :most)
        UNION
        (SELECT name_id FROM names WHERE sound % :sound
         ORDER BY similarity(sound, :sound) DESC LIMIT :most)
        UNION
        (SELECT name_id FROM names WHERE initials <> '' AND initials = :form LIMIT :most)
        UNION
        (SELECT name_id FROM names WHERE length(form) <= 8 AND form = :initials LIMIT :most))
    SELECT name_id, subject_id, client_id, consultation_id, role, kind, written
    FROM names JOIN near USING (name_id)
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
    await session.execute(
        text("SELECT set_config('pg_trgm.similarity_threshold', :enough, true)"),
        {"enough": _NEAR_ENOUGH},
    )
    parameters = {"form": asked.form, "sound": asked.sound, "initials": asked.initials}
    rows = await session.execute(_NEAR, parameters | {"most": _COMPARED})
    found = []
    for row in rows:
        like = rules.likeness(asked, rules.fold(row.written))
        if like is not None:
            facts = (row.subject_id, row.client_id, row.consultation_id, row.role, row.kind)
            found.append(Near(*facts, row.written, like.score, like.because))
    return sorted(found, key=lambda one: -one.score)[:most]
