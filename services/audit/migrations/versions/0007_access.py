"""What every timeline asks of the record, found without reading a large client or matter: who works
for the client, and what was put right; whose a matter is, and what was filed to it."""

from alembic import op

revision = "audit_0007"
down_revision = "audit_0006"
branch_labels = None
depends_on = None

# Only of these kinds, so that other appends do not pay for them.
INDEXES = (
    """CREATE INDEX readings_about_client ON readings (client_id, type, index) WHERE type IN (
        'privity.matters.PointOfContactAssigned.v1', 'privity.audit.RecordCorrected.v1')""",
    """CREATE INDEX readings_about_matter ON readings (matter_id, type) WHERE type IN (
        'privity.matters.MatterOpened.v1', 'privity.messaging.MessageFiled.v1',
        'privity.messaging.MessageRefiled.v1')""",
)


def upgrade() -> None:
    for statement in INDEXES:
        op.execute(statement)
