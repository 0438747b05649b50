"""Clocks of updates and decisions: one open per matter, one per decision; and who is away."""

from alembic import op

revision = "sla_monitor_0002"
down_revision = "sla_monitor_0001"
branch_labels = None
depends_on = None

KINDS = "('acknowledgment', 'response', 'triage', 'update', 'decision')"
STATEMENTS = (
    "ALTER TABLE clock_policies DROP CONSTRAINT clock_policies_kind_check",
    f"ALTER TABLE clock_policies ADD CHECK (kind IN {KINDS})",
    "ALTER TABLE clocks DROP CONSTRAINT clocks_kind_check",
    f"ALTER TABLE clocks ADD CHECK (kind IN {KINDS})",
    "ALTER TABLE clocks DROP CONSTRAINT clocks_check",
    """ALTER TABLE clocks ADD CONSTRAINT clocks_check
        CHECK ((message_id IS NULL) = (kind IN ('response', 'update', 'decision')))""",
    "ALTER TABLE clocks ADD COLUMN within interval CHECK (within > interval '0')",
    """CREATE UNIQUE INDEX clocks_one_open_update ON clocks (matter_id)
        WHERE kind = 'update' AND state IN ('running', 'paused', 'unconfirmed', 'breached')""",
    "CREATE UNIQUE INDEX clocks_one_of_a_decision ON clocks (conversation_id)"
    " WHERE kind = 'decision'",
    """CREATE TABLE matter_contacts (
        matter_id uuid PRIMARY KEY, contacted_at timestamptz NOT NULL, cause_id uuid NOT NULL)""",
    """CREATE TABLE absences (
        absence_id uuid PRIMARY KEY, revision int NOT NULL, staff_id uuid NOT NULL,
        stand_in_id uuid NOT NULL, from_at timestamptz NOT NULL, until_at timestamptz NOT NULL,
        cancelled boolean NOT NULL)""",
    "CREATE INDEX absences_staff ON absences (staff_id, until_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
