"""Walls, as matters tells of them: raised or lowered may be heard first."""

from alembic import op

revision = "messaging_0005"
down_revision = "messaging_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """CREATE TABLE walls (
            wall_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
            kind text, staff_ids uuid[], lowered boolean NOT NULL DEFAULT false)"""
    )
    op.execute("CREATE INDEX walls_standing ON walls (client_id) WHERE NOT lowered")
