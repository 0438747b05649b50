"""The line that keeps fees within their limit is counted anew with each change of a draft."""

from alembic import op

revision = "billing_0010"
down_revision = "billing_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""ALTER TABLE invoice_lines ADD COLUMN is_cap boolean NOT NULL DEFAULT false
        CHECK (NOT is_cap OR kind = 'IF')""")
    op.execute("CREATE UNIQUE INDEX invoice_lines_cap ON invoice_lines (invoice_id) WHERE is_cap")
