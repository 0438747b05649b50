"""Calendars, policies, who is asked, and clocks."""

from alembic import op

revision = "sla_monitor_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE calendars (
        calendar_id uuid, version int, name text NOT NULL, document jsonb NOT NULL,
        published_at timestamptz NOT NULL, published_by uuid NOT NULL,
        PRIMARY KEY (calendar_id, version))""",
    """CREATE TABLE clock_policies (
        kind text CHECK (kind IN ('acknowledgment', 'response', 'triage')),
        version int CHECK (version > 1), document jsonb NOT NULL,
        published_at timestamptz NOT NULL, published_by uuid NOT NULL,
        PRIMARY KEY (kind, version))""",
    """CREATE TABLE firms (
        firm_id uuid PRIMARY KEY, time_zone text NOT NULL, calendar_id uuid,
        revision int NOT NULL)""",
    """CREATE TABLE staff (
        staff_id uuid PRIMARY KEY, supervisor_id uuid, stand_in_id uuid,
        managing_partner boolean NOT NULL, active boolean NOT NULL)""",
    """CREATE TABLE contact_assignments (
        assignment_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
        staff_id uuid NOT NULL, from_at timestamptz NOT NULL)""",
    "CREATE INDEX contact_assignments_client ON contact_assignments (client_id, from_at)",
    """CREATE TABLE clocks (
        clock_id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('acknowledgment', 'response', 'triage')),
        state text NOT NULL CHECK (
            state IN ('running', 'paused', 'unconfirmed', 'met', 'breached', 'cancelled')),
        revision int NOT NULL, conversation_id uuid NOT NULL, client_id uuid, matter_id uuid,
        message_id uuid CHECK ((message_id IS NULL) = (kind = 'response')),
        opened_at timestamptz NOT NULL, urgent_at timestamptz, policy_version int NOT NULL,
        calendar_id uuid, calendar_version int NOT NULL, time_zone text NOT NULL,
        target_at timestamptz, limit_at timestamptz, next_at timestamptz, warned_at timestamptz,
        breached_at timestamptz, met_at timestamptz, met_by uuid, cancelled_at timestamptz)""",
    # What the ticker reads: only clocks with something left to tell.
    "CREATE INDEX clocks_next ON clocks (next_at) WHERE next_at IS NOT NULL",
    """CREATE INDEX clocks_running ON clocks (kind)
        WHERE state IN ('running', 'paused', 'unconfirmed')""",
    """CREATE UNIQUE INDEX clocks_one_open_response ON clocks (conversation_id)
        WHERE kind = 'response' AND state IN ('running', 'paused', 'unconfirmed', 'breached')""",
    """CREATE UNIQUE INDEX clocks_one_of_a_message ON clocks (message_id, kind)
        WHERE message_id IS NOT NULL""",
    """CREATE INDEX clocks_open_acknowledgments ON clocks (conversation_id)
        WHERE kind = 'acknowledgment' AND met_at IS NULL AND cancelled_at IS NULL""",
    "CREATE INDEX clocks_met_by ON clocks (met_by) WHERE met_by IS NOT NULL",
    "CREATE INDEX clocks_matter ON clocks (matter_id, clock_id) WHERE matter_id IS NOT NULL",
    "CREATE INDEX clocks_client ON clocks (client_id, clock_id) WHERE client_id IS NOT NULL",
    """CREATE TABLE clock_messages (
        clock_id uuid REFERENCES clocks, message_id uuid, received_at timestamptz NOT NULL,
        urgent boolean NOT NULL, PRIMARY KEY (clock_id, message_id))""",
    "CREATE INDEX clock_messages_message ON clock_messages (message_id)",
    """CREATE TABLE clock_pauses (
        clock_id uuid REFERENCES clocks, pause_id uuid, paused_at timestamptz NOT NULL,
        resumed_at timestamptz, PRIMARY KEY (clock_id, pause_id))""",
    # The key is the guarantee: a threshold of a clock is told once, a breach too.
    """CREATE TABLE clock_firings (
        clock_id uuid REFERENCES clocks, threshold text, due_at timestamptz NOT NULL,
        detected_at timestamptz NOT NULL, PRIMARY KEY (clock_id, threshold))""",
    "CREATE TABLE early_filings (message_id uuid PRIMARY KEY, filed_at timestamptz NOT NULL)",
    """CREATE TABLE heads_statements (
        service text PRIMARY KEY, stated_at timestamptz NOT NULL, heads jsonb NOT NULL)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
