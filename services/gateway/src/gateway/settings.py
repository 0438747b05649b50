"""Settings of the gateway: no database, no Kafka, no keys."""

from typing import ClassVar

from pydantic import Field

from shared.settings import ProcessSettings


class GatewaySettings(ProcessSettings):
    service: ClassVar[str] = "gateway"

    matters_url: str
    sla_monitor_url: str
    messaging_url: str
    billing_url: str
    audit_url: str
    intake_url: str

    max_body_bytes: int = 4_194_304  # the largest that a service takes
    gateway_connect_timeout: float = 2.0
    gateway_timeout: float = Field(
        30.0, description="until a service begins to answer, and between two pieces of its answer"
    )
    gateway_watch_every: float = Field(
        2.0, description="between two looks at each service; a quarter of it until all are ready"
    )
    gateway_caller_limit: str = "30000/minute"
    gateway_anonymous_limit: str = Field(
        "600/minute", description="refused tokens and public documents, per peer address"
    )

    gateway_open_limit: str = Field(
        "1200/minute", description="calls that need no token, per peer address"
    )

    @property
    def services(self) -> dict[str, str]:
        """The address of each service by its name on the wire."""
        urls = {
            "matters": self.matters_url,
            "sla-monitor": self.sla_monitor_url,
            "messaging": self.messaging_url,
            "billing": self.billing_url,
            "audit": self.audit_url,
            "intake": self.intake_url,
        }
        return {name: url.rstrip("/") for name, url in urls.items()}
