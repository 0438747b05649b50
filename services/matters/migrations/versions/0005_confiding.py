"""Consents, disclosures, who has seen a file, and how matters end."""

from alembic import op

revision = "matters_0005"
down_revision = "matters_0004"
branch_labels = None
depends_on = None

OF_A_CLIENT = """client_id uuid NOT NULL REFERENCES clients, matter_id uuid,
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id)"""
STATEMENTS = (
    f"""CREATE TABLE consents (
        consent_id uuid PRIMARY KEY, {OF_A_CLIENT}, purpose text NOT NULL, recipient jsonb NOT NULL,
        scope jsonb NOT NULL, given_by uuid NOT NULL, granted_at timestamptz NOT NULL,
        expires_at timestamptz CHECK (expires_at > granted_at),
        withdrawn_at timestamptz CHECK (withdrawn_at >= granted_at))""",
    "CREATE INDEX consents_client ON consents (client_id, consent_id)",
    # Nothing is disclosed without a basis, nor by a consent of somebody else.
    "CREATE UNIQUE INDEX consents_owner ON consents (consent_id, client_id)",
    f"""CREATE TABLE disclosures (
        disclosure_id uuid PRIMARY KEY, {OF_A_CLIENT},
        basis text NOT NULL CHECK (basis IN ('consent', 'law', 'court_order')),
        purpose text NOT NULL,
        consent_id uuid CHECK ((consent_id IS NOT NULL) = (basis = 'consent')),
        recipient jsonb NOT NULL, content jsonb NOT NULL, grounds jsonb NOT NULL,
        document jsonb CHECK ((document IS NOT NULL) = (basis = 'court_order')),
        made_by uuid NOT NULL REFERENCES staff, made_at timestamptz NOT NULL,
        FOREIGN KEY (consent_id, client_id) REFERENCES consents (consent_id, client_id))""",
    "CREATE INDEX disclosures_client ON disclosures (client_id, disclosure_id)",
    """CREATE TABLE file_views (
        client_id uuid, caller_id uuid, purpose text, first_at timestamptz,
        last_at timestamptz NOT NULL, role text NOT NULL, count int NOT NULL,
        PRIMARY KEY (client_id, first_at, caller_id, purpose))""",
    """CREATE TABLE closings (
        matter_id uuid PRIMARY KEY, client_id uuid NOT NULL, reason jsonb NOT NULL,
        given_up jsonb NOT NULL, closed_by uuid NOT NULL REFERENCES staff,
        closed_at timestamptz NOT NULL,
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
