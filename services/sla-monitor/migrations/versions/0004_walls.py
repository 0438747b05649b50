"""Walls, as matters tells of them: raised or lowered may be heard first; and who a caller is."""

from alembic import op

revision = "sla_monitor_0004"
down_revision = "sla_monitor_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE staff ADD COLUMN email text")
    op.execute("CREATE INDEX staff_email ON staff (email)")
    op.execute(
        """CREATE TABLE walls (
            wall_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
            kind text, staff_ids uuid[], lowered boolean NOT NULL DEFAULT false)"""
    )
    op.execute("CREATE INDEX walls_standing ON walls (client_id) WHERE NOT lowered")
