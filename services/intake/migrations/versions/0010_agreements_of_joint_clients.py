"""What somebody agreed to as a joint client is found without reading every signer."""

from alembic import op

revision = "intake_0010"
down_revision = "intake_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX signers_client ON signers (client_id) WHERE client_id IS NOT NULL")
