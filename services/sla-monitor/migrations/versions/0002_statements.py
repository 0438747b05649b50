"""What messaging last stated of its streams."""

from alembic import op

revision = "sla_monitor_0002"
down_revision = "sla_monitor_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE heads_statements (
            service text PRIMARY KEY, stated_at timestamptz NOT NULL, heads jsonb NOT NULL)
    """)
