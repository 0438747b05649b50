"""Concerns about bills, with the instants that were promised for them."""

from alembic import op

revision = "billing_0003"
down_revision = "billing_0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    # What is disputed is an amount of an invoice, set apart in trust as far as the client has money
    # there for the matter.
    """CREATE TABLE billing_concerns (
        concern_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid NOT NULL,
        invoice_id uuid REFERENCES invoices, lines int[] NOT NULL,
        kind text NOT NULL, channel text NOT NULL CHECK (
            channel IN ('portal', 'email', 'phone', 'staff')),
        state text NOT NULL CHECK (state IN ('raised', 'acknowledged', 'answered', 'resolved')),
        disputed bigint NOT NULL CHECK (disputed >= 0), apart bigint NOT NULL CHECK (apart >= 0),
        currency text, owner_id uuid, text jsonb NOT NULL, answer jsonb, outcome text CHECK (
            outcome IN ('explanation', 'credit', 'dispute')),
        conclusion jsonb, credit_note_id uuid REFERENCES credit_notes, arbitration_until date,
        raised_by uuid NOT NULL, raised_at timestamptz NOT NULL, acknowledged_at timestamptz,
        answered_at timestamptz, resolved_at timestamptz,
        CHECK (apart <= disputed), CHECK (disputed = 0 OR invoice_id IS NOT NULL),
        CHECK ((state = 'resolved') = (outcome IS NOT NULL)),
        CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
        CHECK ((outcome = 'credit') = (credit_note_id IS NOT NULL)))""",
    "CREATE INDEX billing_concerns_client ON billing_concerns (client_id, concern_id)",
    "CREATE INDEX billing_concerns_matter ON billing_concerns (matter_id, concern_id)",
    # A line is disputed in one open concern at a time.
    """CREATE TABLE disputed_lines (
        invoice_id uuid, number int, concern_id uuid NOT NULL REFERENCES billing_concerns,
        PRIMARY KEY (invoice_id, number),
        FOREIGN KEY (invoice_id, number) REFERENCES invoice_lines)""",
    # What sla-monitor said of a concern's clock; it may be heard before or after anything else.
    """CREATE TABLE concern_clocks (
        concern_id uuid PRIMARY KEY, revision int NOT NULL, target_at timestamptz NOT NULL,
        limit_at timestamptz NOT NULL)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
