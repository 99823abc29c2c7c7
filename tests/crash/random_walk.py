"""A walk through all that writes: two connections with transactions side by side, rows short and long, DDL, sequences, COPY, temporary tables, checkpoints.

The walk is one thread, so a crash after a disk operation leaves what was committed by then, or that and the one commit under way. There is no
model of SQL: after each commit a third connection notes what is there (`State`), and a crash must leave one of the states noted.

Of sequences no state is noted, as they need not keep one: but a value of a transaction that was acknowledged must not come again, unless
a restart of the sequence was committed after it.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

import lungfish
from lungfish.connection import Connection
from lungfish.database import DatabaseOptions
from lungfish.drill.points import CrashPoint
from lungfish.errors import InternalError, LockNotAvailable
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.crash.harness import DrillFailure

PATH = "app.db"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
COLUMNS = (
    "SELECT column_name, data_type, column_default FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name = ? ORDER BY ordinal_position"
)
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ? ORDER BY 1"
VIEWS = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1"
TEMPORARIES = "SELECT count(*) FROM pg_class WHERE relname LIKE 'scratch%'"
OWNED = (
    "SELECT s.relname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid JOIN pg_class t"
    " ON t.oid = d.refobjid WHERE s.relkind = 'S' AND t.relname = ?"
)
SIZES = (3, 20, 60, 700, 3000, 15_000)

State = dict[str, Any]
# What a transaction has done with sequences: (name, value drawn, or None for a restart).
Draws = list[tuple[str, int | None]]


def opened(disk: SimulatedDisk) -> Any:
    """The database on a disk, without threads."""
    options = DatabaseOptions(
        page_size_bytes=4096,
        wal_segment_bytes=32 * 1024,
        buffer_bytes=48 * 4096,
        checkpoint_wal_bytes=0,
        checkpoint_thread=False,
        disk=disk,
        random=random.Random(1),
    )
    return lungfish.open(PATH, options=options)


def names(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query).fetchall()]


def state_of(connection: Connection) -> State:
    """All that is there, but for running values of sequences."""
    state: State = {
        name: (
            connection.execute(COLUMNS, (name,)).fetchall(),
            connection.execute(INDEXES, (name,)).fetchall(),
            sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr),
        )
        for name in names(connection, TABLES)
    }
    state["sequences"] = names(connection, SEQUENCES)
    state["views"] = connection.execute(VIEWS).fetchall()
    state["temporary"] = connection.execute(TEMPORARIES).fetchall()
    return state


@dataclass(frozen=True, slots=True)
class Version:
    """What was there after a commit."""

    state: State
    # Of each sequence the highest value that was acknowledged since its last restart.
    drawn: dict[str, int]
    # Operations when the commit began, and when it was acknowledged.
    began_at: int
    acknowledged_at: int


class Party:
    """One of the two connections, with what its open transaction has drawn; None: it has none."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.draws: Draws | None = None
        connection.execute("SET lock_timeout = 5")


@dataclass(slots=True)
class Walk:
    """See above."""

    seed: int
    step_count: int
    disk: SimulatedDisk = field(default_factory=SimulatedDisk)
    versions: list[Version] = field(default_factory=list)
    _number: int = 0
    _drawn: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Walk, then drop the database as a killed process would."""
        chance = random.Random(self.seed)
        database = opened(self.disk)
        eye = database.connect(autocommit=True)
        eye.execute("SET lock_timeout = 5")
        parties = [Party(database.connect(autocommit=True)) for _ in range(2)]
        self._note(eye, parties, 0)
        for _ in range(self.step_count):
            if chance.random() < 0.1:
                kind = chance.choice(("", "", "(TYPE FULL)", "(MODE PASSIVE)"))
                with contextlib.suppress(LockNotAvailable):
                    eye.execute(f"CHECKPOINT {kind}")
            else:
                self._step(chance, chance.choice(parties), parties, eye)
        eye.session.database.crash()
        for connection in (eye, *(each.connection for each in parties)):
            with contextlib.suppress(lungfish.Error):
                connection.close()

    def _step(
        self, chance: random.Random, party: Party, parties: list[Party], eye: Connection
    ) -> None:
        connection = party.connection
        if party.draws is None and chance.random() < 0.35:
            connection.execute("BEGIN")
            party.draws = []
        is_open = party.draws is not None
        draws = list(party.draws or ())
        began_at = self.disk.operation_count
        is_guarded = is_open and chance.random() < 0.3
        try:
            if is_guarded:
                connection.execute("SAVEPOINT here")
            self._act(chance, connection, draws)
        except InternalError:
            raise
        except lungfish.Error:
            if is_open:
                connection.execute("ROLLBACK TO here" if is_guarded else "ROLLBACK")
                party.draws = party.draws if is_guarded else None
            return
        if is_guarded and chance.random() < 0.5:
            connection.execute("ROLLBACK TO here")
            return
        party.draws = draws if is_open else None
        if is_open and chance.random() < 0.5:
            began_at = self.disk.operation_count
            is_commit = chance.random() < 0.75
            connection.execute("COMMIT" if is_commit else "ROLLBACK")
            party.draws = None
            is_open = not is_commit
        if not is_open:
            self._take_over(draws)
            self._note(eye, parties, began_at)

    def _take_over(self, draws: Draws) -> None:
        for name, value in draws:
            if value is None:
                self._drawn.pop(name, None)
            else:
                self._drawn[name] = max(value, self._drawn.get(name, value))

    def _note(self, eye: Connection, parties: list[Party], began_at: int) -> None:
        acknowledged_at = self.disk.operation_count
        try:
            state = state_of(eye)
        except LockNotAvailable:
            # A table is being rewritten: give that up.
            for party in parties:
                if party.draws is not None:
                    party.connection.execute("ROLLBACK")
                    party.draws = None
            state = state_of(eye)
        self.versions.append(Version(state, dict(self._drawn), began_at, acknowledged_at))

    def _new(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def _act(self, chance: random.Random, connection: Connection, draws: Draws) -> None:
        """Do one thing."""
        tables = names(connection, TABLES)
        if not tables:
            connection.execute(self._creation(chance))
            return
        table = chance.choice(tables)
        columns = {row[0]: row[1] for row in connection.execute(COLUMNS, (table,)).fetchall()}
        sequences = names(connection, SEQUENCES)
        match chance.randrange(11):
            case 0 | 1 | 2 if {"a", "b"} <= set(columns):
                self._insert(chance, connection, table, draws)
            case 3 | 4 if {"id", "a", "b"} <= set(columns):
                connection.execute(self._change(chance, table))
            case 5 if {"a", "b"} <= set(columns):
                with connection.copy(f"COPY {table} (a, b) FROM STDIN") as copy:
                    for number in range(chance.choice((1, 5, 200))):
                        copy.write(f"{number}\tcopied {chance.random()}\n".encode())
            case 6 if sequences:
                name = chance.choice(sequences)
                value = connection.execute(f"SELECT nextval('{name}')").fetchval()
                draws.append((name, value))
            case 7 if sequences:
                name = chance.choice(sequences)
                value = chance.choice(("", "WITH 3", "WITH 500"))
                connection.execute(f"ALTER SEQUENCE {name} RESTART {value}")
                draws.append((name, None))
            case 8:
                owned = [row[0] for row in connection.execute(OWNED, (table,)).fetchall()]
                connection.execute(f"TRUNCATE {table} RESTART IDENTITY")
                draws += [(name, None) for name in owned]
            case 9 if len(tables) < 4:
                connection.execute(self._creation(chance))
            case _:
                connection.execute(self._definition(chance, table, list(columns)))

    def _creation(self, chance: random.Random) -> str:
        unique = chance.choice(("", " UNIQUE"))
        return f"CREATE TABLE {self._new('t')} (id serial PRIMARY KEY, a int, b text{unique})"

    def _insert(
        self, chance: random.Random, connection: Connection, table: str, draws: Draws
    ) -> None:
        count, size = chance.choice((1, 1, 3, 40)), chance.choice(SIZES)
        made = connection.execute(
            f"INSERT INTO {table} (a, b) SELECT g, repeat('x', ?) || g || ?"
            f" FROM generate_series(1, {count}) AS g RETURNING *",
            (size // count + 1, str(chance.random())),
        ).fetchall()
        owned = connection.execute(OWNED, (table,)).fetchall()
        if len(owned) == 1 and all(isinstance(row[0], int) for row in made):
            draws.append((owned[0][0], max(row[0] for row in made)))

    def _change(self, chance: random.Random, table: str) -> str:
        size, divisor = chance.choice(SIZES), chance.choice((1, 2, 3, 5))
        return chance.choice(
            (
                f"UPDATE {table} SET a = a + 1 WHERE id % {divisor} = 0",
                f"UPDATE {table} SET b = repeat('u', {size}) || id || random() WHERE id % {divisor} = 0",
                f"UPDATE {table} SET id = id + 100000 WHERE id % 7 = {divisor}",
                f"DELETE FROM {table} WHERE id % {divisor + 1} = 0",
            )
        )

    def _definition(self, chance: random.Random, table: str, columns: list[str]) -> str:
        column = chance.choice(columns)
        parted, size = self._new("p"), chance.choice(SIZES)
        return chance.choice(
            (
                f"CREATE INDEX {self._new('i')} ON {table} ({column})",
                f"ALTER TABLE {table} ADD COLUMN {self._new('c')} text DEFAULT repeat('d', 500)",
                f"ALTER TABLE {table} DROP COLUMN {column}",
                f"ALTER TABLE {table} ALTER COLUMN a TYPE {chance.choice(('bigint', 'numeric'))}",
                f"CREATE TABLE {self._new('t')} AS SELECT * FROM {table}",
                f"DROP TABLE {table} CASCADE",
                f"CREATE TEMPORARY TABLE {self._new('scratch')} AS SELECT * FROM {table}",
                f"CREATE TEMPORARY TABLE {self._new('scratch')} AS SELECT repeat('t', {size}) AS v",
                f"CREATE SEQUENCE {self._new('s')} START {chance.randrange(1, 50)}",
                f"CREATE VIEW {self._new('v')} AS SELECT * FROM {table}",
                f"ALTER TABLE {table} RENAME TO {self._new('t')}",
                f"CREATE TABLE {parted} (id int, a int) PARTITION BY RANGE (id);"
                f"CREATE TABLE {parted}_low PARTITION OF {parted} FOR VALUES FROM (0) TO (50);"
                f"CREATE TABLE {parted}_rest PARTITION OF {parted} DEFAULT;"
                f"INSERT INTO {parted} SELECT g, g FROM generate_series(1, 99) AS g",
            )
        )


def look(walk: Walk, point: CrashPoint) -> None:
    """Raise DrillFailure unless what the crash has left is what was committed, whole, and of use."""
    at = point.operation
    last = max((n for n, each in enumerate(walk.versions) if each.acknowledged_at <= at), default=0)
    allowed = [each for each in walk.versions[last:] if each.began_at <= at] or walk.versions[:1]
    database = opened(walk.disk.crash_state(at, point.persistence, point.seed))
    connection = database.connect(autocommit=True)
    try:
        state = state_of(connection)
        found = [each for each in allowed if each.state == state]
        if not found:
            raise DrillFailure(f"none of the {len(allowed)} states allowed: {str(state)[:1000]}")
        for name in state["sequences"]:
            value = connection.execute(f"SELECT nextval('{name}')").fetchval()
            drawn = min(each.drawn.get(name, value - 1) for each in found)
            if value <= drawn:
                raise DrillFailure(f"sequence {name} hands out {value} again, after {drawn}")
        for name in names(connection, TABLES):
            with contextlib.suppress(lungfish.IntegrityError):
                connection.execute(f"INSERT INTO {name} DEFAULT VALUES")
        problems = database.check("full").problems
        if problems:
            raise DrillFailure(str(problems))
    finally:
        connection.session.database.crash()
        with contextlib.suppress(lungfish.Error):
            connection.close()
