"""Walls, as matters tells of them: raised or lowered may be heard first."""

from alembic import op

revision = "intake_0011"
down_revision = "intake_0010"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE walls (
        wall_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid, kind text,
        staff_ids uuid[], lowered boolean NOT NULL DEFAULT false,
        CHECK (lowered OR (kind IS NOT NULL AND staff_ids IS NOT NULL)))""",
    "CREATE INDEX walls_standing ON walls (client_id) WHERE NOT lowered",
    # What came of a matter is found without reading every agreement.
    "CREATE INDEX engagements_matter ON engagements (matter_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
