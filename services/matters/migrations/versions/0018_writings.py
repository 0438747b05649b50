"""What clients wrote, by its id: who decides by mail is taken at a word that there is."""

from alembic import op

revision = "matters_0018"
down_revision = "matters_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""CREATE TABLE writings (
        message_id uuid PRIMARY KEY, client_id uuid NOT NULL, received_at timestamptz NOT NULL)""")
