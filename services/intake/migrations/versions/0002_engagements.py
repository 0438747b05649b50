"""Links, agreements and who must sign them; the gates that nobody passes by."""

from alembic import op

revision = "intake_0002"
down_revision = "intake_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE links (
        link_id uuid PRIMARY KEY, token_digest bytea NOT NULL UNIQUE,
        purpose text NOT NULL
            CHECK (purpose IN ('signature', 'copy', 'information', 'reminder', 'letter')),
        subject_id uuid NOT NULL, file_id uuid REFERENCES files, client_id uuid NOT NULL,
        name text NOT NULL, email text NOT NULL, issued_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL, revoked_at timestamptz)""",
    "CREATE INDEX links_subject ON links (subject_id)",
    """CREATE TABLE link_codes (
        code_id uuid PRIMARY KEY, link_id uuid NOT NULL REFERENCES links,
        code_digest bytea NOT NULL, issued_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL, tries int NOT NULL, used_at timestamptz)""",
    "CREATE INDEX link_codes_link ON link_codes (link_id, code_id)",
    """CREATE TABLE link_sessions (
        session_digest bytea PRIMARY KEY, link_id uuid NOT NULL REFERENCES links,
        code_id uuid NOT NULL UNIQUE REFERENCES link_codes, expires_at timestamptz NOT NULL)""",
    """CREATE TABLE engagement_templates (
        template text NOT NULL, version int NOT NULL CHECK (version > 0),
        sections jsonb NOT NULL, published_at timestamptz NOT NULL, published_by uuid NOT NULL,
        PRIMARY KEY (template, version))""",
    """CREATE TABLE engagements (
        engagement_id uuid PRIMARY KEY, consultation_id uuid NOT NULL, client_id uuid NOT NULL,
        revision int NOT NULL, agreement_version int NOT NULL,
        amends uuid REFERENCES engagements CHECK (amends <> engagement_id),
        state text NOT NULL CHECK (state IN ('draft', 'proposed', 'accepted', 'countersigned',
            'signed', 'declined', 'expired', 'replaced', 'ended')),
        practice_area text NOT NULL, terms jsonb NOT NULL, fee_terms jsonb NOT NULL,
        template text NOT NULL, template_version int NOT NULL,
        point_of_contact_id uuid NOT NULL, team uuid[] NOT NULL, calendar_id uuid,
        matter_id uuid NOT NULL, drafted_by uuid NOT NULL, drafted_at timestamptz NOT NULL,
        document_id uuid REFERENCES files, document_sha256 bytea,
        approved_by uuid, proposed_at timestamptz, expires_at timestamptz,
        countersigned_by uuid, countersigned_at timestamptz,
        sealed_id uuid REFERENCES files, signed_at timestamptz, ended_at timestamptz,
        FOREIGN KEY (consultation_id, client_id) REFERENCES consultations
            (consultation_id, client_id),
        CHECK (state = 'draft' OR (approved_by IS NOT NULL AND document_id IS NOT NULL
            AND document_sha256 IS NOT NULL AND expires_at IS NOT NULL)),
        CHECK (state NOT IN ('countersigned', 'signed', 'replaced', 'ended')
            OR countersigned_by IS NOT NULL),
        CHECK ((state IN ('signed', 'replaced', 'ended'))
            = (signed_at IS NOT NULL AND sealed_id IS NOT NULL)))""",
    "CREATE INDEX engagements_client ON engagements (client_id)",
    # One agreement at a time: a consultation has one that is alive, and one is amended once.
    """CREATE UNIQUE INDEX engagements_alive ON engagements (consultation_id)
        WHERE amends IS NULL AND state NOT IN ('declined', 'expired', 'ended')""",
    """CREATE UNIQUE INDEX engagements_amended ON engagements (amends)
        WHERE state NOT IN ('declined', 'expired', 'ended')""",
    "CREATE INDEX engagements_expire ON engagements (expires_at) WHERE state = 'proposed'",
    """CREATE INDEX engagements_to_seal ON engagements (countersigned_at)
        WHERE state = 'countersigned'""",
    """CREATE TABLE signers (
        signer_id uuid PRIMARY KEY, engagement_id uuid NOT NULL REFERENCES engagements,
        position int NOT NULL, name text NOT NULL, email text NOT NULL, capacity text,
        signed_at timestamptz, method text CHECK (method IN ('electronic', 'paper')),
        evidence jsonb, UNIQUE (engagement_id, position),
        CHECK ((signed_at IS NULL) = (method IS NULL AND evidence IS NULL)))""",
    # Whoever writes the row: without every signature, or against a possible conflict, no agreement
    # comes into force.
    """CREATE FUNCTION require_gates() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.state IN ('accepted', 'countersigned', 'signed') AND NOT COALESCE((
            SELECT bool_and(signed_at IS NOT NULL) FROM signers
            WHERE engagement_id = NEW.engagement_id), false)
        THEN
            RAISE EXCEPTION 'engagement % lacks a signature', NEW.engagement_id
                USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.state IN ('proposed', 'countersigned', 'signed') AND NOT EXISTS (
            SELECT FROM conflict_checks
            WHERE consultation_id = NEW.consultation_id AND state <> 'possible')
        THEN
            RAISE EXCEPTION 'a conflict stands against engagement %', NEW.engagement_id
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER gates AFTER INSERT OR UPDATE ON engagements
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_gates()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
