"""Walls, and who else is a client of a matter: whom a wall keeps out reads no bill."""

from alembic import op

revision = "billing_0012"
down_revision = "billing_0011"
branch_labels = None
depends_on = None

STATEMENTS = (
    # `kind` and `staff_ids` are unknown where the lowering was heard first: then it never stood.
    """CREATE TABLE walls (
        wall_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid, kind text,
        staff_ids uuid[], lowered boolean NOT NULL)""",
    "CREATE INDEX walls_standing ON walls (client_id) WHERE NOT lowered",
    """CREATE TABLE joint_clients (
        membership_id uuid PRIMARY KEY, matter_id uuid NOT NULL, client_id uuid NOT NULL,
        gone boolean NOT NULL)""",
    "CREATE INDEX joint_clients_client ON joint_clients (client_id) WHERE NOT gone",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
