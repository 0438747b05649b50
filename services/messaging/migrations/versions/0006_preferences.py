"""How clients want to hear, and mail that waits for the end of their quiet hours."""

from alembic import op

revision = "messaging_0006"
down_revision = "messaging_0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE preferences (
        client_id uuid PRIMARY KEY, revision int NOT NULL, wishes jsonb NOT NULL,
        quiet_from time, quiet_until time, language text NOT NULL,
        reading text NOT NULL CHECK (reading IN ('usual', 'plain', 'large')),
        CHECK ((quiet_from IS NULL) = (quiet_until IS NULL)), CHECK (quiet_from <> quiet_until))""",
    "ALTER TABLE messages DROP CONSTRAINT messages_kind_check",
    """ALTER TABLE messages ADD CONSTRAINT messages_kind_check CHECK (kind IN
        ('message', 'answer', 'question', 'acknowledgment', 'update', 'notice', 'note', 'call',
         'report'))""",
    "ALTER TABLE outbound_messages ADD COLUMN held_until timestamptz",
    "ALTER TABLE outbound_messages ADD COLUMN leaves_by timestamptz",
    "ALTER TABLE outbound_messages DROP CONSTRAINT outbound_messages_state_check",
    """ALTER TABLE outbound_messages ADD CONSTRAINT outbound_messages_state_check CHECK (state IN
        ('held', 'queued', 'sending', 'accepted', 'failed', 'bounced'))""",
    # What answers a client's own words never waits, nor does what goes to staff.
    """ALTER TABLE outbound_messages ADD CONSTRAINT outbound_messages_held CHECK
        (state <> 'held' OR (held_until IS NOT NULL AND to_client AND answers = '{}'))""",
    """CREATE INDEX outbound_messages_held ON outbound_messages (held_until)
        WHERE state = 'held'""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
