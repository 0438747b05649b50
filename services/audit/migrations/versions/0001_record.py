"""The record: entries, the tree over them, its checkpoints, and what reading looks for.

Rows of these tables are written once: the service's role may INSERT and SELECT, and triggers refuse
UPDATE, DELETE and TRUNCATE to everybody, the owner of the tables included.
"""

from alembic import op

revision = "audit_0001"
down_revision = None
branch_labels = None
depends_on = None

WRITTEN_ONCE = {
    "entries": """(
        index bigint PRIMARY KEY, event_id uuid NOT NULL UNIQUE,
        service text NOT NULL, partition int NOT NULL, epoch int NOT NULL, sequence bigint NOT NULL,
        recorded_at timestamptz NOT NULL, entry bytea NOT NULL CHECK (length(entry) <= 4096),
        salt bytea NOT NULL CHECK (length(salt) = 32), metadata bytea NOT NULL,
        value bytea NOT NULL, UNIQUE (service, partition, epoch, sequence))""",
    "nodes": """(
        level smallint, position bigint, hash bytea NOT NULL CHECK (length(hash) = 32),
        PRIMARY KEY (level, position))""",
    "checkpoints": """(
        size bigint PRIMARY KEY, root bytea NOT NULL CHECK (length(root) = 32), note text NOT NULL,
        published_at timestamptz NOT NULL)""",
    "readings": """(
        index bigint PRIMARY KEY REFERENCES entries, type text NOT NULL,
        fact_at timestamptz NOT NULL, client_id uuid, matter_id uuid,
        message_ids uuid[] NOT NULL)""",
    "forks": """(
        service text, partition int, epoch int, sequence bigint, event_id uuid,
        value_sha256 bytea, seen_at timestamptz NOT NULL, metadata bytea NOT NULL,
        value bytea NOT NULL,
        PRIMARY KEY (service, partition, epoch, sequence, event_id, value_sha256))""",
    "strays": """(
        topic text, partition int, record_offset bigint, seen_at timestamptz NOT NULL,
        problem text NOT NULL, metadata bytea NOT NULL, value bytea NOT NULL,
        PRIMARY KEY (topic, partition, record_offset))""",
}

INDEXES = (
    "CREATE INDEX readings_of_matter ON readings (matter_id, fact_at, index)"
    " WHERE matter_id IS NOT NULL",
    "CREATE INDEX readings_of_client ON readings (client_id, index) WHERE client_id IS NOT NULL",
    "CREATE INDEX readings_of_type ON readings (type, index)",
    "CREATE INDEX readings_of_messages ON readings USING gin (message_ids)",
)

# What may change: how far each stream was heard, and when that was last told. Both can be made
# again from the entries.
PROGRESS = (
    """CREATE TABLE stream_heads (
        service text, partition int, epoch int, contiguous bigint NOT NULL, head bigint NOT NULL,
        PRIMARY KEY (service, partition, epoch)) WITH (fillfactor = 50)""",
    """CREATE TABLE recorded_through (
        one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
        told_at timestamptz NOT NULL DEFAULT 'epoch')""",
    "INSERT INTO recorded_through DEFAULT VALUES",
)

REFUSE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME USING ERRCODE = '42501';
    END $$
"""

# The service's role is named like its owner role, without "_owner"; its default privileges would
# let it change what it wrote.
REVOKE = """
    DO $$ BEGIN
        EXECUTE format('REVOKE ALL ON {table} FROM %I', left(current_user, -6));
        EXECUTE format('GRANT SELECT, INSERT ON {table} TO %I', left(current_user, -6));
    END $$
"""


def upgrade() -> None:
    op.execute(REFUSE)
    for table, columns in WRITTEN_ONCE.items():
        op.execute(f"CREATE TABLE {table} {columns}")
        op.execute(
            f"CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER written_once")
        op.execute(REVOKE.format(table=table))
    for statement in (*INDEXES, *PROGRESS):
        op.execute(statement)
