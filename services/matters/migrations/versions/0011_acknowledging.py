"""How a client said that they had read how the firm sees their case."""

from alembic import op

revision = "matters_0011"
down_revision = "matters_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE assessments
            ADD COLUMN channel text CHECK (channel IN
                ('portal', 'email', 'letter', 'phone', 'in_person', 'video')),
            ADD COLUMN writing_id uuid,
            ADD COLUMN recorded_by uuid REFERENCES staff,
            ADD CHECK (channel IS NULL OR (recorded_by IS NULL) = (channel = 'portal'))
    """)
