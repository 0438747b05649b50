"""Publish a version of a template."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.templates import queries, wording
from intake.templates.models import Template
from intake.templates.wording import Section, TemplateRefused
from shared import clock
from shared.errors import Invalid, Refusal


class TemplatePublishedMeanwhile(Refusal):
    """Somebody else published a version of this template at the same time."""


async def publish(
    session: AsyncSession, template: str, sections: Sequence[Section], *, by: UUID
) -> Template:
    """A new version; earlier ones stay, for what was made of them. Raises Invalid for wording that
    does what no template may."""
    try:
        wording.check(sections)
    except TemplateRefused as error:
        raise Invalid(f"This template is not taken: {error}.") from error
    row = Template(
        template=template,
        version=await queries.published(session, template) + 1,
        sections=[{"heading": one.heading, "body": one.body} for one in sections],
        published_at=clock.now(),
        published_by=by,
    )
    added = await session.execute(
        insert(Template)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(Template.version))
    )
    if added.scalar_one_or_none() is None:
        raise TemplatePublishedMeanwhile("Somebody else published one just now: read it first.")
    return row
