"""What a client was told in person stays with the update that it was."""

from alembic import op

revision = "matters_0017"
down_revision = "matters_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE progress_updates ADD COLUMN note jsonb")
