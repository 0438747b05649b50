"""Updates are messages too."""

from alembic import op

revision = "messaging_0004"
down_revision = "messaging_0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE messages DROP CONSTRAINT messages_kind_check",
    """ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN
        ('message', 'answer', 'question', 'acknowledgment', 'update', 'note', 'call', 'report'))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
