"""A clock of a billing concern."""

from alembic import op

revision = "sla_monitor_0003"
down_revision = "sla_monitor_0002"
branch_labels = None
depends_on = None

KINDS = "kind IN ('acknowledgment', 'response', 'triage', 'update', 'decision', 'concern')"


def upgrade() -> None:
    for table in ("clock_policies", "clocks"):
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_kind_check")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_kind_check CHECK ({KINDS})")
