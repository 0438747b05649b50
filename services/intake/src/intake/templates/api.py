"""HTTP in: the firm's templates of agreements."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from intake.access import TABLE
from intake.templates import actions, queries
from intake.templates.wording import Section, Text
from shared.auth import Caller
from shared.db import Transaction
from shared.errors import Invalid, NotFound
from shared.idempotency import IdempotentRoute
from shared.policy import permit
from shared.values import Line, Slug

router = APIRouter(
    prefix="/v1/engagement-templates", tags=["engagements"], route_class=IdempotentRoute
)


class SectionWritten(BaseModel):
    """Jinja's {{ places }}, {% if %} and {% for %} over what was agreed; nothing else."""

    model_config = ConfigDict(extra="forbid")
    heading: Line
    body: Text


class NewTemplate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    template: Slug
    sections: Annotated[list[SectionWritten], Field(min_length=1, max_length=200)]


class TemplateShown(BaseModel):
    template: str
    version: int
    sections: list[SectionWritten]


@router.post("", status_code=201)
async def post_template(body: NewTemplate, caller: Caller, session: Transaction) -> TemplateShown:
    """A new version of a template; agreements made of earlier ones stay as they are."""
    permit(TABLE, caller, "write templates")
    sections = [Section(one.heading, one.body) for one in body.sections]
    row = await actions.publish(session, body.template, sections, by=caller.id)
    return TemplateShown(template=row.template, version=row.version, sections=body.sections)


@router.get("/{template}")
async def get_template(template: str, caller: Caller, session: Transaction) -> TemplateShown:
    """The newest version; `standard` is built in until the firm publishes its own."""
    permit(TABLE, caller, "read templates")
    try:
        version = await queries.newest_version(session, template)
    except Invalid as error:
        raise NotFound(error.detail) from error
    sections = [
        SectionWritten(heading=one.heading, body=one.body)
        for one in await queries.sections(session, template, version)
    ]
    return TemplateShown(template=template, version=version, sections=sections)
