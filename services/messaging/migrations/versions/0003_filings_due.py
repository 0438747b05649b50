"""Strangers' mails that turned out to be a client's, to be filed as soon as their keys are held."""

from alembic import op

revision = "messaging_0003"
down_revision = "messaging_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""CREATE TABLE filings_due (
        message_id uuid PRIMARY KEY REFERENCES messages, client_id uuid NOT NULL)""")
    op.execute("""CREATE INDEX messages_of_strangers ON messages (sender_address, received_at)
        WHERE client_id IS NULL""")
