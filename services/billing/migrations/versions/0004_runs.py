"""The month's end: a run drafts the invoices of many matters, one transaction each."""

from alembic import op

revision = "billing_0004"
down_revision = "billing_0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE billing_runs (
        run_id uuid PRIMARY KEY, until date NOT NULL, started_by uuid NOT NULL,
        started_at timestamptz NOT NULL)""",
    """CREATE TABLE billing_run_matters (
        run_id uuid REFERENCES billing_runs, matter_id uuid, client_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'drafted', 'nothing', 'failed')),
        invoice_id uuid REFERENCES invoices, detail text, done_at timestamptz,
        PRIMARY KEY (run_id, matter_id),
        CHECK ((state = 'drafted') = (invoice_id IS NOT NULL)),
        CHECK ((state = 'pending') = (done_at IS NULL)))""",
    """CREATE INDEX billing_run_matters_pending ON billing_run_matters (run_id, matter_id)
        WHERE state = 'pending'""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
