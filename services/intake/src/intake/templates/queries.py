"""Which version of a template is the newest, and what it says."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.templates import wording
from intake.templates.models import Template
from intake.templates.wording import Section
from shared.errors import Invalid

STANDARD = "standard"
BUILT_IN_VERSION = 0


async def published(session: AsyncSession, template: str) -> int:
    """How many versions of it the firm published."""
    found = await session.execute(
        select(func.max(col(Template.version))).where(col(Template.template) == template)
    )
    return found.scalar_one() or BUILT_IN_VERSION


async def newest_version(session: AsyncSession, template: str) -> int:
    """Raises Invalid for a template that nobody published; the standard one is built in."""
    version = await published(session, template)
    if version == BUILT_IN_VERSION and template != STANDARD:
        raise Invalid(f"There is no template “{template}”.")
    return version


async def sections(session: AsyncSession, template: str, version: int) -> list[Section]:
    if version == BUILT_IN_VERSION:
        return list(wording.STANDARD)
    found = await session.get_one(Template, (template, version))
    return [Section(**one) for one in found.sections]
