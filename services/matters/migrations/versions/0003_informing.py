"""What clients are told: milestones, developments, deadlines, updates; and what they are owed."""

from alembic import op

revision = "matters_0003"
down_revision = "matters_0002"
branch_labels = None
depends_on = None

OF_A_MATTER = """client_id uuid NOT NULL, matter_id uuid NOT NULL,
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id)"""
STATEMENTS = (
    """ALTER TABLE matters
        ADD COLUMN cadence_days int CHECK (cadence_days BETWEEN 1 AND 366),
        ADD COLUMN cadence_revision int NOT NULL DEFAULT 0,
        ADD COLUMN closed_at timestamptz CHECK (closed_at >= opened_at)""",
    """CREATE TABLE milestone_plans (
        area text, version int CHECK (version > 1), document jsonb NOT NULL,
        published_at timestamptz NOT NULL, published_by uuid NOT NULL,
        PRIMARY KEY (area, version))""",
    f"""CREATE TABLE happenings (
        happening_id uuid PRIMARY KEY, {OF_A_MATTER},
        kind text NOT NULL CHECK (kind IN ('milestone', 'development', 'deadline')),
        revision int NOT NULL, plan text, plan_version int,
        slug text CHECK ((slug IS NOT NULL) = (kind = 'milestone')),
        at timestamptz NOT NULL, words jsonb, significant boolean NOT NULL,
        marked_by uuid NOT NULL REFERENCES staff, marked_at timestamptz NOT NULL,
        tells_at timestamptz NOT NULL, told_revision int NOT NULL DEFAULT 0,
        told_at timestamptz, reverted_at timestamptz)""",
    # Never the same milestone twice, but one that was taken back may be reached later.
    """CREATE UNIQUE INDEX happenings_once ON happenings (matter_id, slug)
        WHERE slug IS NOT NULL AND reverted_at IS NULL""",
    "CREATE INDEX happenings_matter ON happenings (matter_id, happening_id)",
    """CREATE INDEX happenings_untold ON happenings (tells_at)
        WHERE told_revision < revision""",
    f"""CREATE TABLE progress_updates (
        update_id uuid PRIMARY KEY, {OF_A_MATTER},
        about text NOT NULL CHECK (about IN
            ('milestone', 'development', 'deadline', 'request', 'no_news', 'report')),
        format text NOT NULL CHECK (format IN ('written', 'call', 'meeting')),
        state text NOT NULL CHECK (state IN
            ('draft', 'approved', 'released', 'sent', 'failed', 'cancelled')),
        revision int NOT NULL, source_id uuid REFERENCES happenings (happening_id),
        subject jsonb NOT NULL, body jsonb NOT NULL, report jsonb,
        drafted_at timestamptz NOT NULL, drafted_by uuid REFERENCES staff,
        approved_by uuid REFERENCES staff, approved_at timestamptz, releases_at timestamptz,
        channel text, sent_at timestamptz,
        CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
        CHECK (state NOT IN ('approved', 'released') OR approved_at IS NOT NULL),
        CHECK ((state = 'sent') = (sent_at IS NOT NULL)))""",
    """CREATE UNIQUE INDEX progress_updates_once ON progress_updates (source_id)
        WHERE source_id IS NOT NULL AND state <> 'cancelled'""",
    "CREATE INDEX progress_updates_matter ON progress_updates (matter_id, update_id)",
    """CREATE INDEX progress_updates_unreleased ON progress_updates (releases_at)
        WHERE state = 'approved'""",
    f"""CREATE TABLE update_requests (
        request_id uuid PRIMARY KEY, {OF_A_MATTER},
        requested_at timestamptz NOT NULL, answered_at timestamptz)""",
    """CREATE UNIQUE INDEX update_requests_one_open ON update_requests (matter_id)
        WHERE answered_at IS NULL""",
    """CREATE TABLE owed (
        clock_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
        subject_id uuid NOT NULL, kind text NOT NULL, state text NOT NULL CHECK (state IN
            ('running', 'paused', 'breached', 'met', 'cancelled')),
        revision int NOT NULL, opened_at timestamptz NOT NULL, target_at timestamptz NOT NULL,
        limit_at timestamptz NOT NULL, prompted_at timestamptz, breached_at timestamptz,
        ended_at timestamptz)""",
    "CREATE INDEX owed_matter ON owed (matter_id) WHERE ended_at IS NULL",
    "CREATE INDEX owed_client ON owed (client_id) WHERE ended_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
