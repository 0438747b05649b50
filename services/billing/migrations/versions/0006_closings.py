"""Closing statements of contingent matters; a day of 25 hours is a day of work too."""

from alembic import op

revision = "billing_0006"
down_revision = "billing_0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    # What was recovered is accounted for to the last unit. A correction is a higher version.
    """CREATE TABLE closing_statements (
        statement_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid NOT NULL,
        version int NOT NULL CHECK (version > 0), terms_id uuid NOT NULL,
        terms_version int NOT NULL, entry_id uuid UNIQUE REFERENCES entries, stage text,
        currency text NOT NULL, recovered bigint NOT NULL CHECK (recovered >= 0),
        base bigint NOT NULL CHECK (base >= 0), percent numeric(7, 4) NOT NULL,
        fee bigint NOT NULL CHECK (fee >= 0), expenses bigint NOT NULL CHECK (expenses >= 0),
        deducted bigint NOT NULL CHECK (deducted >= 0), others bigint NOT NULL CHECK (others >= 0),
        to_client bigint NOT NULL, outcome jsonb NOT NULL, text jsonb NOT NULL,
        content_id uuid NOT NULL REFERENCES documents, commitment text NOT NULL,
        issued_by uuid NOT NULL, issued_at timestamptz NOT NULL, UNIQUE (matter_id, version),
        CHECK ((stage IS NULL) = (recovered = 0)),
        CHECK (to_client = recovered - fee - deducted - others),
        FOREIGN KEY (terms_id, terms_version) REFERENCES fee_terms)""",
    """CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON closing_statements
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    # A timer is cut at midnight, and the day that summer time ends on has an hour more.
    "ALTER TABLE entries DROP CONSTRAINT entries_minutes_check",
    "ALTER TABLE entries ADD CONSTRAINT entries_minutes_check CHECK (minutes BETWEEN 0 AND 1500)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
