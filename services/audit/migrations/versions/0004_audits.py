"""Audits of the record: each run with its signed report, and what was found, open until a person
closes it. Reports, findings and closings are written once."""

from alembic import op

revision = "audit_0004"
down_revision = "audit_0003"
branch_labels = None
depends_on = None

RUNS = (
    """CREATE TABLE audits (
        audit_id uuid PRIMARY KEY, size bigint NOT NULL, requested_by uuid,
        state text NOT NULL CHECK (state IN ('running', 'done', 'stopped')),
        checked bigint NOT NULL DEFAULT 0 CHECK (checked BETWEEN 0 AND size),
        started_at timestamptz NOT NULL, touched_at timestamptz NOT NULL, finished_at timestamptz,
        CHECK ((state = 'done') = (finished_at IS NOT NULL)))""",
    "CREATE UNIQUE INDEX one_audit_at_a_time ON audits ((true)) WHERE state = 'running'",
)

WRITTEN_ONCE = {
    "audit_reports": """(
        audit_id uuid PRIMARY KEY REFERENCES audits, report bytea NOT NULL, pdf bytea NOT NULL,
        note text NOT NULL)""",
    "findings": """(
        finding_id uuid PRIMARY KEY, audit_id uuid NOT NULL REFERENCES audits, kind text NOT NULL,
        subject text NOT NULL, words text NOT NULL, found_at timestamptz NOT NULL)""",
    "findings_closed": """(
        finding_id uuid PRIMARY KEY REFERENCES findings, closed_by uuid NOT NULL,
        closed_at timestamptz NOT NULL, reason jsonb NOT NULL)""",
}

# As in 0001: the service's role may INSERT and SELECT, and triggers refuse the rest to everybody.
REVOKE = """
    DO $$ BEGIN
        EXECUTE format('REVOKE ALL ON {table} FROM %I', left(current_user, -6));
        EXECUTE format('GRANT SELECT, INSERT ON {table} TO %I', left(current_user, -6));
    END $$
"""


def upgrade() -> None:
    for statement in RUNS:
        op.execute(statement)
    for table, columns in WRITTEN_ONCE.items():
        op.execute(f"CREATE TABLE {table} {columns}")
        op.execute(
            f"CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER written_once")
        op.execute(REVOKE.format(table=table))
