"""Deadlines of matters and the reminders of them; clocks of what clients were asked for."""

from alembic import op

revision = "sla_monitor_0005"
down_revision = "sla_monitor_0004"
branch_labels = None
depends_on = None

KINDS = """kind IN ('acknowledgment', 'response', 'triage', 'update', 'decision', 'concern',
    'information')"""
STATEMENTS = (
    *(
        statement
        for table in ("clock_policies", "clocks")
        for statement in (
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_kind_check",
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_kind_check CHECK ({KINDS})",
        )
    ),
    "ALTER TABLE clocks DROP CONSTRAINT clocks_check",
    """ALTER TABLE clocks ADD CONSTRAINT clocks_check CHECK ((message_id IS NULL)
        = (kind IN ('response', 'update', 'decision', 'information')))""",
    """CREATE UNIQUE INDEX clocks_one_of_a_request ON clocks (conversation_id)
        WHERE kind = 'information'""",
    """CREATE TABLE deadlines (
        deadline_id uuid PRIMARY KEY, revision int NOT NULL, client_id uuid NOT NULL,
        matter_id uuid NOT NULL, due_at timestamptz NOT NULL, stands boolean NOT NULL,
        calendar_id uuid, calendar_version int NOT NULL, time_zone text NOT NULL)""",
    "CREATE INDEX deadlines_matter ON deadlines (matter_id) WHERE stands",
    # The key is the guarantee: each step of each revision is told once.
    """CREATE TABLE deadline_reminders (
        deadline_id uuid REFERENCES deadlines, revision int, working_days int,
        remind_at timestamptz NOT NULL, told_at timestamptz,
        PRIMARY KEY (deadline_id, revision, working_days))""",
    """CREATE INDEX deadline_reminders_next ON deadline_reminders (remind_at)
        WHERE told_at IS NULL""",
    "CREATE INDEX contact_assignments_matter ON contact_assignments (matter_id, from_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
