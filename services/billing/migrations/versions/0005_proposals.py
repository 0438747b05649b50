"""What the record of communication proposes as time."""

from alembic import op

revision = "billing_0005"
down_revision = "billing_0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    # The id is that of the call or message: it is proposed once, and becomes one entry at most.
    """CREATE TABLE time_proposals (
        proposal_id uuid PRIMARY KEY, source text NOT NULL CHECK (source IN ('call', 'message')),
        client_id uuid NOT NULL, matter_id uuid NOT NULL, staff_id uuid NOT NULL,
        activity_code text NOT NULL, happened_at timestamptz NOT NULL,
        entry_id uuid UNIQUE REFERENCES entries, dismissed_at timestamptz,
        CHECK (entry_id IS NULL OR dismissed_at IS NULL))""",
    """CREATE INDEX time_proposals_waiting ON time_proposals (matter_id, proposal_id)
        WHERE entry_id IS NULL AND dismissed_at IS NULL""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
