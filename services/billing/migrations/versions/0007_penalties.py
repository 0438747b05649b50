"""Late penalties are charged by the calendar, and taken back where facts come late."""

from alembic import op

revision = "billing_0007"
down_revision = "billing_0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE invoices ADD COLUMN penalty_on date",
    """CREATE INDEX invoices_penalty ON invoices (penalty_on, invoice_id)
        WHERE penalty_on IS NOT NULL""",
    # As in 0002, and that the day moves on which a penalty is looked for.
    """CREATE OR REPLACE FUNCTION keep_issued() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        movable text[] := '{penalties,penalty_on,paid,credited,disputed,open,content_id}';
    BEGIN
        IF OLD.state = 'issued' AND (TG_OP = 'DELETE'
            OR to_jsonb(NEW) - movable <> to_jsonb(OLD) - movable)
        THEN
            RAISE EXCEPTION 'invoice % is issued: it is credited, never changed', OLD.number
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN COALESCE(NEW, OLD);
    END $$""",
    """UPDATE invoices SET penalty_on = due_on + grace_days + 1
        WHERE state = 'issued' AND penalty_percent IS NOT NULL AND open > 0""",
    # What is taken back is a row too, and there may be several of a day.
    "ALTER TABLE late_penalties DROP CONSTRAINT late_penalties_pkey",
    "ALTER TABLE late_penalties ADD PRIMARY KEY (penalty_id)",
    "ALTER TABLE late_penalties DROP CONSTRAINT late_penalties_amount_check",
    "ALTER TABLE late_penalties ADD CHECK (amount <> 0)",
    "CREATE INDEX late_penalties_invoice ON late_penalties (invoice_id)",
    """CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON late_penalties
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
