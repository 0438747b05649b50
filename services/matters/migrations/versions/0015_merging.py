"""Of mergers of mergers: each entry names the one that stays, not one that was merged further."""

from alembic import op

revision = "matters_0015"
down_revision = "matters_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        WITH RECURSIVE merged AS (
            SELECT client_id, merged_into FROM clients WHERE merged_into IS NOT NULL
            UNION ALL
            SELECT merged.client_id, further.merged_into
            FROM merged JOIN clients further ON further.client_id = merged.merged_into
            WHERE further.merged_into IS NOT NULL)
        UPDATE clients SET merged_into = stays.client_id
        FROM merged JOIN clients stays ON stays.client_id = merged.merged_into
        WHERE clients.client_id = merged.client_id AND stays.merged_into IS NULL
    """)
