"""Prospective clients, matters by a signed engagement, and whom matters concern."""

from alembic import op

revision = "matters_0006"
down_revision = "matters_0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    """ALTER TABLE clients ADD COLUMN state text NOT NULL DEFAULT 'active'
        CHECK (state IN ('prospective', 'active'))""",
    """ALTER TABLE matters ADD COLUMN engagement_id uuid UNIQUE,
        ADD COLUMN parties_revision int NOT NULL DEFAULT 0""",
    """CREATE TABLE matter_parties (
        party_id uuid, matter_id uuid, client_id uuid NOT NULL,
        role text NOT NULL CHECK (role IN ('client', 'joint_client', 'related', 'adverse')),
        kind text NOT NULL CHECK (kind IN ('person', 'company')),
        name jsonb NOT NULL, also jsonb NOT NULL, PRIMARY KEY (matter_id, party_id),
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
