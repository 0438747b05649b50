"""Whose entries a bundle holds beside those of the matter's client: frozen when it is asked for."""

from alembic import op

revision = "audit_0008"
down_revision = "audit_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE exports ADD joint_clients uuid[] NOT NULL DEFAULT '{}'")
