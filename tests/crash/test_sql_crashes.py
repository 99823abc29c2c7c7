"""Crash simulation through SQL: the whole engine on the simulated disk, stopped after chosen operations, opened again, looked at.

Each workload is SQL whose every commit is noted with the disk operation after which it was acknowledged. What a crash leaves must be
the database after the last acknowledged commit, or after the one that was under way; nothing in between.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

import lungfish
from lungfish.database import DatabaseOptions
from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk

PATH = "simulated.db"
STATES_PER_WORKLOAD = 60
Content = dict[str, list[tuple[Any, ...]]]


def options(disk: SimulatedDisk) -> DatabaseOptions:
    return DatabaseOptions(
        disk=disk,
        page_size_bytes=4096,
        wal_segment_bytes=65_536,
        checkpoint_wal_bytes=0,
        random=random.Random(5),
    )


@dataclass
class History:
    """What was acknowledged when: (operations done before, content after)."""

    acknowledged: list[tuple[int, Content]] = field(default_factory=list)


def content_of(connection: Any) -> Content:
    """Every row of every table."""
    names = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables ORDER BY 1")]
    return {
        name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        for name in names
    }


WORKLOADS: dict[str, list[str]] = {
    "rows with two indexes": [
        "CREATE TABLE t (id integer PRIMARY KEY, a integer, b text); CREATE INDEX ta ON t (a); CREATE INDEX tb ON t (b)",
        *(
            f"INSERT INTO t VALUES ({n}, {n % 3}, 'v{n % 5}'), ({n + 100}, 7, 'w')"
            for n in range(6)
        ),
        "UPDATE t SET a = a + 1, b = b || 'x' WHERE id % 2 = 0",
        "CHECKPOINT",
        "DELETE FROM t WHERE a = 7",
        "INSERT INTO t SELECT id + 1000, a, b FROM t",
    ],
    "DDL in transactions": [
        "CREATE TABLE a (id serial PRIMARY KEY, v text)",
        "BEGIN; CREATE TABLE b (x integer REFERENCES a); INSERT INTO a (v) VALUES ('one'); INSERT INTO b VALUES (1); COMMIT",
        "BEGIN; CREATE TABLE c (x integer); INSERT INTO c VALUES (1); ROLLBACK",
        "ALTER TABLE a ADD COLUMN w integer DEFAULT 5",
        "CHECKPOINT",
        "BEGIN; DROP TABLE b; CREATE TABLE b (y text); INSERT INTO b VALUES ('new'); COMMIT",
        "CREATE UNIQUE INDEX av ON a (v); INSERT INTO a (v) VALUES ('two')",
        "TRUNCATE b",
    ],
    "long values": [
        "CREATE TABLE t (id integer PRIMARY KEY, v text)",
        *(f"INSERT INTO t VALUES ({n}, repeat('long {n} ', {n * 700}))" for n in range(1, 5)),
        "UPDATE t SET v = v || v WHERE id > 2",
        "CHECKPOINT",
        "DELETE FROM t WHERE id = 4",
        "INSERT INTO t SELECT id + 10, v FROM t",
    ],
    "savepoints and rollbacks": [
        "CREATE TABLE t (id integer PRIMARY KEY, v integer)",
        "BEGIN; INSERT INTO t VALUES (1, 1); SAVEPOINT s; INSERT INTO t VALUES (2, 2); UPDATE t SET v = 9; ROLLBACK TO s; "
        "INSERT INTO t VALUES (3, 3); COMMIT",
        "BEGIN; UPDATE t SET v = 100; DELETE FROM t WHERE id = 3; ROLLBACK",
        "CHECKPOINT",
        "BEGIN; DELETE FROM t WHERE id = 1; SAVEPOINT s; INSERT INTO t VALUES (1, 11); RELEASE s; COMMIT",
    ],
    "foreign keys and sequences": [
        "CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (id serial PRIMARY KEY, p integer REFERENCES p ON DELETE CASCADE)",
        "INSERT INTO p VALUES (1), (2), (3); INSERT INTO c (p) VALUES (1), (2), (2), (3)",
        "CHECKPOINT",
        "DELETE FROM p WHERE id = 2",
        "INSERT INTO c (p) VALUES (3)",
        "UPDATE p SET id = 10 WHERE id = 1 AND NOT EXISTS (SELECT 1 FROM c WHERE c.p = p.id)",
    ],
}


def run_workload(statements: list[str]) -> tuple[SimulatedDisk, History]:
    """Run the statements; a checkpoint runs under an open transaction of another session."""
    disk = SimulatedDisk()
    history = History()
    with lungfish.open(PATH, options=options(disk)) as database:
        connection = database.connect(autocommit=True)
        history.acknowledged.append((disk.operation_count, {}))
        other = database.connect()
        for sql in statements:
            if sql == "CHECKPOINT":
                other.execute("CREATE TABLE unfinished (x integer)")
                other.execute("INSERT INTO unfinished SELECT * FROM generate_series(1, 50)")
                connection.execute(sql)
                other.rollback()
            else:
                connection.execute(sql)
            history.acknowledged.append((disk.operation_count, content_of(connection)))
        other.close()
        connection.close()
        disk.halt()
        database.crash()
    return disk, history


def allowed_after(history: History, operation: int) -> list[Content]:
    """The contents that a crash after that operation may leave."""
    before = [content for count, content in history.acknowledged if count <= operation]
    after = [content for count, content in history.acknowledged if count > operation]
    return [*before[-1:], *after[:1]]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_no_crash_loses_or_halves_a_commit(name: str, request: pytest.FixtureRequest) -> None:
    disk, history = run_workload(WORKLOADS[name])
    chance = random.Random(f"{name} 1")
    count = disk.operation_count
    everything = request.config.getoption("--release")
    first = history.acknowledged[0][0]
    points = (
        range(first, count)
        if everything
        else sorted(chance.sample(range(first, count), min(STATES_PER_WORKLOAD, count - first)))
    )
    for operation in points:
        persistence = chance.choice(list(Persistence))
        left = disk.crash_state(operation, persistence, chance.randrange(1 << 30))
        allowed = allowed_after(history, operation)
        with lungfish.open(PATH, options=options(left), create=False) as database:
            assert database.check().problems == (), (operation, persistence)
            with database.connect(autocommit=True) as connection:
                found = content_of(connection)
        assert found in allowed, (operation, persistence, found, allowed)
