"""Joint clients: whatever is told or asked in a matter is told and asked of each client of it.
Companies beside people, walls that stand for a joint client, deadlines that were met."""

from alembic import op

revision = "matters_0013"
down_revision = "matters_0012"
branch_labels = None
depends_on = None

OF_A_CLIENT = (
    "progress_updates",
    "update_requests",
    "decisions",
    "decision_questions",
    "assessments",
)
STATEMENTS = (
    # The matter's own client is in from the beginning under the matter's own id, and never leaves.
    """CREATE TABLE matter_clients (
        matter_id uuid NOT NULL REFERENCES matters, client_id uuid NOT NULL REFERENCES clients,
        membership_id uuid NOT NULL UNIQUE, joined_at timestamptz NOT NULL,
        left_at timestamptz CHECK (left_at >= joined_at), PRIMARY KEY (matter_id, client_id),
        CHECK (membership_id <> matter_id OR left_at IS NULL))""",
    "CREATE INDEX matter_clients_client ON matter_clients (client_id) WHERE left_at IS NULL",
    """CREATE FUNCTION matter_has_its_client() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO matter_clients (matter_id, client_id, membership_id, joined_at)
            VALUES (NEW.matter_id, NEW.client_id, NEW.matter_id, NEW.opened_at);
        RETURN NULL; END $$""",
    """CREATE TRIGGER matter_has_its_client AFTER INSERT ON matters
        FOR EACH ROW EXECUTE FUNCTION matter_has_its_client()""",
    """INSERT INTO matter_clients (matter_id, client_id, membership_id, joined_at)
        SELECT matter_id, client_id, matter_id, opened_at FROM matters""",
    *(
        f"""ALTER TABLE {table} DROP CONSTRAINT {table}_matter_id_client_id_fkey,
        ADD FOREIGN KEY (matter_id, client_id) REFERENCES matter_clients (matter_id, client_id)"""
        for table in OF_A_CLIENT
    ),
    # Of one draft each client has an update of their own, and hears of each thing once.
    "ALTER TABLE progress_updates ADD COLUMN draft_id uuid",
    "CREATE INDEX progress_updates_draft ON progress_updates (draft_id)",
    "DROP INDEX progress_updates_once",
    """CREATE UNIQUE INDEX progress_updates_once ON progress_updates (source_id, client_id)
        WHERE source_id IS NOT NULL AND state <> 'cancelled'""",
    "DROP INDEX update_requests_one_open",
    """CREATE UNIQUE INDEX update_requests_one_open ON update_requests (matter_id, client_id)
        WHERE answered_at IS NULL""",
    "ALTER TABLE decisions ADD COLUMN joint_decision_id uuid",
    """CREATE UNIQUE INDEX decisions_joint ON decisions (joint_decision_id, client_id)
        WHERE joint_decision_id IS NOT NULL""",
    "ALTER TABLE assessments DROP CONSTRAINT assessments_matter_id_version_key",
    "ALTER TABLE assessments ADD UNIQUE (matter_id, version, client_id)",
    "ALTER TABLE walls ADD COLUMN stands_for uuid REFERENCES walls",
    "CREATE INDEX walls_stands_for ON walls (stands_for) WHERE stands_for IS NOT NULL",
    """ALTER TABLE clients ADD COLUMN kind text NOT NULL DEFAULT 'person'
        CHECK (kind IN ('person', 'company'))""",
    """ALTER TABLE happenings ADD COLUMN met_at timestamptz
        CHECK (met_at IS NULL OR kind = 'deadline' AND reverted_at IS NULL)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
