"""The firm, its staff, its clients, their matters, and points of contact without overlap or gap."""

from alembic import op

revision = "matters_0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    """CREATE TABLE firms (
        firm_id uuid PRIMARY KEY, revision int NOT NULL, name text NOT NULL,
        time_zone text NOT NULL, calendar_id uuid, addresses text[] NOT NULL,
        emergency jsonb NOT NULL)""",
    """CREATE TABLE staff (
        staff_id uuid PRIMARY KEY, revision int NOT NULL, name text NOT NULL,
        email text NOT NULL UNIQUE CHECK (email = lower(email)), phone text, role text NOT NULL,
        supervisor_id uuid REFERENCES staff CHECK (supervisor_id <> staff_id),
        stand_in_id uuid REFERENCES staff CHECK (stand_in_id <> staff_id),
        managing_partner boolean NOT NULL, active boolean NOT NULL,
        registered_at timestamptz NOT NULL)""",
    "CREATE INDEX staff_supervisor ON staff (supervisor_id) WHERE supervisor_id IS NOT NULL",
    """CREATE TABLE clients (
        client_id uuid PRIMARY KEY, revision int NOT NULL, name text NOT NULL,
        email text NOT NULL, phone text, time_zone text NOT NULL, preferences jsonb NOT NULL,
        registered_at timestamptz NOT NULL)""",
    "CREATE TABLE matter_numbers (year int PRIMARY KEY, last_number int NOT NULL)",
    """CREATE TABLE matters (
        matter_id uuid PRIMARY KEY, client_id uuid NOT NULL REFERENCES clients,
        number text NOT NULL UNIQUE, title text NOT NULL, practice_area text NOT NULL,
        opened_at timestamptz NOT NULL, UNIQUE (matter_id, client_id))""",
    "CREATE INDEX matters_client ON matters (client_id, matter_id)",
    # No two contacts at one instant: the exclusion constraint.
    """CREATE TABLE points_of_contact (
        assignment_id uuid PRIMARY KEY, client_id uuid NOT NULL REFERENCES clients,
        matter_id uuid, staff_id uuid NOT NULL REFERENCES staff, stand_in_id uuid REFERENCES staff,
        subject_id uuid NOT NULL GENERATED ALWAYS AS (COALESCE(matter_id, client_id)) STORED,
        from_at timestamptz NOT NULL, until_at timestamptz CHECK (until_at > from_at),
        assigned_by uuid NOT NULL,
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id),
        EXCLUDE USING gist (subject_id WITH =, tstzrange(from_at, until_at) WITH &&))""",
    "CREATE INDEX points_of_contact_staff ON points_of_contact (staff_id)",
    # No instant without one: at the end of each transaction the periods of a client or matter are
    # one period, from its beginning for ever.
    """CREATE FUNCTION require_unbroken_contact() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
        subject uuid := COALESCE(changed->>'matter_id', changed->>'client_id');
        beginning timestamptz := COALESCE(
            (SELECT opened_at FROM matters WHERE matter_id = subject),
            (SELECT registered_at FROM clients WHERE client_id = subject));
    BEGIN
        IF NOT COALESCE((
            SELECT range_agg(tstzrange(from_at, until_at))
                   @> tstzmultirange(tstzrange(beginning, NULL))
            FROM points_of_contact WHERE subject_id = subject), false)
        THEN
            RAISE EXCEPTION '% would be without a point of contact', subject
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$""",
    *(
        f"""CREATE CONSTRAINT TRIGGER unbroken_contact AFTER {when} ON {table}
            DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION require_unbroken_contact()"""
        for when, table in (
            ("INSERT", "clients"),
            ("INSERT", "matters"),
            ("INSERT OR UPDATE OR DELETE", "points_of_contact"),
        )
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
