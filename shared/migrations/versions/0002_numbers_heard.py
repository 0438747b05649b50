"""How far each stream was heard, beside how far each partition was read."""

from alembic import op

revision = "machinery_0002"
down_revision = "machinery_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Unknown for what was read before, until the partition's next record.
    op.execute("ALTER TABLE inbox_offsets ADD COLUMN epoch int, ADD COLUMN sequence bigint")
