"""Each change of what is known of a client: also how they want to hear, and who speaks for them."""

from alembic import op

revision = "matters_0010"
down_revision = "matters_0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Defaults, so that the release before this one goes on writing details.
    """ALTER TABLE client_history
        ADD COLUMN change_id uuid NOT NULL DEFAULT uuidv7(),
        ADD COLUMN what text NOT NULL DEFAULT 'details'
            CHECK (what IN ('details', 'preferences', 'representative')),
        ADD COLUMN subject_id uuid CHECK ((subject_id IS NOT NULL) = (what = 'representative'))""",
    """ALTER TABLE client_history DROP CONSTRAINT client_history_pkey,
        ADD PRIMARY KEY (change_id)""",
    """CREATE UNIQUE INDEX client_history_once ON client_history
        (client_id, what, COALESCE(subject_id, client_id), revision)""",
    "CREATE INDEX client_history_client ON client_history (client_id, change_id)",
    # A consent that ends by its date ends the wishes that it allowed, once.
    "ALTER TABLE consents ADD COLUMN lapsed_at timestamptz CHECK (lapsed_at >= expires_at)",
    """CREATE INDEX consents_lapsing ON consents (expires_at)
        WHERE lapsed_at IS NULL AND withdrawn_at IS NULL""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
