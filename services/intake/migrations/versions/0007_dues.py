"""Each thing that is asked for has a time of its own."""

from alembic import op

revision = "intake_0007"
down_revision = "intake_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without one it is the request's, as of all that was asked before.
    op.execute("ALTER TABLE information_items ADD COLUMN due_at timestamptz")
