"""What deadlines are called, for those who are reminded of them."""

from alembic import op

revision = "messaging_0010"
down_revision = "messaging_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """CREATE TABLE deadlines (
            deadline_id uuid PRIMARY KEY, revision int NOT NULL, title jsonb NOT NULL,
            due_at timestamptz NOT NULL, cancelled boolean NOT NULL)"""
    )
