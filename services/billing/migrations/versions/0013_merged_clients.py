"""Entries of clients that turned out to be one: their bills are read together."""

from alembic import op

revision = "billing_0013"
down_revision = "billing_0012"
branch_labels = None
depends_on = None

STATEMENTS = (
    # The entry that stays is itself merged into no other: a chain is closed when it is told.
    """CREATE TABLE merged_clients (
        merged_id uuid PRIMARY KEY, client_id uuid NOT NULL CHECK (client_id <> merged_id))""",
    "CREATE INDEX merged_clients_client ON merged_clients (client_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
