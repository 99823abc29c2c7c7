"""The crash drill through SQL: the whole way from text to disk, with the real catalog, sequences and constraints.

There is no model here: after each commit the database is asked what it holds, and after a crash it must hold the same again.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import lungfish
from lungfish.connection import Connection
from lungfish.database import DatabaseOptions
from lungfish.drill.points import CrashPoint
from lungfish.recovery import CheckpointRequest
from lungfish.storage.check import check_pages
from lungfish.storage.clock import ManualClock
from lungfish.storage.simulated_disk import SimulatedDisk
from lungfish.storage.table_build import check_heap, check_index
from tests.crash.harness import DrillFailure
from tests.crash.tally import Tally

PATH = "app.db"
Rows = list[tuple[Any, ...]]
# Each table's columns and rows, in order, by name.
SqlState = dict[str, tuple[Rows, Rows]]

COLUMNS = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = '{}' ORDER BY ordinal_position
"""
TABLES = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""


def options_for(disk: SimulatedDisk) -> DatabaseOptions:
    return DatabaseOptions(
        page_size_bytes=4096,
        wal_segment_bytes=32 * 1024,
        buffer_bytes=64 * 4096,
        checkpoint_wal_bytes=0,
        disk=disk,
        clock=ManualClock(),
        random=random.Random(1),
    )


def open_on(disk: SimulatedDisk) -> Connection:
    return lungfish.connect(PATH, options=options_for(disk), autocommit=True)


def dump(connection: Connection) -> SqlState:
    """All that is there, as SQL shows it."""
    state = {}
    for (name,) in connection.execute(TABLES).fetchall():
        columns = connection.execute(COLUMNS.format(name)).fetchall()
        rows = connection.execute(f"SELECT * FROM {name}").fetchall()
        state[name] = (columns, sorted(rows, key=repr))
    return state


def check(connection: Connection) -> None:
    """Raise unless every page, heap and index is sound, and index and heap agree."""
    database = connection._session.database
    findings = check_pages(database.core.store).findings
    if findings:
        raise DrillFailure(str(findings))
    for table in database.catalog.tables():
        rows = database.stores.get(table).rows
        check_heap(rows)
        for index in rows.indexes:
            check_index(rows, index)


def drop(connection: Connection) -> None:
    """Drop the database as a killed process would."""
    connection._session.database.crash()
    connection.close()


@dataclass(slots=True)
class SqlDrill:
    """A database under SQL on a simulated disk, with what it held after each commit."""

    disk: SimulatedDisk = field(default_factory=SimulatedDisk)
    # State, operations when its commit began, operations when it was acknowledged.
    versions: list[tuple[SqlState, int, int]] = field(default_factory=lambda: [({}, 0, 0)])
    _connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            self._connection = open_on(self.disk)
        return self._connection

    def run(self, *statements: str) -> None:
        """Run statements in one transaction, and note what is there then."""
        connection = self.connection
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        began_at = self.disk.operation_count
        connection.execute("COMMIT")
        acknowledged_at = self.disk.operation_count
        self.versions.append((dump(connection), began_at, acknowledged_at))

    def checkpoint(self) -> None:
        self.connection._session.database.checkpoint(CheckpointRequest(requested_by="drill"))

    def close(self) -> None:
        self.connection.close()
        self._connection = None

    def end(self) -> None:
        """The workload is over: nothing more is written."""
        drop(self.connection)
        self._connection = None

    def allowed(self, crash_at: int) -> list[SqlState]:
        last = max(index for index, version in enumerate(self.versions) if version[2] <= crash_at)
        return [state for state, began_at, _ in self.versions[last:] if began_at <= crash_at]


def orders(drill: SqlDrill) -> None:
    """A small shop: keys, serials, foreign keys, DDL in transactions, savepoints, long values, checkpoints, a close in between."""
    drill.run(
        "CREATE TABLE customers (id serial PRIMARY KEY, name text UNIQUE, since date)",
        "INSERT INTO customers (name, since) SELECT 'c' || i, DATE '2020-01-01' + i FROM generate_series(1, 20) AS g(i)",
    )
    drill.run(
        "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " customer int REFERENCES customers ON DELETE CASCADE, total numeric(12,2), note text)",
        "CREATE INDEX ON orders (customer, total)",
    )
    for first in range(1, 19, 6):
        drill.run(
            f"INSERT INTO orders (customer, total, note) SELECT i, i * 1.25, repeat('n', i * 40)"
            f" FROM generate_series({first}, {first + 5}) AS g(i)"
        )
    drill.checkpoint()
    drill.run(
        "UPDATE orders SET total = total + 1, note = repeat('long ', 2000) WHERE id % 5 = 0",
        "SAVEPOINT s",
        "DELETE FROM orders WHERE id < 5",
        "ROLLBACK TO SAVEPOINT s",
        "UPDATE customers SET name = 'x' || name WHERE id < 4",
    )
    drill.connection.execute("BEGIN")
    drill.connection.execute("CREATE TABLE never (id int)")
    drill.connection.execute("INSERT INTO never SELECT i FROM generate_series(1, 50) AS g(i)")
    drill.connection.execute("DELETE FROM customers WHERE id = 7")
    drill.checkpoint()
    drill.connection.execute("ROLLBACK")
    drill.run(
        "ALTER TABLE customers ADD COLUMN rank int DEFAULT 3",
        "INSERT INTO customers (name, rank) VALUES ('new', 9)",
    )
    drill.run("DELETE FROM customers WHERE id IN (2, 3)")
    drill.run("CREATE UNIQUE INDEX by_rank ON customers (rank, id)")
    drill.checkpoint()
    drill.run("ALTER TABLE orders DROP COLUMN note", "CREATE TABLE extra (v text PRIMARY KEY)")
    drill.run("INSERT INTO extra VALUES ('a'), ('b')", "INSERT INTO customers (name) VALUES ('z')")
    drill.close()
    drill.run("TRUNCATE extra", "INSERT INTO extra VALUES ('c')")
    drill.run("DROP TABLE extra", "UPDATE customers SET rank = rank + id")
    drill.checkpoint()
    drill.run("DELETE FROM orders WHERE id % 2 = 0")


def check_sql_points(drill: SqlDrill, points: Iterable[CrashPoint]) -> Tally:
    """Look at each crash state through SQL."""
    tally = Tally()
    for point in points:
        disk = drill.disk.crash_state(point.operation, point.persistence, point.seed)
        try:
            check_sql_state(disk, drill.allowed(point.operation))
        except Exception:
            tally.fail(str(point))
        tally.count("crash states")
    return tally


def check_sql_state(disk: SimulatedDisk, allowed: list[SqlState]) -> None:
    """Open, compare, check; use it, close it, and look again."""
    connection = open_on(disk)
    state = dump(connection)
    if state not in allowed:
        raise DrillFailure(
            f"none of the {len(allowed)} states allowed: {str(state)[:1000]}"
            f" instead of {str(allowed[-1])[:1000]}"
        )
    check(connection)
    connection.execute("CREATE TABLE afterwards (id serial PRIMARY KEY, v text)")
    connection.execute("INSERT INTO afterwards (v) VALUES ('one'), ('two')")
    if "customers" in state:
        before = max((row[0] for row in state["customers"][1]), default=0)
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("INSERT INTO customers (name) VALUES ('after') RETURNING id")
            (new_id,) = cursor.fetchone()
        if new_id <= before:
            raise DrillFailure(f"the sequence handed out {new_id} again")
    state = dump(connection)
    connection.close()
    if disk.list(".") != [PATH]:
        raise DrillFailure(f"a clean close left {disk.list('.')}")
    connection = open_on(disk)
    if dump(connection) != state:
        raise DrillFailure("after a clean close the database holds something else")
    check(connection)
    drop(connection)
