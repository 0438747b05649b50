"""Who is away when, and who acts for them."""

from alembic import op

revision = "messaging_0008"
down_revision = "messaging_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """CREATE TABLE absences (
            absence_id uuid PRIMARY KEY, revision int NOT NULL, staff_id uuid NOT NULL,
            stand_in_id uuid NOT NULL, from_at timestamptz NOT NULL, until_at timestamptz NOT NULL,
            cancelled boolean NOT NULL, CHECK (from_at < until_at))"""
    )
    op.execute("CREATE INDEX absences_staff ON absences (staff_id, until_at) WHERE NOT cancelled")
