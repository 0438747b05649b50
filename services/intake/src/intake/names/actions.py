"""Keep names: once each for whose it is and what they are to the firm."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.names import rules
from intake.names.models import Name
from intake.names.rules import Kind, Role
from shared.ids import new_id


async def keep(
    session: AsyncSession,
    *,
    subject_id: UUID,
    role: Role,
    written: Iterable[str],
    kind: Kind = "person",
    client_id: UUID | None = None,
    consultation_id: UUID | None = None,
) -> list[str]:
    """Idempotent; gives the names that are new. Names are never forgotten: a former one still tells
    of a conflict."""
    rows = [
        {
            "name_id": new_id(),
            "subject_id": subject_id,
            "client_id": client_id,
            "consultation_id": consultation_id,
            "role": role,
            "kind": kind,
            "written": one,
            "form": folded.form,
            "sound": folded.sound,
            "initials": folded.initials,
        }
        for one in dict.fromkeys(written)
        for folded in [rules.fold(one)]
    ]
    if not rows:
        return []
    added = insert(Name).values(rows).on_conflict_do_nothing().returning(col(Name.written))
    return list((await session.execute(added)).scalars())
