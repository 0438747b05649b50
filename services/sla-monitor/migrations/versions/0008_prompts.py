"""What makes an update owed sooner is kept by its cause: it can be taken back, and outlives a
contact that came before it and is heard of after it."""

from alembic import op

revision = "sla_monitor_0008"
down_revision = "sla_monitor_0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE update_prompts (
        cause_id uuid PRIMARY KEY, matter_id uuid NOT NULL, client_id uuid,
        prompted_at timestamptz NOT NULL)""",
    "CREATE INDEX update_prompts_matter ON update_prompts (matter_id, prompted_at)",
    # What made open clocks urgent before this release, whatever it was.
    """INSERT INTO update_prompts (cause_id, matter_id, client_id, prompted_at)
        SELECT clock_id, matter_id, client_id, urgent_at FROM clocks
        WHERE kind = 'update' AND urgent_at IS NOT NULL
            AND state IN ('running', 'paused', 'unconfirmed', 'breached')""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
