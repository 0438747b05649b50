"""Fee terms as billing disclosed them, each version once."""

from alembic import op

revision = "intake_0004"
down_revision = "intake_0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE disclosed_fees (
        terms_id uuid, version int CHECK (version > 0), client_id uuid NOT NULL, matter_id uuid,
        kinds text[] NOT NULL CHECK (kinds <> '{}'), commitment text NOT NULL,
        words jsonb NOT NULL, disclosed_at timestamptz NOT NULL,
        PRIMARY KEY (terms_id, version))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
