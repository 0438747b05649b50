"""Plans as values: the milestones of a practice area, named so that clients understand them."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.values import Line, Prose, Slug

SHIPPED = (
    "litigation",
    "family",
    "criminal-defence",
    "immigration",
    "real-estate",
    "estate-planning",
)


class PlannedMilestone(BaseModel):
    """`name` is what the client reads, `meaning` what it means for them and what comes next."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slug: Slug
    name: Line
    meaning: Annotated[Prose, Field(min_length=1)]


class Plan(BaseModel):
    """In the order in which they are usually reached; none has to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    milestones: Annotated[tuple[PlannedMilestone, ...], Field(min_length=1, max_length=60)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({one.slug for one in self.milestones}) < len(self.milestones):
            raise ValueError("each milestone of a plan has a slug of its own")
        return self

    def find(self, slug: str) -> PlannedMilestone | None:
        return next((one for one in self.milestones if one.slug == slug), None)

    def after(self, reached: set[str]) -> PlannedMilestone | None:
        """What usually comes next: the first after the last that was reached."""
        last = max((n for n, one in enumerate(self.milestones) if one.slug in reached), default=-1)
        return next(iter(self.milestones[last + 1 :]), None)


@cache
def shipped(area: str) -> Plan | None:
    """Version 1 of this practice area's plan; None where the firm has to make its own."""
    if area not in SHIPPED:
        return None
    text = (files("matters.milestones") / "plans" / f"{area}.toml").read_text()
    return Plan.model_validate(tomllib.loads(text))
