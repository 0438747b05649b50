"""Settings of billing, beside those that every service has."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import Settings


class BillingSettings(Settings):
    service: ClassVar[str] = "billing"

    billing_database_url: SecretStr

    max_body_bytes: int = 4_194_304  # a receipt travels in the body

    billing_thresholds: tuple[int, ...] = Field(
        (50, 75, 90, 100), description="percent of an estimate at which the client is told"
    )
    billing_look_every: float = Field(
        5.0, description="seconds between two looks for late penalties whose day has come"
    )
    billing_criminal_areas: frozenset[str] = Field(
        frozenset({"criminal", "criminal-defence", "criminal-defense"}),
        description="practice areas in which Rule 1.5(d)(2) forbids contingent fees",
    )
    billing_domestic_areas: frozenset[str] = Field(
        frozenset({"domestic-relations", "divorce", "family", "family-law"}),
        description="practice areas in which Rule 1.5(d)(1) forbids contingent fees",
    )
