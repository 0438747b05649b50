"""Settings of sla-monitor."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import Settings


class SlaMonitorSettings(Settings):
    service: ClassVar[str] = "sla-monitor"

    sla_monitor_database_url: SecretStr
    max_body_bytes: int = 4_194_304  # 10,000 dues in one list
    sla_monitor_batch: int = Field(100, description="clocks fired in one transaction")
    sla_monitor_settle: float = Field(
        0.1, description="seconds after an instant before it is asked what was heard by then"
    )
    sla_monitor_deadline_steps: tuple[int, ...] = Field(
        (10, 5, 2, 1),
        description="working days before a deadline at which it is reminded of",
    )
    sla_monitor_leap: float = Field(
        60.0, description="seconds by which time may leap unannounced before firing pauses"
    )
