"""Mail that leaves, what clocks owe, and events that wait for the directory."""

from alembic import op

revision = "messaging_0002"
down_revision = "messaging_0001"
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE outbound_messages (
        outbound_id uuid PRIMARY KEY, purpose text NOT NULL UNIQUE,
        message_id_header text NOT NULL UNIQUE, envelope_from text NOT NULL,
        recipient text NOT NULL, automatic boolean NOT NULL, to_client boolean NOT NULL,
        client_id uuid, conversation_id uuid, staff_id uuid, answers uuid[] NOT NULL,
        owner uuid NOT NULL, key_version int NOT NULL, size int NOT NULL,
        commitment text NOT NULL, boxes bytea[] NOT NULL,
        told_as_type text NOT NULL, told_as jsonb NOT NULL, traceparent text, tracestate text,
        state text NOT NULL
            CHECK (state IN ('queued', 'sending', 'accepted', 'failed', 'bounced')),
        attempts int NOT NULL, next_attempt_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL, accepted_at timestamptz, reply text,
        CHECK ((accepted_at IS NOT NULL) = (state IN ('accepted', 'bounced'))))""",
    """CREATE INDEX outbound_messages_due ON outbound_messages (next_attempt_at)
        WHERE state IN ('queued', 'sending')""",
    "CREATE INDEX outbound_messages_answers ON outbound_messages USING gin (answers)",
    """CREATE INDEX outbound_messages_conversation ON outbound_messages (conversation_id)
        WHERE to_client""",
    """CREATE INDEX outbound_messages_automatic ON outbound_messages (lower(recipient), created_at)
        WHERE automatic""",
    """CREATE TABLE acknowledgments (
        clock_id uuid PRIMARY KEY, message_id uuid NOT NULL, conversation_id uuid NOT NULL,
        revision int NOT NULL, due jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'written', 'manual', 'answered')),
        wording text NOT NULL CHECK (wording IN ('full', 'constant_text', 'nothing')), rule text,
        compose_at timestamptz NOT NULL, outbound_id uuid)""",
    """CREATE INDEX acknowledgments_waiting ON acknowledgments (compose_at, conversation_id)
        WHERE state = 'waiting'""",
    "CREATE INDEX acknowledgments_outbound ON acknowledgments (outbound_id)",
    """CREATE TABLE response_promises (
        clock_id uuid PRIMARY KEY, conversation_id uuid NOT NULL, revision int NOT NULL,
        target_at timestamptz NOT NULL, limit_at timestamptz NOT NULL, due jsonb NOT NULL)""",
    "CREATE INDEX response_promises_conversation ON response_promises (conversation_id)",
    """CREATE TABLE postponed_events (
        postponed_id uuid PRIMARY KEY, type text NOT NULL, event jsonb NOT NULL,
        kept_at timestamptz NOT NULL, due_at timestamptz NOT NULL)""",
    "CREATE INDEX postponed_events_due ON postponed_events (due_at)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
