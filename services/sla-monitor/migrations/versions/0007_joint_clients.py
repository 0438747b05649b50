"""An update clock for each client of a matter, and clocks of their questions. Contacts are known by
client; `matter_contacts` stays for the release before this one and goes with the next."""

from alembic import op

revision = "sla_monitor_0007"
down_revision = "sla_monitor_0006"
branch_labels = None
depends_on = None

KINDS = """kind IN ('acknowledgment', 'response', 'triage', 'update', 'decision', 'question',
    'concern', 'information')"""
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
        = (kind IN ('response', 'update', 'decision', 'question', 'information')))""",
    "CREATE UNIQUE INDEX clocks_one_of_a_question ON clocks (conversation_id)"
    " WHERE kind = 'question'",
    # The subject is the matter for its own client, and the membership for a joint one.
    "DROP INDEX clocks_one_open_update",
    """CREATE UNIQUE INDEX clocks_one_open_update ON clocks (conversation_id)
        WHERE kind = 'update' AND state IN ('running', 'paused', 'unconfirmed', 'breached')""",
    """CREATE INDEX clocks_open_updates ON clocks (matter_id)
        WHERE kind = 'update' AND state IN ('running', 'paused', 'unconfirmed', 'breached')""",
    """CREATE TABLE client_contacts (
        matter_id uuid, client_id uuid, contacted_at timestamptz NOT NULL, cause_id uuid NOT NULL,
        PRIMARY KEY (matter_id, client_id))""",
    """INSERT INTO client_contacts (matter_id, client_id, contacted_at, cause_id)
        SELECT DISTINCT ON (matter_id) matter_id, client_id, contacted_at, cause_id
        FROM matter_contacts JOIN clocks USING (matter_id)
        WHERE kind = 'update' ORDER BY matter_id, clock_id""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
