"""Who counter-signed, by the name that stands on the page of evidence."""

from alembic import op

revision = "intake_0005"
down_revision = "intake_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null where somebody counter-signed before names were kept.
    op.execute("ALTER TABLE engagements ADD countersigned_name text")
