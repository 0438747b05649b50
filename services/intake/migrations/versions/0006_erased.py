"""Files whose octets are gone; what was committed to in the record stays as a row."""

from alembic import op

revision = "intake_0006"
down_revision = "intake_0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE files ALTER name DROP NOT NULL",
    "ALTER TABLE files DROP CONSTRAINT files_state_check",
    "ALTER TABLE files ADD CHECK (state IN ('arriving', 'kept', 'erased'))",
    "ALTER TABLE files DROP CONSTRAINT files_check",
    """ALTER TABLE files ADD CHECK (CASE state
        WHEN 'kept' THEN commitment IS NOT NULL AND media_type IS NOT NULL
        WHEN 'arriving' THEN commitment IS NULL AND media_type IS NULL ELSE true END)""",
    "ALTER TABLE files ADD CHECK ((state = 'erased') = (name IS NULL))",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
