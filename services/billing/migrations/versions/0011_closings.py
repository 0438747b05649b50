"""Which matters are closed: estimates are measured by then, and nothing unbilled is forgotten."""

from alembic import op

revision = "billing_0011"
down_revision = "billing_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No reference to matters: their events may come later.
    op.execute("""CREATE TABLE matter_closings (
        matter_id uuid PRIMARY KEY, client_id uuid NOT NULL, closed_at timestamptz NOT NULL)""")
