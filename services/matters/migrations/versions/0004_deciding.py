"""What clients decide, who of them may, and how the firm sees their case."""

from alembic import op

revision = "matters_0004"
down_revision = "matters_0003"
branch_labels = None
depends_on = None

OF_A_MATTER = """client_id uuid NOT NULL, matter_id uuid NOT NULL,
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id)"""
STATEMENTS = (
    """CREATE TABLE representatives (
        representative_id uuid PRIMARY KEY, client_id uuid NOT NULL REFERENCES clients,
        revision int NOT NULL, name text NOT NULL, email text NOT NULL, phone text,
        authority text NOT NULL CHECK (authority IN ('decide', 'inform')),
        added_at timestamptz NOT NULL, ended_at timestamptz)""",
    """CREATE UNIQUE INDEX representatives_email ON representatives (client_id, email)
        WHERE ended_at IS NULL""",
    f"""CREATE TABLE decisions (
        decision_id uuid PRIMARY KEY, {OF_A_MATTER}, kind text NOT NULL,
        state text NOT NULL CHECK (state IN ('requested', 'recorded', 'withdrawn')),
        content jsonb NOT NULL, option_keys text[] NOT NULL CHECK (cardinality(option_keys) >= 2),
        in_writing boolean NOT NULL, reply_by timestamptz NOT NULL,
        requested_by uuid NOT NULL REFERENCES staff, requested_at timestamptz NOT NULL,
        chosen text, decided_by uuid, channel text, written boolean, writing_id uuid, comment jsonb,
        recorded_by uuid, recorded_at timestamptz, withdrawn_at timestamptz,
        CHECK (reply_by > requested_at),
        CHECK ((state = 'recorded') = (recorded_at IS NOT NULL)),
        CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL)),
        CHECK (chosen IS NULL OR chosen = ANY (option_keys)),
        CHECK (state <> 'recorded' OR (chosen IS NOT NULL AND decided_by IS NOT NULL)),
        CHECK (state <> 'recorded' OR written OR NOT in_writing))""",
    "CREATE INDEX decisions_matter ON decisions (matter_id, decision_id)",
    f"""CREATE TABLE decision_questions (
        question_id uuid PRIMARY KEY, decision_id uuid NOT NULL REFERENCES decisions, {OF_A_MATTER},
        question jsonb NOT NULL, asked_at timestamptz NOT NULL,
        answer jsonb, answered_by uuid REFERENCES staff, answered_at timestamptz,
        CHECK ((answer IS NULL) = (answered_at IS NULL)))""",
    "CREATE INDEX decision_questions_decision ON decision_questions (decision_id)",
    f"""CREATE TABLE assessments (
        assessment_id uuid PRIMARY KEY, {OF_A_MATTER}, version int NOT NULL CHECK (version > 0),
        content jsonb NOT NULL, shared_by uuid NOT NULL REFERENCES staff,
        shared_at timestamptz NOT NULL, acknowledged_by uuid, acknowledged_at timestamptz,
        UNIQUE (matter_id, version))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
