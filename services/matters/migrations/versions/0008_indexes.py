"""Who works for whom, found without reading all assignments."""

from alembic import op

revision = "matters_0008"
down_revision = "matters_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX points_of_contact_client ON points_of_contact (client_id)")
    op.execute(
        "CREATE INDEX points_of_contact_stand_in ON points_of_contact (stand_in_id)"
        " WHERE stand_in_id IS NOT NULL"
    )
    op.execute("CREATE INDEX staff_stand_in ON staff (stand_in_id) WHERE stand_in_id IS NOT NULL")
