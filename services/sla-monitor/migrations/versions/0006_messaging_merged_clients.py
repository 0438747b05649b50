"""Entries of clients that turned out to be one."""

from alembic import op

revision = "sla_monitor_0006"
down_revision = "sla_monitor_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """CREATE TABLE merged_clients (
            merged_id uuid PRIMARY KEY, client_id uuid NOT NULL CHECK (client_id <> merged_id))"""
    )
    op.execute("CREATE INDEX merged_clients_client ON merged_clients (client_id)")
