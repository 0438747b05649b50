"""Who becomes a joint client by a signature: a client of their own, beside who asked."""

from alembic import op

revision = "intake_0008"
down_revision = "intake_0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    """ALTER TABLE signers ADD client_id uuid, ADD phone text, ADD signs_for text,
        ADD kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'company')),
        ADD UNIQUE (engagement_id, client_id),
        ADD CHECK (client_id IS NOT NULL OR (kind = 'person' AND phone IS NULL
            AND signs_for IS NULL)),
        ADD CHECK (client_id IS NULL OR (capacity IS NULL) = (signs_for IS NULL)),
        ADD CHECK (kind = 'person' OR signs_for IS NOT NULL)""",
    # Whoever writes the row: the matter's client is no joint client, and no amendment makes one.
    """CREATE FUNCTION require_another_client() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM engagements WHERE engagement_id = NEW.engagement_id
            AND (amends IS NOT NULL OR client_id = NEW.client_id))
        THEN
            RAISE EXCEPTION 'engagement % makes % no joint client', NEW.engagement_id,
                NEW.client_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER another_client AFTER INSERT OR UPDATE ON signers
        FOR EACH ROW WHEN (NEW.client_id IS NOT NULL) EXECUTE FUNCTION require_another_client()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
