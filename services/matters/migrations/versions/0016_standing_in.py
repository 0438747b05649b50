"""Who answers a client does not stand in for themselves."""

from alembic import op

revision = "matters_0016"
down_revision = "matters_0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, staff_id in (("points_of_contact", "staff_id"), ("handovers", "to_staff_id")):
        op.execute(f"UPDATE {table} SET stand_in_id = NULL WHERE stand_in_id = {staff_id}")
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")
        op.execute(f"ALTER TABLE {table} ADD CHECK (stand_in_id <> {staff_id})")
