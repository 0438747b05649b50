"""What witnesses signed under a checkpoint that was committed before: beside its note, which stays
as it is, and like it written once."""

from alembic import op

revision = "audit_0006"
down_revision = "audit_0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE cosignatures (
        size bigint REFERENCES checkpoints, witness text, line text NOT NULL,
        cosigned_at timestamptz NOT NULL, PRIMARY KEY (witness, size))""",
    "CREATE INDEX cosignatures_of_size ON cosignatures (size)",
    """CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON cosignatures
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    "ALTER TABLE cosignatures ENABLE ALWAYS TRIGGER written_once",
    # As in 0001: the service's role may INSERT and SELECT.
    """DO $$ BEGIN
        EXECUTE format('REVOKE ALL ON cosignatures FROM %I', left(current_user, -6));
        EXECUTE format('GRANT SELECT, INSERT ON cosignatures TO %I', left(current_user, -6));
    END $$""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
