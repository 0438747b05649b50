"""Each of joint clients allows what is told of their matter, and reads what was."""

from alembic import op

revision = "matters_0019"
down_revision = "matters_0018"
branch_labels = None
depends_on = None


OF_ONE_OF_ITS_CLIENTS = """
    ALTER TABLE {table} DROP CONSTRAINT {table}_matter_id_client_id_fkey,
        ADD FOREIGN KEY (matter_id, client_id) REFERENCES matter_clients (matter_id, client_id)
"""


def upgrade() -> None:
    for table in ("consents", "disclosures"):
        op.execute(OF_ONE_OF_ITS_CLIENTS.format(table=table))
