"""How facts travel: outbox and streams, inbox and offsets, parked events, keys of requests,
accesses."""

from alembic import op

revision = "machinery_0001"
down_revision = None
branch_labels = None
depends_on = None

PARTITIONS = 12

TABLES = (
    """CREATE TABLE outbox_heads (
        partition int PRIMARY KEY, epoch int NOT NULL DEFAULT 1,
        last_sequence bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)""",
    """CREATE TABLE outbox_sent (
        partition int, epoch int, last_sequence bigint NOT NULL DEFAULT 0,
        recorded_sequence bigint NOT NULL DEFAULT 0, sent_at timestamptz,
        PRIMARY KEY (partition, epoch)) WITH (fillfactor = 50)""",
    """CREATE TABLE outbox (
        partition int, epoch int, sequence bigint, event_id uuid NOT NULL, type text NOT NULL,
        key text NOT NULL, subject text NOT NULL, time timestamptz NOT NULL,
        traceparent text, tracestate text, value bytea NOT NULL,
        PRIMARY KEY (partition, epoch, sequence))""",
    """CREATE TABLE heads_stated (
        one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
        stated_at timestamptz NOT NULL DEFAULT 'epoch', total bigint NOT NULL DEFAULT 0)""",
    "CREATE TABLE inbox (event_id uuid PRIMARY KEY)",
    """CREATE TABLE inbox_offsets (
        topic text, partition int, next_offset bigint NOT NULL, epoch int, sequence bigint,
        PRIMARY KEY (topic, partition))""",
    """CREATE TABLE parked_events (
        topic text, partition int, record_offset bigint, key text NOT NULL, type text NOT NULL,
        event_id text NOT NULL, headers text NOT NULL, value bytea NOT NULL, problem text NOT NULL,
        parked_at timestamptz NOT NULL, replayed_at timestamptz,
        PRIMARY KEY (topic, partition, record_offset))""",
    "CREATE INDEX parked_events_waiting ON parked_events (key) WHERE replayed_at IS NULL",
    """CREATE TABLE idempotency_keys (
        caller_id uuid, key text, fingerprint bytea NOT NULL, status int NOT NULL,
        media_type text NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL,
        PRIMARY KEY (caller_id, key))""",
    "CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)",
    """CREATE TABLE accesses (
        caller_id uuid, role text NOT NULL, client_id uuid, purpose text, denied boolean,
        count int NOT NULL, first_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
        PRIMARY KEY (caller_id, client_id, purpose, denied))""",
    "CREATE INDEX accesses_age ON accesses (first_at)",
    f"INSERT INTO outbox_heads (partition) SELECT generate_series(0, {PARTITIONS - 1})",
    f"INSERT INTO outbox_sent (partition, epoch) SELECT generate_series(0, {PARTITIONS - 1}), 1",
    "INSERT INTO heads_stated DEFAULT VALUES",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
