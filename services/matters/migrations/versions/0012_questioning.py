"""Questions about the strategy, which belong to no decision."""

from alembic import op

revision = "matters_0012"
down_revision = "matters_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE decision_questions ALTER COLUMN decision_id DROP NOT NULL")
    op.execute(
        "CREATE INDEX decision_questions_matter ON decision_questions (matter_id, question_id)"
    )
