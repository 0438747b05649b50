"""What a version of fee terms changes is kept by itself, for the page of what a matter costs."""

from alembic import op

revision = "billing_0008"
down_revision = "billing_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE fee_terms ADD COLUMN changes jsonb")
