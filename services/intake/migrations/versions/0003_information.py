"""What clients are asked for: versioned checklists, requests, and each item's own state."""

from alembic import op

revision = "intake_0003"
down_revision = "intake_0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE checklists (
        checklist text NOT NULL, version int NOT NULL CHECK (version > 0),
        practice_area text NOT NULL, items jsonb NOT NULL, published_at timestamptz NOT NULL,
        published_by uuid NOT NULL, PRIMARY KEY (checklist, version))""",
    """CREATE TABLE information_requests (
        request_id uuid PRIMARY KEY, consultation_id uuid NOT NULL, client_id uuid NOT NULL,
        checklist text NOT NULL, checklist_version int NOT NULL, name text NOT NULL,
        email text NOT NULL, requested_by uuid NOT NULL, requested_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL CHECK (due_at > requested_at),
        remind_at timestamptz, reminders int NOT NULL,
        FOREIGN KEY (checklist, checklist_version) REFERENCES checklists (checklist, version),
        FOREIGN KEY (consultation_id, client_id) REFERENCES consultations
            (consultation_id, client_id))""",
    "CREATE INDEX information_requests_consultation ON information_requests (consultation_id)",
    """CREATE INDEX information_requests_remind ON information_requests (remind_at)
        WHERE remind_at IS NOT NULL""",
    """CREATE TABLE information_items (
        item_id uuid PRIMARY KEY, request_id uuid NOT NULL REFERENCES information_requests,
        position int NOT NULL, kind text NOT NULL
            CHECK (kind IN ('document', 'fact', 'timeline', 'proceeding')),
        asked jsonb NOT NULL, state text NOT NULL CHECK (state IN ('open', 'provided', 'waived')),
        file_id uuid REFERENCES files, answer jsonb, waived_by uuid, reasons jsonb,
        settled_at timestamptz, UNIQUE (request_id, position),
        CHECK ((state = 'open') = (settled_at IS NULL)),
        CHECK ((state = 'provided') = (file_id IS NOT NULL OR answer IS NOT NULL)),
        CHECK ((state = 'waived') = (waived_by IS NOT NULL AND reasons IS NOT NULL)))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
