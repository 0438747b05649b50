"""Entries that correct entries, and mail that is shown to nobody."""

from alembic import op

revision = "messaging_0007"
down_revision = "messaging_0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE messages ADD COLUMN corrects uuid REFERENCES messages",
    # Of two who correct the same entry at once, one wins.
    "CREATE UNIQUE INDEX messages_corrects ON messages (corrects) WHERE corrects IS NOT NULL",
    "ALTER TABLE outbound_messages ADD COLUMN withheld boolean NOT NULL DEFAULT false",
    """UPDATE outbound_messages SET withheld = true
        WHERE purpose LIKE 'code/%' OR purpose LIKE 'link/%'""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
