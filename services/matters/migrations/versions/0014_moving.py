"""A client is told of a deadline once in each of its revisions: of its day, and that it moved."""

from alembic import op

revision = "matters_0014"
down_revision = "matters_0013"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE progress_updates ADD COLUMN source_revision int NOT NULL DEFAULT 1",
    "DROP INDEX progress_updates_once",
    """CREATE UNIQUE INDEX progress_updates_once
        ON progress_updates (source_id, source_revision, client_id)
        WHERE source_id IS NOT NULL AND state <> 'cancelled'""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
