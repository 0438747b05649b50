"""Who else is a client of a matter; what an update tells of, and what of that was taken back."""

from alembic import op

revision = "messaging_0012"
down_revision = "messaging_0011"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE joint_clients (
        membership_id uuid PRIMARY KEY, matter_id uuid NOT NULL, client_id uuid NOT NULL,
        gone boolean NOT NULL)""",
    "CREATE INDEX joint_clients_matter ON joint_clients (matter_id)",
    "CREATE INDEX joint_clients_client ON joint_clients (client_id)",
    "CREATE TABLE update_tellings (update_id uuid PRIMARY KEY, happening_id uuid NOT NULL)",
    "CREATE INDEX update_tellings_happening ON update_tellings (happening_id)",
    "CREATE TABLE reverted_happenings (happening_id uuid PRIMARY KEY)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
