"""Teams, walls, absences with cover, and handovers of everything that somebody has."""

from alembic import op

revision = "matters_0002"
down_revision = "matters_0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE TABLE team_members (
        matter_id uuid REFERENCES matters, staff_id uuid REFERENCES staff,
        duty text NOT NULL CHECK (duty IN ('lead', 'associate', 'paralegal', 'support')),
        PRIMARY KEY (matter_id, staff_id))""",
    "CREATE INDEX team_members_staff ON team_members (staff_id)",
    "ALTER TABLE matters ADD COLUMN team_revision int NOT NULL DEFAULT 0",
    """CREATE TABLE walls (
        wall_id uuid PRIMARY KEY, client_id uuid NOT NULL REFERENCES clients, matter_id uuid,
        kind text NOT NULL CHECK (kind IN ('screen', 'need_to_know')),
        staff_ids uuid[] NOT NULL CHECK (cardinality(staff_ids) > 0),
        raised_at timestamptz NOT NULL, raised_by uuid NOT NULL,
        lowered_at timestamptz CHECK (lowered_at >= raised_at), lowered_by uuid,
        FOREIGN KEY (matter_id, client_id) REFERENCES matters (matter_id, client_id))""",
    "CREATE INDEX walls_standing ON walls (client_id) WHERE lowered_at IS NULL",
    # Nobody is away twice at one instant.
    """CREATE TABLE absences (
        absence_id uuid PRIMARY KEY, revision int NOT NULL,
        staff_id uuid NOT NULL REFERENCES staff,
        stand_in_id uuid NOT NULL REFERENCES staff CHECK (stand_in_id <> staff_id),
        from_at timestamptz NOT NULL, until_at timestamptz NOT NULL CHECK (until_at > from_at),
        planned_by uuid NOT NULL, cancelled_at timestamptz,
        EXCLUDE USING gist (staff_id WITH =, tstzrange(from_at, until_at) WITH &&)
            WHERE (cancelled_at IS NULL))""",
    "CREATE INDEX absences_stand_in ON absences (stand_in_id, until_at)",
    # Nobody is away without cover: who stands in is not away at any instant of it. Two who plan at
    # once write one after the other (absences/actions.py), so that each sees the other.
    """CREATE FUNCTION require_cover() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.cancelled_at IS NULL AND EXISTS (
            SELECT FROM absences other
            WHERE other.cancelled_at IS NULL
              AND tstzrange(other.from_at, other.until_at)
                  && tstzrange(NEW.from_at, NEW.until_at)
              AND (other.staff_id = NEW.stand_in_id OR other.stand_in_id = NEW.staff_id))
        THEN
            RAISE EXCEPTION 'absence % would be without cover', NEW.absence_id
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER covered AFTER INSERT OR UPDATE ON absences
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_cover()""",
    """CREATE TABLE handovers (
        handover_id uuid PRIMARY KEY, staff_id uuid NOT NULL REFERENCES staff,
        to_staff_id uuid NOT NULL REFERENCES staff CHECK (to_staff_id <> staff_id),
        stand_in_id uuid REFERENCES staff, total int NOT NULL, done int NOT NULL DEFAULT 0,
        refused jsonb NOT NULL DEFAULT '[]', begun_at timestamptz NOT NULL, begun_by uuid NOT NULL,
        ended_at timestamptz)""",
    """CREATE UNIQUE INDEX handovers_one_at_a_time ON handovers (staff_id)
        WHERE ended_at IS NULL""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
