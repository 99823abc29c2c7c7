"""Trial 15 of the matrix: every kind of DDL, with the crash before, after and within a checkpoint, in `public` and in another schema.

The catalog and every table must come back as they were when the commit was acknowledged (`lungfish.drill.content` compares them), and
what was defined must still work: so the same DDL is not only stored but read again.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import lungfish
from lungfish.connection import Connection
from lungfish.database.check import check_database
from lungfish.drill.content import Content, ContentReader
from lungfish.errors import FeatureNotSupported
from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.crash.crash_points import until_over
from tests.crash.harness import DrillFailure
from tests.crash.sql_drill import PATH, open_on
from tests.crash.tally import Budget, Tally

SETUP = """
CREATE TABLE base (id integer PRIMARY KEY, n integer DEFAULT 5, note text NOT NULL, CONSTRAINT small CHECK (n < 1000));
CREATE TABLE child (id integer PRIMARY KEY, base integer REFERENCES base);
CREATE INDEX base_n ON base (n);
CREATE VIEW shown AS SELECT id, n FROM base WHERE n > 2;
CREATE SEQUENCE counter START 10;
CREATE TABLE lone (v integer);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE above (id integer, CONSTRAINT positive CHECK (id > 0));
CREATE TABLE below (more text) INHERITS (above);
CREATE TABLE apart (id integer, CONSTRAINT positive CHECK (id > 0));
CREATE TABLE parted (id integer, note text) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF parted DEFAULT;
CREATE INDEX parted_id ON parted (id);
CREATE TABLE joins (note text, id integer);
CREATE TABLE ruled (v integer);
CREATE TABLE taken (v integer);
CREATE RULE keeps AS ON INSERT TO ruled DO ALSO INSERT INTO taken VALUES (new.v);
INSERT INTO ruled VALUES (1), (2);
INSERT INTO below SELECT i, 'below ' || i FROM generate_series(1, 5) AS g(i);
INSERT INTO parted SELECT i, 'part ' || i FROM generate_series(5, 15) AS g(i);
INSERT INTO joins VALUES ('far', 100);
INSERT INTO base SELECT i, i, 'note ' || i FROM generate_series(1, 20) AS g(i);
INSERT INTO child SELECT i, i FROM generate_series(1, 5) AS g(i);
"""

KINDS: tuple[str, ...] = (
    "CREATE TABLE made (id serial PRIMARY KEY, v numeric(8, 2) DEFAULT 1.5, t timestamptz, UNIQUE (v, t))",
    "CREATE TABLE made AS SELECT id, note FROM base WHERE id > 4",
    "CREATE TABLE made (LIKE base INCLUDING ALL)",
    "CREATE TABLE made (id bigint GENERATED ALWAYS AS IDENTITY, twice bigint GENERATED ALWAYS AS (7 * 2) STORED)",
    "CREATE UNLOGGED TABLE made (id integer)",
    "CREATE INDEX made ON base (note, n DESC)",
    "CREATE UNIQUE INDEX made ON base (note)",
    "CREATE INDEX made ON base (lower(note))",
    "CREATE INDEX made ON base (n) WHERE n > 10",
    "CREATE VIEW made AS SELECT note, count(*) FROM base GROUP BY note",
    "CREATE OR REPLACE VIEW shown AS SELECT id, n FROM base WHERE n > 7",
    "CREATE VIEW made WITH (security_barrier) AS SELECT id, n FROM base WHERE n > 2 WITH CHECK OPTION",
    "ALTER VIEW shown SET (check_option = local)",
    "ALTER VIEW shown ALTER COLUMN n SET DEFAULT 4",
    "CREATE RULE made AS ON DELETE TO ruled WHERE old.v > 1 DO INSTEAD (INSERT INTO taken VALUES (old.v); SELECT old.v)",
    "CREATE OR REPLACE RULE keeps AS ON INSERT TO ruled DO INSTEAD NOTHING",
    "ALTER RULE keeps ON ruled RENAME TO made",
    "ALTER TABLE ruled DISABLE RULE keeps",
    "ALTER TABLE taken RENAME TO made",
    "COMMENT ON RULE keeps ON ruled IS 'made'",
    "DROP RULE keeps ON ruled",
    "DROP TABLE taken CASCADE",
    "CREATE MATERIALIZED VIEW made AS SELECT sum(n) AS total FROM base",
    "CREATE SEQUENCE made INCREMENT 5 MINVALUE 5 MAXVALUE 100 CYCLE",
    "CREATE TYPE made AS ENUM ('one', 'two')",
    "CREATE TYPE made AS (a integer, b text)",
    "CREATE DOMAIN made AS integer CHECK (VALUE > 0)",
    "CREATE SCHEMA made",
    "CREATE FUNCTION made(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a + 1'",
    "ALTER TABLE base ADD COLUMN made integer DEFAULT 9",
    "ALTER TABLE base ADD COLUMN made text",
    "ALTER TABLE base DROP COLUMN note",
    "ALTER TABLE base ALTER COLUMN note TYPE varchar(40)",
    "ALTER TABLE lone ALTER COLUMN v TYPE text USING v::text || '!'",
    "ALTER TABLE base ALTER COLUMN n SET DEFAULT 6",
    "ALTER TABLE base ALTER COLUMN n DROP DEFAULT",
    "ALTER TABLE base ALTER COLUMN n SET NOT NULL",
    "ALTER TABLE base ALTER COLUMN note DROP NOT NULL",
    "ALTER TABLE base RENAME COLUMN note TO made",
    "ALTER TABLE base RENAME TO made",
    "ALTER TABLE base RENAME CONSTRAINT small TO made",
    "ALTER TABLE base ADD CONSTRAINT made CHECK (id > 0)",
    "ALTER TABLE base ADD CONSTRAINT made UNIQUE (note)",
    "ALTER TABLE lone ADD PRIMARY KEY (v)",
    "ALTER TABLE lone ADD FOREIGN KEY (v) REFERENCES base",
    "ALTER TABLE base DROP CONSTRAINT small",
    "ALTER TABLE lone SET SCHEMA elsewhere",
    "ALTER INDEX base_n RENAME TO made",
    "ALTER VIEW shown RENAME TO made",
    "ALTER SEQUENCE counter RESTART WITH 77",
    "ALTER SEQUENCE counter RENAME TO made",
    "ALTER TYPE mood ADD VALUE 'happy'",
    "ALTER TYPE mood RENAME TO made",
    "COMMENT ON TABLE base IS 'made'",
    "COMMENT ON COLUMN base.n IS 'made'",
    "TRUNCATE lone",
    "TRUNCATE base CASCADE",
    "DROP TABLE lone",
    "DROP TABLE base CASCADE",
    "DROP INDEX base_n",
    "DROP VIEW shown",
    "DROP SEQUENCE counter",
    "DROP TYPE mood",
    "DROP SCHEMA elsewhere",
    "CREATE TABLE made (z integer) INHERITS (above, apart)",
    "CREATE TABLE made PARTITION OF parted FOR VALUES FROM (20) TO (30)",
    "CREATE TABLE made PARTITION OF parted FOR VALUES FROM (20) TO (30) PARTITION BY LIST (note)",
    "CREATE TABLE made (id integer, v numeric) PARTITION BY HASH (id, v)",
    "CREATE INDEX made ON parted (note)",
    "ALTER TABLE above ADD COLUMN made integer DEFAULT 4",
    "ALTER TABLE above RENAME COLUMN id TO made",
    "ALTER TABLE above DROP CONSTRAINT positive",
    "ALTER TABLE apart INHERIT above",
    "ALTER TABLE below NO INHERIT above",
    "ALTER TABLE parted ADD COLUMN made integer DEFAULT 4",
    "ALTER TABLE parted ADD PRIMARY KEY (id)",
    "ALTER TABLE parted ADD FOREIGN KEY (id) REFERENCES base",
    "ALTER TABLE parted ATTACH PARTITION joins FOR VALUES FROM (100) TO (200)",
    "ALTER TABLE parted DETACH PARTITION low",
    "DROP INDEX parted_id",
    "DROP TABLE parted",
    "DROP TABLE above CASCADE",
    "TRUNCATE parted",
)  # fmt: skip

PLACES = ("without a checkpoint", "before a checkpoint", "within a checkpoint")
SCHEMAS = ("public", '"Other"')
Case = tuple[str, str, str]


def check_kinds(budget: Budget) -> Tally:
    """Every kind in one place and schema each, so that all pairs come up over the kinds; released, all of them, at three depths."""
    tally = Tally()
    pairs = list(itertools.product(PLACES, SCHEMAS))
    if budget.is_release:
        cases: list[Case] = [(kind, *pair) for kind in KINDS for pair in pairs]
    else:
        cases = [(kind, *pairs[index % len(pairs)]) for index, kind in enumerate(KINDS)]
    for case in until_over(cases, budget):
        try:
            what = "kinds of DDL" if check_kind(case, budget) else "kinds that are not supported"
            tally.count(what)
        except Exception:
            tally.fail(", ".join(case))
    return tally


def check_kind(case: Case, budget: Budget) -> bool:
    """One kind; False if it is not supported."""
    kind, place, schema = case
    disk = SimulatedDisk()
    connection = open_on(disk)
    database = connection._session.database
    connection.execute("CREATE SCHEMA elsewhere")
    if schema != "public":
        connection.execute(f"CREATE SCHEMA {schema}")
    connection.execute(f"SET search_path TO {schema}")
    connection.run_script(SETUP)
    connection.execute("CHECKPOINT")
    before, began_at = ContentReader(database).read(), disk.operation_count
    try:
        run_kind(connection, kind, place)
    except FeatureNotSupported:
        database.crash()
        connection.close()
        return False
    done_at = disk.operation_count
    after = ContentReader(database).read()
    if place == "before a checkpoint":
        connection.execute("CHECKPOINT")
    database.crash()
    connection.close()
    for point, allowed in points_of(disk, began_at, done_at, budget):
        look_at(disk, point, [before, after] if allowed else [after])
    return True


def run_kind(connection: Connection, kind: str, place: str) -> None:
    """The DDL, in a transaction; within a checkpoint means that the image is taken while the transaction is open."""
    connection.execute("BEGIN")
    try:
        connection.execute(kind)
    except lungfish.Error:
        connection.rollback()
        raise
    if place == "within a checkpoint":
        session = connection._session.database
        other = Connection(type(connection._session)(session, autocommit=True, read_only=False))
        other.execute("CHECKPOINT")
        other.close()
    connection.execute("COMMIT")


def points_of(
    disk: SimulatedDisk, began_at: int, done_at: int, budget: Budget
) -> Iterator[tuple[tuple[int, Persistence], bool]]:
    """Where to crash: at the end, when the commit was acknowledged, and in the middle of it (where both states are right)."""
    chance = random.Random(f"{began_at} {done_at}")
    yield (disk.operation_count, Persistence.SYNCED), False
    yield (done_at, Persistence.SYNCED), False
    for _ in range(budget.choose(1, 6)):
        at = chance.randint(began_at, disk.operation_count)
        yield (at, chance.choice(list(Persistence))), at < done_at


def look_at(disk: SimulatedDisk, point: tuple[int, Persistence], allowed: list[Content]) -> None:
    left = disk.crash_state(*point, 1)
    for _ in range(2):
        connection = open_on(left)
        database = connection._session.database
        found = ContentReader(database).read()
        problems = check_database(database).problems
        database.crash()
        connection.close()
        if problems:
            raise DrillFailure(f"{point}: {problems[0]}")
        if found not in allowed:
            raise DrillFailure(f"{point}: {found.difference_to(allowed[-1])}")
    assert left.exists(PATH)
