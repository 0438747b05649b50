"""The ledger, which balances by constraint, and what stands on it: invoices, payments, trust."""

from alembic import op

revision = "billing_0002"
down_revision = "billing_0001"
branch_labels = None
depends_on = None

LEDGER = (
    """CREATE TABLE ledger_transactions (
        transaction_id uuid PRIMARY KEY, kind text NOT NULL, client_id uuid NOT NULL,
        matter_id uuid NOT NULL, currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        occurred_on date NOT NULL, cause_id uuid NOT NULL, posted_by uuid NOT NULL,
        posted_at timestamptz NOT NULL, UNIQUE (kind, cause_id))""",
    # Debits are positive, credits negative. `balance` is that of the account, client, matter and
    # currency after this posting, so that a balance at any time is one look into an index.
    """CREATE TABLE postings (
        posting_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        transaction_id uuid NOT NULL REFERENCES ledger_transactions,
        book text NOT NULL CHECK (book IN ('operating', 'trust')), account text NOT NULL,
        client_id uuid NOT NULL, matter_id uuid NOT NULL, currency text NOT NULL,
        occurred_on date NOT NULL, amount bigint NOT NULL CHECK (amount <> 0),
        balance bigint NOT NULL)""",
    "CREATE INDEX postings_transaction ON postings (transaction_id)",
    """CREATE INDEX postings_account
        ON postings (matter_id, book, account, currency, posting_id DESC)""",
    # No client's money in trust is ever below zero, and what trust owes is what trust has.
    """CREATE TABLE balances (
        book text, account text, client_id uuid, matter_id uuid, currency text,
        balance bigint NOT NULL,
        PRIMARY KEY (matter_id, book, account, currency, client_id),
        CONSTRAINT trust_never_below_zero CHECK (
            book <> 'trust' OR (account = 'bank' AND balance >= 0)
            OR (account IN ('clients', 'disputed') AND balance <= 0)))""",
    "CREATE INDEX balances_client ON balances (client_id)",
    """CREATE FUNCTION carry_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- A row of nothing first: what is proposed for insertion would have to pass the check too.
        INSERT INTO balances (book, account, client_id, matter_id, currency, balance)
        VALUES (NEW.book, NEW.account, NEW.client_id, NEW.matter_id, NEW.currency, 0)
        ON CONFLICT DO NOTHING;
        UPDATE balances SET balance = balances.balance + NEW.amount
        WHERE (matter_id, book, account, currency, client_id)
            = (NEW.matter_id, NEW.book, NEW.account, NEW.currency, NEW.client_id)
        RETURNING balances.balance INTO NEW.balance;
        RETURN NEW;
    END $$""",
    """CREATE TRIGGER carry_balance BEFORE INSERT ON postings
        FOR EACH ROW EXECUTE FUNCTION carry_balance()""",
    # At the end of each transaction: every book of it sums to zero, in one currency, for the client
    # and matter of its head. A posting added later to an old one fails too, since it is not zero.
    """CREATE FUNCTION require_balanced_books() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        head ledger_transactions%ROWTYPE;
    BEGIN
        SELECT * INTO head FROM ledger_transactions
            WHERE transaction_id = NEW.transaction_id;
        IF (SELECT count(*) < 2 FROM postings WHERE transaction_id = NEW.transaction_id)
            OR EXISTS (SELECT FROM postings WHERE transaction_id = NEW.transaction_id
                GROUP BY book HAVING sum(amount) <> 0)
            OR EXISTS (SELECT FROM postings WHERE transaction_id = NEW.transaction_id
                AND (client_id, matter_id, currency, occurred_on)
                    <> (head.client_id, head.matter_id, head.currency, head.occurred_on))
        THEN
            RAISE EXCEPTION 'the books do not balance in %', NEW.transaction_id
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$""",
    *(
        f"""CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON {table}
            DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION require_balanced_books()"""
        for table in ("ledger_transactions", "postings")
    ),
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME USING ERRCODE = '42501';
    END $$""",
    *(
        f"""CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"""
        for table in ("ledger_transactions", "postings", "entry_versions", "fee_acceptances")
    ),
    # A balance is what the postings made it: the service itself may not write one.
    """DO $$ BEGIN
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON balances FROM %I',
                       left(current_user, -6));
    END $$""",
    "ALTER FUNCTION carry_balance() SECURITY DEFINER SET search_path = public",
)
INVOICES = (
    """CREATE TABLE invoice_numbers (
        series text, year int, last_number int NOT NULL, PRIMARY KEY (series, year))""",
    # Numbers are given at issue, under the lock of the series' row: gapless, in commit order.
    """CREATE TABLE invoices (
        invoice_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid NOT NULL,
        revision int NOT NULL, number text UNIQUE,
        state text NOT NULL CHECK (state IN ('draft', 'approved', 'issued', 'discarded')),
        currency text NOT NULL, approver_id uuid NOT NULL,
        period_from date NOT NULL, period_to date NOT NULL CHECK (period_to >= period_from),
        fees bigint NOT NULL, expenses bigint NOT NULL, adjustments bigint NOT NULL,
        tax bigint NOT NULL CHECK (tax >= 0), tax_percent numeric(7, 4) NOT NULL,
        total bigint NOT NULL CHECK (total >= 0), penalties bigint NOT NULL CHECK (penalties >= 0),
        paid bigint NOT NULL CHECK (paid >= 0), credited bigint NOT NULL CHECK (credited >= 0),
        disputed bigint NOT NULL CHECK (disputed >= 0),
        open bigint NOT NULL GENERATED ALWAYS AS (total + penalties - paid - credited) STORED,
        payment_days int NOT NULL, penalty_percent numeric(7, 4), grace_days int,
        drafted_by uuid NOT NULL, drafted_at timestamptz NOT NULL, approved_by uuid,
        approved_at timestamptz, issued_at timestamptz, issued_on date, due_on date,
        content_id uuid REFERENCES documents,
        CHECK (total = fees + expenses + adjustments + tax),
        CHECK (paid + credited <= total + penalties), CHECK (disputed <= total),
        CHECK ((state = 'issued') = (number IS NOT NULL)),
        CHECK ((state = 'issued') = (issued_at IS NOT NULL)),
        CHECK (state NOT IN ('approved', 'issued') OR approved_by = approver_id))""",
    "CREATE INDEX invoices_matter ON invoices (matter_id, invoice_id)",
    "CREATE INDEX invoices_client ON invoices (client_id, invoice_id)",
    """CREATE INDEX invoices_owed ON invoices (due_on)
        WHERE state = 'issued'""",
    """CREATE UNIQUE INDEX invoices_one_draft ON invoices (matter_id)
        WHERE state IN ('draft', 'approved')""",
    """CREATE TABLE invoice_lines (
        invoice_id uuid REFERENCES invoices, number int CHECK (number > 0),
        kind text NOT NULL CHECK (kind IN ('F', 'E', 'IF', 'IE')), fixed boolean NOT NULL,
        entry_id uuid UNIQUE,
        worked_on date NOT NULL, units numeric(12, 4) NOT NULL, unit_cost bigint NOT NULL,
        adjustment bigint NOT NULL, total bigint NOT NULL, tax bigint NOT NULL,
        task_code text, activity_code text, expense_code text, staff_id uuid,
        narrative jsonb NOT NULL, reason jsonb, credited bigint NOT NULL, disputed boolean NOT NULL,
        PRIMARY KEY (invoice_id, number), CHECK (credited >= 0),
        CHECK (credited <= greatest(total + tax, 0)))""",
    # What was issued stays as it was issued: only what is paid, credited, charged or disputed
    # moves.
    """CREATE FUNCTION keep_issued() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        movable text[] := '{penalties,paid,credited,disputed,open,content_id}';
    BEGIN
        IF OLD.state = 'issued' AND (TG_OP = 'DELETE'
            OR to_jsonb(NEW) - movable <> to_jsonb(OLD) - movable)
        THEN
            RAISE EXCEPTION 'invoice % is issued: it is credited, never changed', OLD.number
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN COALESCE(NEW, OLD);
    END $$""",
    """CREATE TRIGGER keep_issued BEFORE UPDATE OR DELETE ON invoices
        FOR EACH ROW EXECUTE FUNCTION keep_issued()""",
    """CREATE FUNCTION keep_issued_line() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        movable text[] := '{credited,disputed}';
        line invoice_lines%ROWTYPE := CASE WHEN TG_OP = 'INSERT' THEN NEW ELSE OLD END;
    BEGIN
        IF (SELECT state = 'issued' FROM invoices WHERE invoice_id = line.invoice_id)
            AND (TG_OP <> 'UPDATE' OR to_jsonb(NEW) - movable <> to_jsonb(OLD) - movable)
        THEN
            RAISE EXCEPTION 'the invoice is issued: it is credited, never changed'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN COALESCE(NEW, OLD);
    END $$""",
    """CREATE TRIGGER keep_issued BEFORE INSERT OR UPDATE OR DELETE ON invoice_lines
        FOR EACH ROW EXECUTE FUNCTION keep_issued_line()""",
    """ALTER TABLE entries ADD FOREIGN KEY (invoice_id) REFERENCES invoices""",
    """CREATE TABLE credit_notes (
        credit_note_id uuid PRIMARY KEY, invoice_id uuid NOT NULL REFERENCES invoices,
        number text NOT NULL UNIQUE, total bigint NOT NULL CHECK (total > 0),
        lines jsonb NOT NULL, reason jsonb NOT NULL, issued_by uuid NOT NULL,
        issued_at timestamptz NOT NULL)""",
    "CREATE INDEX credit_notes_invoice ON credit_notes (invoice_id)",
    """CREATE TABLE ledes_profiles (
        client_id uuid PRIMARY KEY, revision int NOT NULL, profile jsonb NOT NULL)""",
)
PAYMENTS = (
    """CREATE TABLE payments (
        payment_id uuid PRIMARY KEY, invoice_id uuid NOT NULL REFERENCES invoices,
        client_id uuid NOT NULL, matter_id uuid NOT NULL, currency text NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0), method text NOT NULL, received_on date NOT NULL,
        recorded_by uuid NOT NULL, recorded_at timestamptz NOT NULL, reversed_at timestamptz)""",
    "CREATE INDEX payments_invoice ON payments (invoice_id)",
    """CREATE TABLE late_penalties (
        invoice_id uuid REFERENCES invoices, through date, penalty_id uuid NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0), charged_at timestamptz NOT NULL,
        PRIMARY KEY (invoice_id, through))""",
    # By how much what is owed and undisputed changed on each day: what penalties are counted from.
    """CREATE TABLE owed_changes (
        invoice_id uuid REFERENCES invoices, day date, change bigint NOT NULL,
        PRIMARY KEY (invoice_id, day))""",
)


def upgrade() -> None:
    for statement in (*LEDGER, *INVOICES, *PAYMENTS):
        op.execute(statement)
