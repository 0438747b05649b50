"""Who is who, everybody's names, consultations, and conflict checks that nobody passes by."""

from alembic import op

revision = "intake_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    """CREATE TABLE firms (
        firm_id uuid PRIMARY KEY, name text NOT NULL, time_zone text NOT NULL, calendar_id uuid,
        revision int NOT NULL)""",
    """CREATE TABLE staff (
        staff_id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL, role text NOT NULL,
        managing_partner boolean NOT NULL, active boolean NOT NULL)""",
    "CREATE INDEX staff_email ON staff (email)",
    """CREATE TABLE clients (
        client_id uuid PRIMARY KEY, name text NOT NULL, email text NOT NULL, phone text,
        time_zone text NOT NULL)""",
    "CREATE INDEX clients_email ON clients (email)",
    "CREATE INDEX clients_phone ON clients (phone) WHERE phone IS NOT NULL",
    """CREATE TABLE points_of_contact (
        assignment_id uuid PRIMARY KEY, client_id uuid NOT NULL, matter_id uuid,
        staff_id uuid NOT NULL, from_at timestamptz NOT NULL)""",
    "CREATE INDEX points_of_contact_client ON points_of_contact (client_id, from_at DESC)",
    """CREATE TABLE consultations (
        consultation_id uuid PRIMARY KEY, client_id uuid NOT NULL, known_client boolean NOT NULL,
        source text NOT NULL CHECK (source IN ('form', 'phone', 'mail', 'referral')),
        state text NOT NULL
            CHECK (state IN ('requested', 'scheduled', 'held', 'declined')),
        kind text NOT NULL CHECK (kind IN ('person', 'company')),
        name text, email text, phone text, time_zone text NOT NULL, practice_area text NOT NULL,
        point_of_contact_id uuid, taken_by uuid, requested_at timestamptz NOT NULL,
        sequence int NOT NULL, staff_id uuid, starts_at timestamptz, ends_at timestamptz,
        channel text CHECK (channel IN ('phone', 'video', 'in_person')), place text,
        held_at timestamptz, note jsonb, declined_at timestamptz,
        declined_by text CHECK (declined_by IN ('firm', 'client')), reasons jsonb,
        erase_at timestamptz, erased_at timestamptz,
        UNIQUE (consultation_id, client_id),
        CHECK (ends_at > starts_at),
        CHECK (state <> 'scheduled' OR (starts_at IS NOT NULL AND staff_id IS NOT NULL)),
        CHECK (state <> 'held' OR (held_at IS NOT NULL AND note IS NOT NULL) OR
               erased_at IS NOT NULL),
        CHECK (state <> 'declined' OR declined_at IS NOT NULL),
        CHECK (erased_at IS NOT NULL OR (name IS NOT NULL AND email IS NOT NULL)))""",
    "CREATE INDEX consultations_client ON consultations (client_id)",
    """CREATE INDEX consultations_asked ON consultations (requested_at) WHERE source = 'form'""",
    """CREATE INDEX consultations_erase ON consultations (erase_at)
        WHERE erase_at IS NOT NULL AND erased_at IS NULL""",
    """CREATE TABLE parties (
        party_id uuid PRIMARY KEY, consultation_id uuid NOT NULL REFERENCES consultations,
        role text NOT NULL CHECK (role IN ('client', 'related', 'adverse')),
        kind text NOT NULL CHECK (kind IN ('person', 'company')),
        name text NOT NULL, also text[] NOT NULL, added_at timestamptz NOT NULL)""",
    "CREATE INDEX parties_consultation ON parties (consultation_id)",
    # Every name the firm knows, as written and as compared; the trigram indexes find what is near.
    """CREATE TABLE names (
        name_id uuid PRIMARY KEY, subject_id uuid NOT NULL, client_id uuid, consultation_id uuid,
        role text NOT NULL
            CHECK (role IN ('client', 'prospect', 'related', 'adverse', 'staff', 'interest')),
        kind text NOT NULL CHECK (kind IN ('person', 'company')),
        written text NOT NULL, form text NOT NULL, sound text NOT NULL, initials text NOT NULL,
        UNIQUE (subject_id, role, written))""",
    # Without fastupdate: a reader would have to go through what was not sorted in yet.
    """CREATE INDEX names_form ON names USING gin (form gin_trgm_ops) WITH (fastupdate = off)""",
    """CREATE INDEX names_sound ON names USING gin (sound gin_trgm_ops) WITH (fastupdate = off)""",
    "CREATE INDEX names_initials ON names (initials) WHERE initials <> ''",
    "CREATE INDEX names_short ON names (form) WHERE length(form) <= 8",
    """CREATE TABLE files (
        file_id uuid PRIMARY KEY, client_id uuid NOT NULL, subject_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('arriving', 'kept')), name jsonb NOT NULL,
        size bigint NOT NULL CHECK (size > 0), parts int NOT NULL CHECK (parts > 0),
        media_type text, commitment text, key_version int NOT NULL,
        created_at timestamptz NOT NULL,
        CHECK ((state = 'kept') = (commitment IS NOT NULL AND media_type IS NOT NULL)))""",
    "CREATE INDEX files_subject ON files (subject_id)",
    "CREATE INDEX files_arriving ON files (created_at) WHERE state = 'arriving'",
    """CREATE TABLE file_chunks (
        file_id uuid REFERENCES files ON DELETE CASCADE, number int CHECK (number >= 0),
        box bytea NOT NULL, PRIMARY KEY (file_id, number))""",
    """CREATE TABLE conflict_checks (
        check_id uuid PRIMARY KEY, consultation_id uuid NOT NULL UNIQUE REFERENCES consultations,
        client_id uuid NOT NULL, revision int NOT NULL, names int NOT NULL,
        state text NOT NULL CHECK (state IN ('clear', 'possible', 'cleared', 'waived')),
        completed_at timestamptz NOT NULL, decided_by uuid, decided_at timestamptz, reasons jsonb,
        screened uuid[] NOT NULL,
        CHECK ((state IN ('cleared', 'waived')) = (decided_by IS NOT NULL)),
        CHECK ((decided_by IS NULL) = (reasons IS NULL)))""",
    """CREATE TABLE conflict_hits (
        hit_id uuid PRIMARY KEY, check_id uuid NOT NULL REFERENCES conflict_checks,
        revision int NOT NULL, asked text NOT NULL, asked_role text NOT NULL,
        found text NOT NULL, found_role text NOT NULL, found_client_id uuid,
        found_subject_id uuid NOT NULL, score real NOT NULL, because text NOT NULL,
        serious boolean NOT NULL)""",
    "CREATE INDEX conflict_hits_check ON conflict_hits (check_id, revision)",
    """CREATE TABLE conflict_consents (
        check_id uuid REFERENCES conflict_checks, revision int, client_id uuid,
        file_id uuid NOT NULL REFERENCES files, given_at timestamptz NOT NULL,
        PRIMARY KEY (check_id, revision, client_id))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
