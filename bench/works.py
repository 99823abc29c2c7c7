"""What is timed: short transactions, bulk loads, durable commits, analytics, opening after a kill, import and connect."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.systems import System
from bench.tpcc.checks import broken_conditions
from bench.tpcc.schema import Scale, load
from bench.tpcc.transactions import Terminal

SEED = 7


class Figure(NamedTuple):
    """What a work took, in its unit: by the clock, and in processor time of this process, which other load does not touch."""

    wall: float
    # None where other processes do the work.
    processor: float | None = None


Run = Callable[[System, Path, float], Figure | None]


@dataclass(frozen=True)
class Work:
    """`run` answers the figure in `unit`, or None where the system has no such work."""

    name: str
    unit: str
    run: Run


class Stopwatch:
    """Times what is done in `with`; see `stopwatch`."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()
        self._took = 0.0, 0.0

    def stop(self) -> None:
        """The work is done."""
        wall, processor = self._began
        self._took = time.perf_counter() - wall, time.process_time() - processor

    def microseconds(self, count: int) -> Figure:
        """What one of `count` pieces of work took."""
        wall, processor = self._took
        return Figure(wall / count * 1e6, processor / count * 1e6)

    def milliseconds(self) -> Figure:
        """What all of it took."""
        wall, processor = self._took
        return Figure(wall * 1e3, processor * 1e3)


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Time the block."""
    watch = Stopwatch()
    yield watch
    watch.stop()


def make_accounts(system: System, folder: Path, count: int) -> Any:
    """A table with a key, a secondary index and `count` rows."""
    connection = system.open(folder)
    connection.execute(
        "CREATE TABLE accounts (id integer PRIMARY KEY, owner text, balance integer, note text)"
    )
    connection.execute("CREATE INDEX accounts_balance ON accounts (balance)")
    rows = [(index, f"owner {index}", index * 7 % 1000, "note") for index in range(count)]
    system.many(connection, "INSERT INTO accounts VALUES (?, ?, ?, ?)", rows)
    return connection


def microseconds_each(count: int, work: Callable[[int], object]) -> Figure:
    with stopwatch() as watch:
        for index in range(count):
            work(index)
    return watch.microseconds(count)


def point_select(*, is_in_transaction: bool = False, is_ad_hoc: bool = False) -> Run:
    """Look rows up by their key; `is_ad_hoc`: each with a text of its own, the key a literal in it."""

    def run(system: System, folder: Path, scale: float) -> Figure:
        row_count = int(20_000 * scale)
        connection = make_accounts(system, folder, row_count)
        numbers = random.Random(SEED)
        keys = [numbers.randrange(row_count) for _ in range(5000)]
        sql = "SELECT id, owner, balance, note FROM accounts WHERE id = "

        def by_parameter(index: int) -> None:
            assert len(connection.execute(sql + "?", (keys[index],)).fetchall()) == 1

        def by_literal(index: int) -> None:
            assert len(connection.execute(f"{sql}{keys[index]}").fetchall()) == 1

        work = by_literal if is_ad_hoc else by_parameter
        if is_in_transaction:
            connection.execute("BEGIN")
        work(0)
        figure = microseconds_each(len(keys), work)
        connection.close()
        return figure

    return run


def insert_in_transaction(system: System, folder: Path, scale: float) -> Figure:
    connection = make_accounts(system, folder, 1000)
    sql = "INSERT INTO accounts VALUES (?, ?, ?, ?)"
    connection.execute("BEGIN")
    connection.execute(sql, (999_999, "x", 1, "y"))
    count = 500 if system.name == "duckdb" else 5000
    figure = microseconds_each(
        count, lambda index: connection.execute(sql, (10_000 + index, "owner", index, "note"))
    )
    connection.execute("COMMIT")
    connection.close()
    return figure


def update_in_transaction(system: System, folder: Path, scale: float) -> Figure:
    connection = make_accounts(system, folder, int(20_000 * scale))
    sql = "UPDATE accounts SET note = ? WHERE id = ?"
    connection.execute("BEGIN")
    connection.execute(sql, ("warm", 0))
    count = 500 if system.name == "duckdb" else 5000
    figure = microseconds_each(
        count, lambda index: connection.execute(sql, ("changed", index * 37 % int(20_000 * scale)))
    )
    connection.execute("COMMIT")
    connection.close()
    return figure


def executemany_insert(system: System, folder: Path, scale: float) -> Figure:
    connection = system.open(folder)
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY, a integer, b text)")
    count = int((2000 if system.name == "duckdb" else 100_000) * scale)
    rows = [(index, index % 97, f"text {index}") for index in range(count)]
    with stopwatch() as watch:
        system.many(connection, "INSERT INTO t VALUES (?, ?, ?)", rows)
    connection.close()
    return watch.microseconds(count)


def durable_commits(threads: int) -> Run:
    """Commits a second, turned around: microseconds a commit over all threads."""

    def run(system: System, folder: Path, scale: float) -> Figure | None:
        if system.name == "duckdb" and threads > 1:
            return None
        first = system.open(folder)
        first.execute("CREATE TABLE t (id integer PRIMARY KEY, a integer)")
        each = int(max(400 // threads, 25) * scale) or 1
        connections = [first, *(system.open(folder) for _ in range(threads - 1))]

        def commit_many(number: int) -> None:
            for index in range(each):
                connections[number].execute(
                    "INSERT INTO t VALUES (?, ?)", (number * 1_000_000 + index, index)
                )

        workers = [
            threading.Thread(target=commit_many, args=(number,)) for number in range(threads)
        ]
        with stopwatch() as watch:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        assert first.execute("SELECT count(*) FROM t").fetchone()[0] == each * threads
        for connection in connections:
            connection.close()
        return watch.microseconds(each * threads)

    return run


def tpcc_mix(system: System, folder: Path, scale: float) -> Figure | None:
    """One terminal, each transaction durable; duckdb cannot tell how many rows a statement has changed."""
    if system.name == "duckdb":
        return None
    connection = system.open(folder)
    sizes = Scale()
    load(system, connection, sizes)
    terminal = Terminal(connection, sizes, warehouse=1, seed=SEED)
    for _ in range(50):
        terminal.run(terminal.next_transaction())
    count = int(1000 * scale) or 1
    figure = microseconds_each(count, lambda _: terminal.run(terminal.next_transaction()))
    assert not broken_conditions(connection)
    connection.close()
    return figure


def make_facts(system: System, folder: Path, count: int) -> Any:
    """A table of facts and a small one to join it with, made by the system itself where it can."""
    connection = system.open(folder)
    connection.execute("CREATE TABLE kinds (id integer PRIMARY KEY, name text)")
    system.many(
        connection,
        "INSERT INTO kinds VALUES (?, ?)",
        [(index, f"kind {index}") for index in range(1000)],
    )
    connection.execute(
        "CREATE TABLE facts (id integer, kind integer, amount integer, price double precision)"
    )
    if system.name == "sqlite3":
        series = "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {0}) SELECT i FROM s"
    else:
        series = "SELECT i FROM generate_series(1, {0}) AS s(i)"
    connection.execute(
        "INSERT INTO facts SELECT i, i % 1000 * 79 % 1000, i % 50, i % 1000 * 0.25e0 FROM ("
        + series.format(count)
        + ") AS numbers"
    )
    return connection


def timed_query(sql: str) -> Run:
    def run(system: System, folder: Path, scale: float) -> Figure:
        connection = make_facts(system, folder, int(1_000_000 * scale))
        connection.execute(sql).fetchall()
        with stopwatch() as watch:
            rows = connection.execute(sql).fetchall()
        assert rows
        connection.close()
        return watch.milliseconds()

    return run


KILLED_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from bench.systems import SYSTEMS
system = SYSTEMS[{name!r}]
connection = system.open(Path({folder!r}))
if system.name == "sqlite3":
    connection.execute("PRAGMA wal_autocheckpoint=0")
if system.name == "duckdb":
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    connection.execute("SET checkpoint_threshold='10GB'")
connection.execute("CREATE TABLE t (id integer PRIMARY KEY, a text)")
batch = 0
while True:
    rows = [(batch * 1000 + index, "x" * 100) for index in range(1000)]
    system.many(connection, "INSERT INTO t VALUES (?, ?)", rows)
    batch += 1
    print(batch, flush=True)
"""


def open_after_kill(system: System, folder: Path, scale: float) -> Figure:
    """Milliseconds from connect to a first count, with about 50 MB of log (350,000 rows of 100 bytes)."""
    batches = int((20 if system.name == "duckdb" else 350) * scale) or 1
    code = KILLED_WRITER.format(
        root=str(Path(__file__).resolve().parent.parent), name=system.name, folder=str(folder)
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= batches:
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with stopwatch() as watch:
        connection = system.open(folder)
        assert connection.execute("SELECT count(*) FROM t").fetchone()[0] >= batches * 1000
    connection.close()
    return watch.milliseconds()


def in_new_process(code: str) -> Run:
    """Milliseconds that a new process takes for `code`, less what an empty one takes."""

    def run(system: System, folder: Path, scale: float) -> Figure:
        names = {"lungfish": "lungfish", "sqlite3": "sqlite3", "duckdb": "duckdb"}
        text = code.format(module=names[system.name], path=str(folder / "new.db"))
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        empty = time.perf_counter() - started
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True)
        return Figure((time.perf_counter() - started - empty) * 1e3)

    return run


WORKS: tuple[Work, ...] = (
    Work("point select by key, autocommit", "us", point_select()),
    Work("point select by key, in a transaction", "us", point_select(is_in_transaction=True)),
    Work("ad-hoc point select, literal in the text", "us", point_select(is_ad_hoc=True)),
    Work("single-row insert in a transaction, one secondary index", "us", insert_in_transaction),
    Work("update by key in a transaction", "us", update_in_transaction),
    Work("executemany insert, per row", "us", executemany_insert),
    Work("durable commit, 1 thread", "us", durable_commits(1)),
    Work("durable commit, 16 threads, per commit", "us", durable_commits(16)),
    Work("TPC-C mix, 1 thread, durable", "us", tpcc_mix),
    Work(
        "grouped aggregate over 1,000,000 rows", "ms",
        timed_query("SELECT kind, count(*), sum(amount), avg(price) FROM facts GROUP BY kind"),
    ),
    Work(
        "join of 1,000,000 rows with 1,000", "ms",
        timed_query("SELECT k.name, sum(f.amount) FROM facts f JOIN kinds k ON k.id = f.kind GROUP BY k.name"),
    ),
    Work("open after a kill, about 50 MB of log", "ms", open_after_kill),
    Work("import, new process", "ms", in_new_process("import {module}")),
    Work("import and connect, new process", "ms", in_new_process("import {module}; {module}.connect({path!r}).close()")),
)  # fmt: skip
