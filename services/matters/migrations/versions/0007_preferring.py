"""How clients want to hear, what was known of them before, and entries that were one client."""

from alembic import op

revision = "matters_0007"
down_revision = "matters_0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE client_preferences (
        client_id uuid PRIMARY KEY REFERENCES clients, revision int NOT NULL,
        quiet_from time, quiet_until time CHECK ((quiet_until IS NULL) = (quiet_from IS NULL)),
        language text NOT NULL, accessibility jsonb)""",
    """CREATE TABLE client_history (
        client_id uuid REFERENCES clients, revision int, changed_at timestamptz NOT NULL,
        changed_by uuid NOT NULL, facts jsonb NOT NULL, PRIMARY KEY (client_id, revision))""",
    """ALTER TABLE clients ADD COLUMN merged_into uuid REFERENCES clients
        CHECK (merged_into <> client_id)""",
    "CREATE INDEX clients_merged ON clients (merged_into) WHERE merged_into IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
