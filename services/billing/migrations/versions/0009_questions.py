"""Messages of clients about bills, the form that a dispute asks for, and how disputes ended."""

from alembic import op

revision = "billing_0009"
down_revision = "billing_0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    """ALTER TABLE billing_concerns ADD COLUMN message_id uuid UNIQUE,
        ADD COLUMN arbitration_form text, ADD COLUMN settlement jsonb,
        ADD COLUMN settled_at timestamptz CHECK (settled_at IS NULL OR outcome = 'dispute')""",
    # The id is that of the client's message: it waits once, and becomes one concern at most.
    """CREATE TABLE bill_questions (
        message_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid NOT NULL,
        invoice_id uuid REFERENCES invoices, received_at timestamptz NOT NULL,
        concern_id uuid UNIQUE REFERENCES billing_concerns, dismissed_at timestamptz,
        CHECK (concern_id IS NULL OR dismissed_at IS NULL))""",
    """CREATE INDEX bill_questions_waiting ON bill_questions (matter_id, message_id)
        WHERE concern_id IS NULL AND dismissed_at IS NULL""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
