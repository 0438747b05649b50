"""The directory, sealed documents, fee terms with their acceptance, entries and estimates."""

from alembic import op

revision = "billing_0001"
down_revision = None
branch_labels = None
depends_on = None

DIRECTORY = (
    """CREATE TABLE firms (
        firm_id uuid PRIMARY KEY, name text NOT NULL, time_zone text NOT NULL,
        addresses text[] NOT NULL, revision int NOT NULL)""",
    """CREATE TABLE staff (
        staff_id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL, role text NOT NULL,
        supervisor_id uuid, stand_in_id uuid, active boolean NOT NULL)""",
    "CREATE INDEX staff_email ON staff (email)",
    "CREATE INDEX staff_supervisor ON staff (supervisor_id) WHERE supervisor_id IS NOT NULL",
    """CREATE TABLE clients (
        client_id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL,
        time_zone text NOT NULL)""",
    """CREATE TABLE matters (
        matter_id uuid PRIMARY KEY, client_id uuid NOT NULL, number text NOT NULL,
        title text NOT NULL, practice_area text NOT NULL, opened_at timestamptz NOT NULL)""",
    "CREATE INDEX matters_client ON matters (client_id)",
    # No reference from here to staff, clients or matters: their events may come later.
    """CREATE TABLE contact_assignments (
        assignment_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
        staff_id uuid NOT NULL, stand_in_id uuid, from_at timestamptz NOT NULL)""",
    """CREATE INDEX contact_assignments_client
        ON contact_assignments (client_id, matter_id, from_at)""",
)
DOCUMENTS = (
    """CREATE TABLE documents (
        content_id uuid PRIMARY KEY, owner uuid NOT NULL, key_version int NOT NULL,
        kind text NOT NULL, media_type text NOT NULL, size bigint NOT NULL,
        commitment text NOT NULL, boxes bytea[] NOT NULL, kept_at timestamptz NOT NULL)""",
)
TERMS = (
    # One agreement for a matter; a client may have several standing ones, by practice area.
    """CREATE TABLE fee_agreements (
        terms_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid UNIQUE,
        version int NOT NULL)""",
    "CREATE INDEX fee_agreements_client ON fee_agreements (client_id)",
    """CREATE TABLE fee_terms (
        terms_id uuid REFERENCES fee_agreements, version int CHECK (version > 0),
        kinds text[] NOT NULL CHECK (cardinality(kinds) > 0),
        currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        practice_areas text[] NOT NULL, document jsonb NOT NULL, text jsonb NOT NULL,
        content_id uuid NOT NULL REFERENCES documents, commitment text NOT NULL,
        disclosed_by uuid NOT NULL, disclosed_at timestamptz NOT NULL,
        PRIMARY KEY (terms_id, version))""",
    # A version is accepted once; the commitment is that of the very document.
    """CREATE TABLE fee_acceptances (
        terms_id uuid, version int,
        method text NOT NULL CHECK (method IN ('engagement', 'portal', 'signature')),
        accepted_by uuid NOT NULL, accepted_at timestamptz NOT NULL, evidence jsonb,
        PRIMARY KEY (terms_id, version),
        FOREIGN KEY (terms_id, version) REFERENCES fee_terms)""",
)
ENTRIES = (
    # Billable is only what has a price; invoiced only what stands on an invoice.
    """CREATE TABLE entries (
        entry_id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('time', 'expense', 'fee')),
        client_id uuid NOT NULL, matter_id uuid NOT NULL, staff_id uuid NOT NULL,
        version int NOT NULL CHECK (version > 0),
        state text NOT NULL CHECK (state IN ('draft', 'billable', 'invoiced', 'written_off')),
        missing text[] NOT NULL, worked_on date NOT NULL, started_at timestamptz,
        minutes int CHECK (minutes BETWEEN 0 AND 1440), billed_minutes int,
        currency text, rate bigint CHECK (rate >= 0), amount bigint CHECK (amount >= 0),
        task_code text, activity_code text, expense_code text, phase text,
        terms_id uuid, terms_version int, narrative jsonb NOT NULL,
        narrative_digest bytea NOT NULL, flags text[] NOT NULL, emergency boolean NOT NULL,
        beyond_agreed boolean NOT NULL, overridden boolean NOT NULL, receipt jsonb, invoice_id uuid,
        cause text NOT NULL, reason jsonb, changed_by uuid NOT NULL,
        recorded_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
        CHECK (state <> 'billable' OR (amount IS NOT NULL AND currency IS NOT NULL)),
        CHECK (state <> 'draft' OR cardinality(missing) > 0),
        CHECK (state <> 'invoiced' OR invoice_id IS NOT NULL),
        CHECK (invoice_id IS NULL OR state IN ('billable', 'invoiced')),
        CHECK ((kind = 'time') = (minutes IS NOT NULL)),
        FOREIGN KEY (terms_id, terms_version) REFERENCES fee_terms)""",
    "CREATE INDEX entries_matter ON entries (matter_id, entry_id)",
    "CREATE INDEX entries_open ON entries (matter_id) WHERE state = 'billable'",
    "CREATE INDEX entries_drafts ON entries (matter_id) WHERE state = 'draft'",
    "CREATE INDEX entries_invoice ON entries (invoice_id) WHERE invoice_id IS NOT NULL",
    "CREATE INDEX entries_same_words ON entries (matter_id, narrative_digest)",
    """CREATE UNIQUE INDEX entries_one_of_a_phase ON entries (terms_id, phase)
        WHERE kind = 'fee' AND state <> 'written_off'""",
    """CREATE TABLE entry_versions (
        entry_id uuid REFERENCES entries, version int, entry jsonb NOT NULL,
        PRIMARY KEY (entry_id, version))""",
    # What was invoiced is never changed again; any other change is a version, and all are kept.
    """CREATE FUNCTION keep_entry_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF OLD.state = 'invoiced' THEN
                RAISE EXCEPTION 'entry % is invoiced: it is credited, never changed', OLD.entry_id
                    USING ERRCODE = 'check_violation';
            END IF;
            IF NEW.version = OLD.version THEN
                IF to_jsonb(NEW) - '{invoice_id,state}'::text[]
                    <> to_jsonb(OLD) - '{invoice_id,state}'::text[]
                THEN
                    RAISE EXCEPTION 'entry % changed without a version', OLD.entry_id
                        USING ERRCODE = 'check_violation';
                END IF;
                RETURN NULL;
            END IF;
        END IF;
        INSERT INTO entry_versions VALUES (NEW.entry_id, NEW.version, to_jsonb(NEW));
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER keep_version AFTER INSERT OR UPDATE ON entries
        FOR EACH ROW EXECUTE FUNCTION keep_entry_version()""",
    """CREATE TABLE timers (
        timer_id uuid PRIMARY KEY, staff_id uuid NOT NULL, client_id uuid NOT NULL,
        matter_id uuid NOT NULL, started_at timestamptz NOT NULL, stopped_at timestamptz)""",
    "CREATE UNIQUE INDEX timers_one_runs ON timers (staff_id) WHERE stopped_at IS NULL",
)
ESTIMATES = (
    """CREATE TABLE estimates (
        estimate_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid NOT NULL UNIQUE,
        version int NOT NULL, agreed_version int)""",
    """CREATE TABLE estimate_versions (
        estimate_id uuid REFERENCES estimates, version int CHECK (version > 0),
        currency text NOT NULL,
        fees_low bigint CHECK (fees_low >= 0), fees_likely bigint NOT NULL,
        fees_high bigint NOT NULL,
        costs_low bigint CHECK (costs_low >= 0), costs_likely bigint NOT NULL,
        costs_high bigint NOT NULL, document jsonb NOT NULL, reason jsonb,
        issued_by uuid NOT NULL, issued_at timestamptz NOT NULL, agreed_by uuid,
        agreed_at timestamptz, PRIMARY KEY (estimate_id, version),
        CHECK (fees_low <= fees_likely AND fees_likely <= fees_high),
        CHECK (costs_low <= costs_likely AND costs_likely <= costs_high),
        CHECK ((agreed_by IS NULL) = (agreed_at IS NULL)))""",
    """CREATE TABLE estimate_lines (
        estimate_id uuid, version int, phase text, task text, fees_likely bigint NOT NULL,
        costs_likely bigint NOT NULL, PRIMARY KEY (estimate_id, version, phase, task),
        FOREIGN KEY (estimate_id, version) REFERENCES estimate_versions)""",
    """CREATE TABLE commitments (
        commitment_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid NOT NULL,
        currency text NOT NULL, amount bigint NOT NULL CHECK (amount > 0), words jsonb NOT NULL,
        made_by uuid NOT NULL, made_at timestamptz NOT NULL, released_at timestamptz)""",
    "CREATE INDEX commitments_open ON commitments (matter_id) WHERE released_at IS NULL",
    # The key is the guarantee: a threshold is crossed once, whoever crosses it at once.
    """CREATE TABLE threshold_crossings (
        estimate_id uuid, version int,
        measure text CHECK (measure IN ('fees', 'costs', 'forecast')), percent int,
        reached bigint NOT NULL, estimated bigint NOT NULL, told boolean NOT NULL,
        crossed_at timestamptz NOT NULL, PRIMARY KEY (estimate_id, version, measure, percent),
        FOREIGN KEY (estimate_id, version) REFERENCES estimate_versions)""",
)


def upgrade() -> None:
    for statement in (*DIRECTORY, *DOCUMENTS, *TERMS, *ENTRIES, *ESTIMATES):
        op.execute(statement)
