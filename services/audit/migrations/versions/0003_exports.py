"""Exports: what was asked for and how far it is, the files collected for it, and the bundle itself;
both sealed under the client's key and gone when they expire. They are no part of the record."""

from alembic import op

revision = "audit_0003"
down_revision = "audit_0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE exports (
        export_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
        messages uuid[] NOT NULL, requested_by uuid NOT NULL, role text NOT NULL,
        size bigint NOT NULL CHECK (size > 0),
        state text NOT NULL CHECK (state IN ('making', 'stopped', 'ready', 'expired')),
        problem text, done int NOT NULL DEFAULT 0, total int NOT NULL DEFAULT 0 CHECK (total >= 0),
        entries int NOT NULL DEFAULT 0, octets bigint, digest bytea,
        created_at timestamptz NOT NULL, touched_at timestamptz NOT NULL,
        ready_at timestamptz, expires_at timestamptz,
        CHECK (done <= total),
        CHECK ((state = 'ready') <= (octets IS NOT NULL AND digest IS NOT NULL
                                     AND ready_at IS NOT NULL AND expires_at IS NOT NULL)))""",
    "CREATE INDEX exports_to_expire ON exports (expires_at) WHERE state = 'ready'",
    """CREATE TABLE export_files (
        export_id uuid REFERENCES exports, file_id uuid, number int, box bytea NOT NULL,
        commitment text NOT NULL, key_version int NOT NULL,
        PRIMARY KEY (export_id, file_id, number))""",
    """CREATE TABLE export_chunks (
        export_id uuid REFERENCES exports, number int, sealed jsonb NOT NULL,
        PRIMARY KEY (export_id, number))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
