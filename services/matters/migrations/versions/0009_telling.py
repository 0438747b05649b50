"""What clients were told by others, their files and how they got them."""

from alembic import op

revision = "matters_0009"
down_revision = "matters_0008"
branch_labels = None
depends_on = None

OF_A_MATTER = """client_id uuid NOT NULL, matter_id uuid NOT NULL,
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id)"""
STATEMENTS = (
    # No reference to the matter: messaging may tell of one that is heard of later.
    """CREATE TABLE tellings (
        telling_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN
            ('answer', 'question', 'acknowledgment', 'notice', 'call', 'meeting')),
        channel text NOT NULL, told_at timestamptz NOT NULL, staff_id uuid,
        counts boolean NOT NULL CHECK (staff_id IS NOT NULL OR NOT counts), words jsonb,
        returned_at timestamptz)""",
    "CREATE INDEX tellings_matter ON tellings (matter_id, told_at) WHERE returned_at IS NULL",
    """CREATE TABLE file_packs (
        export_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
        entries int NOT NULL, digest text NOT NULL, exported_at timestamptz NOT NULL)""",
    f"""CREATE TABLE file_handovers (
        handover_id uuid PRIMARY KEY, {OF_A_MATTER},
        export_id uuid NOT NULL REFERENCES file_packs, given_to uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN
            ('portal', 'email', 'letter', 'courier', 'in_person')),
        note jsonb, given_by uuid NOT NULL REFERENCES staff, given_at timestamptz NOT NULL)""",
    "CREATE INDEX file_handovers_matter ON file_handovers (matter_id, given_at)",
    "ALTER TABLE closings ADD COLUMN file_handover_id uuid REFERENCES file_handovers",
    # Closings from before this asked for no file.
    """ALTER TABLE closings ADD CONSTRAINT closings_file CHECK (
        file_handover_id IS NOT NULL OR given_up @> '[{"kind": "file"}]') NOT VALID""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
