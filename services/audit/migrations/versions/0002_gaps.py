"""Gaps and silences, each told once, and when they healed; written once like the record itself.

A number that came is never missing again, so gaps of one stream never overlap, open or healed.
"""

from alembic import op

revision = "audit_0002"
down_revision = "audit_0001"
branch_labels = None
depends_on = None

WRITTEN_ONCE = {
    "gaps": """(
        gap_id uuid PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('missing', 'cut-tail')),
        service text NOT NULL, partition int NOT NULL, epoch int NOT NULL,
        first bigint NOT NULL CHECK (first > 0), last bigint NOT NULL CHECK (last >= first),
        detected_at timestamptz NOT NULL,
        EXCLUDE USING gist (service WITH =, partition WITH =, epoch WITH =,
                            int8range(first, last, '[]') WITH &&))""",
    "silences": """(
        gap_id uuid PRIMARY KEY, service text NOT NULL, after_index bigint NOT NULL,
        last_heard_at timestamptz, detected_at timestamptz NOT NULL,
        UNIQUE (service, after_index))""",
    "gaps_healed": "(gap_id uuid PRIMARY KEY, healed_at timestamptz NOT NULL)",
}

# As in 0001: the service's role may INSERT and SELECT, and triggers refuse the rest to everybody.
REVOKE = """
    DO $$ BEGIN
        EXECUTE format('REVOKE ALL ON {table} FROM %I', left(current_user, -6));
        EXECUTE format('GRANT SELECT, INSERT ON {table} TO %I', left(current_user, -6));
    END $$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    for table, columns in WRITTEN_ONCE.items():
        op.execute(f"CREATE TABLE {table} {columns}")
        op.execute(
            f"CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER written_once")
        op.execute(REVOKE.format(table=table))
