"""Mail that was taken back while it waited for the end of quiet hours."""

from alembic import op

revision = "messaging_0011"
down_revision = "messaging_0010"
branch_labels = None
depends_on = None

STATES = "('held', 'withdrawn', 'queued', 'sending', 'accepted', 'failed', 'bounced')"


def upgrade() -> None:
    op.execute("ALTER TABLE outbound_messages DROP CONSTRAINT outbound_messages_state_check")
    op.execute(
        "ALTER TABLE outbound_messages ADD CONSTRAINT outbound_messages_state_check "
        f"CHECK (state IN {STATES})"
    )
