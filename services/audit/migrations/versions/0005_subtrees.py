"""The hashes of the tree in one row an append instead of two rows an entry, and the constraint
between readings and entries asked once a statement instead of once a row.

A release beside this one finds no `nodes`: it appends nothing and waits until it is replaced.
"""

from alembic import op

revision = "audit_0005"
down_revision = "audit_0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """CREATE FUNCTION complete_subtrees(of_size bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
        RETURN 2 * of_size - bit_count(CAST(of_size AS bit(64)))""",
    # What the leaves [first, size) made complete, the leaves' own hashes first, then level by
    # level, each from left to right: exactly as many as there must be.
    """CREATE TABLE subtrees (
        first bigint PRIMARY KEY REFERENCES checkpoints,
        size bigint NOT NULL UNIQUE REFERENCES checkpoints,
        hashes bytea STORAGE EXTERNAL NOT NULL,
        CHECK (first < size),
        CONSTRAINT every_hash CHECK (
            length(hashes) = 32 * (complete_subtrees(size) - complete_subtrees(first))))""",
    """INSERT INTO subtrees (first, size, hashes)
        SELECT c.first, c.size, (
            SELECT string_agg(n.hash, '' ORDER BY n.level, n.position)
            FROM generate_series(0, 62) AS l(level) JOIN nodes n ON n.level = l.level
            AND n.position >= c.first >> l.level AND n.position < c.size >> l.level)
        FROM (SELECT lag(size) OVER (ORDER BY size) AS first, size FROM checkpoints) AS c
        WHERE c.first IS NOT NULL""",
    """CREATE TRIGGER written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON subtrees
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    "ALTER TABLE subtrees ENABLE ALWAYS TRIGGER written_once",
    "DROP TABLE nodes",
    "ALTER TABLE readings DROP CONSTRAINT readings_index_fkey",
    """CREATE FUNCTION require_entries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (
                SELECT FROM entries e WHERE e.index = a.index)) THEN
            RAISE EXCEPTION 'a reading is of an entry' USING ERRCODE = '23503';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER of_entries AFTER INSERT ON readings REFERENCING NEW TABLE AS added
        FOR EACH STATEMENT EXECUTE FUNCTION require_entries()""",
)

# As in 0001: the service's role may INSERT and SELECT.
REVOKE = """
    DO $$ BEGIN
        EXECUTE format('REVOKE ALL ON subtrees FROM %I', left(current_user, -6));
        EXECUTE format('GRANT SELECT, INSERT ON subtrees TO %I', left(current_user, -6));
    END $$
"""


def upgrade() -> None:
    for statement in (*STATEMENTS, REVOKE):
        op.execute(statement)
