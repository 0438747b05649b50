"""The directory, conversations, messages, kept originals and arrivals of mail."""

from alembic import op

revision = "messaging_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE firms (
        firm_id uuid PRIMARY KEY, name text NOT NULL, time_zone text NOT NULL,
        addresses text[] NOT NULL, emergency_contact jsonb NOT NULL, revision int NOT NULL)""",
    """CREATE TABLE staff (
        staff_id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL, role text NOT NULL,
        supervisor_id uuid, stand_in_id uuid, managing_partner boolean NOT NULL,
        active boolean NOT NULL)""",
    "CREATE INDEX staff_email ON staff (email)",
    """CREATE TABLE clients (
        client_id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL,
        time_zone text NOT NULL)""",
    "CREATE INDEX clients_email ON clients (email)",
    """CREATE TABLE matters (
        matter_id uuid PRIMARY KEY, client_id uuid NOT NULL, number text NOT NULL UNIQUE,
        title text NOT NULL, opened_at timestamptz NOT NULL)""",
    "CREATE INDEX matters_client ON matters (client_id)",
    # No reference from here to staff or matters: their events may come later than this row's.
    """CREATE TABLE points_of_contact (
        assignment_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
        staff_id uuid NOT NULL, stand_in_id uuid, from_at timestamptz NOT NULL)""",
    "CREATE INDEX points_of_contact_client ON points_of_contact (client_id, matter_id, from_at)",
    """CREATE TABLE conversations (
        conversation_id uuid PRIMARY KEY, client_id uuid, matter_id uuid, subject jsonb,
        begun_at timestamptz NOT NULL)""",
    "CREATE INDEX conversations_client ON conversations (client_id)",
    """CREATE TABLE messages (
        message_id uuid PRIMARY KEY,
        conversation_id uuid NOT NULL REFERENCES conversations,
        client_id uuid, matter_id uuid,
        direction text NOT NULL CHECK (direction IN ('inbound', 'outbound', 'internal')),
        kind text NOT NULL CHECK (kind IN
            ('message', 'answer', 'question', 'acknowledgment', 'note', 'call', 'report')),
        channel text NOT NULL, received_at timestamptz NOT NULL, urgent boolean NOT NULL,
        automatic boolean NOT NULL, staff_id uuid, quarantine_reason text,
        filed_at timestamptz, filed_by uuid, settled_at timestamptz, trace_id text,
        owner uuid NOT NULL, subject jsonb, body jsonb,
        sender_name text, sender_address text, sender_differs boolean NOT NULL,
        message_id_header text, content_identity bytea, duplicate_id_of uuid,
        "references" text[] NOT NULL, envelope_from text, to_addresses text[] NOT NULL,
        headers jsonb NOT NULL, authentication text, calendar_method text,
        answered_after double precision, defects text[] NOT NULL,
        key_version int, original_size bigint, original_commitment text,
        CHECK ((client_id IS NULL) = (quarantine_reason IS NOT NULL AND filed_at IS NULL)),
        CHECK ((original_size IS NULL) = (original_commitment IS NULL)),
        UNIQUE (message_id_header, content_identity))""",
    "CREATE INDEX messages_client ON messages (client_id, message_id)",
    "CREATE INDEX messages_conversation ON messages (conversation_id, message_id)",
    "CREATE INDEX messages_quarantined ON messages (message_id) WHERE client_id IS NULL",
    """CREATE INDEX messages_without_id ON messages (envelope_from, received_at)
        WHERE message_id_header IS NULL AND content_identity IS NOT NULL""",
    """CREATE TABLE originals (
        message_id uuid REFERENCES messages, number int, box bytea NOT NULL,
        PRIMARY KEY (message_id, number))""",
    "ALTER TABLE originals ALTER COLUMN box SET STORAGE EXTERNAL",  # sealed: nothing to compress
    """CREATE TABLE attachments (
        attachment_id uuid PRIMARY KEY, message_id uuid NOT NULL REFERENCES messages,
        part int NOT NULL, file_name jsonb NOT NULL, media_type text NOT NULL,
        size bigint NOT NULL, commitment text NOT NULL)""",
    "CREATE INDEX attachments_message ON attachments (message_id, part)",
    """CREATE TABLE arrivals (
        arrival_id uuid PRIMARY KEY, message_id uuid NOT NULL REFERENCES messages,
        peer text NOT NULL, helo text NOT NULL, envelope_from text NOT NULL,
        recipients text[] NOT NULL, arrived_at timestamptz NOT NULL)""",
    "CREATE INDEX arrivals_message ON arrivals (message_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
