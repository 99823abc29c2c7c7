"""Restart after a kill: Lungfish, sqlite3 and duckdb side by side, in one run.

    python -m bench.restart                         # both loads, about 256 MB of log each
    python -m bench.restart batches --scale 0.1     # one load, a tenth of its rows
    python -m bench.restart --folder /dev/shm       # where the files are; duckdb's 300,000 syncs take long on a disk

Two loads: 2,000,000 rows in transactions of 1,000, and 300,000 transactions of one row; a table with a key. A child process fills the table, with
automatic checkpoints switched off, and kills itself. Timed is, in this process, which has imported everything, from the call of
connect to the answer of a count. Lungfish's phases come from `lungfish.recovery_history`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import lungfish
from lungfish.database import DatabaseOptions

BODY = "what a row of some length has to say, padded to sixty letters"
TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, n integer, body text)"
INSERT = "INSERT INTO t VALUES (?, ?, ?)"
PHASES = "locate_ms, analyze_ms, hydrate_ms, undo_ms, redo_ms, index_ms, cleanup_ms, total_ms"
BATCH_ROWS = 1000


@dataclass(frozen=True)
class Load:
    """`batch_rows` rows a transaction."""

    name: str
    row_count: int
    batch_rows: int


LOADS = (Load("batches", 2_000_000, BATCH_ROWS), Load("commits", 300_000, 1))


def open_lungfish(folder: Path) -> Any:
    options = DatabaseOptions(checkpoint_wal_bytes=0)
    return lungfish.connect(folder / "bench.db", autocommit=True, options=options)


def open_sqlite(folder: Path) -> Any:
    connection = sqlite3.connect(folder / "bench.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def open_duckdb(folder: Path) -> Any:
    return duckdb.connect(
        str(folder / "bench.duckdb"), config={"checkpoint_threshold": "100GB", "threads": 2}
    )


SYSTEMS: dict[str, Callable[[Path], Any]] = {
    "lungfish": open_lungfish,
    "sqlite3": open_sqlite,
    "duckdb": open_duckdb,
}


def fill(name: str, folder: Path, load: Load) -> None:
    """In the child: make the table, fill it, and die."""
    connection = SYSTEMS[name](folder)
    connection.execute(TABLE)
    if load.batch_rows == 1:
        for index in range(load.row_count):
            connection.execute(INSERT, row(index))
    else:
        for start in range(0, load.row_count, load.batch_rows):
            fill_batch(name, connection, range(start, start + load.batch_rows))
    os.kill(os.getpid(), signal.SIGKILL)


def fill_batch(name: str, connection: Any, ids: range) -> None:
    connection.execute("BEGIN")
    if name == "duckdb":
        # executemany takes duckdb 0.1 ms a row; the log is the same.
        connection.execute(
            f"INSERT INTO t SELECT i, i % 1000, '{BODY}' FROM range({ids.start}, {ids.stop}) r(i)"
        )
    else:
        connection.executemany(INSERT, [row(index) for index in ids])
    connection.execute("COMMIT")


def row(index: int) -> tuple[int, int, str]:
    return (index, index % 1000, BODY)


def time_restart(name: str, folder: Path, load: Load) -> tuple[float, list[str]]:
    """Seconds until a count is answered, and the phases."""
    started = time.perf_counter()
    connection = SYSTEMS[name](folder)
    (count,) = connection.execute("SELECT count(*) FROM t").fetchone()
    took = time.perf_counter() - started
    assert count == load.row_count, (name, count)
    phases = []
    if name == "lungfish":
        cursor = connection.execute(
            f"SELECT {PHASES}, wal_bytes, records_applied FROM lungfish.recovery_history"
            " ORDER BY recovery_id DESC LIMIT 1"
        )
        names = [each[0] for each in cursor.description]
        values = zip(names, cursor.fetchone(), strict=True)
        phases = [f"{key} {value:,.0f}" for key, value in values]
        (probe,) = connection.execute("SELECT body FROM t WHERE id = ?", (count // 2,)).fetchone()
        assert probe == BODY
    connection.close()
    return took, phases


def log_bytes(folder: Path) -> int:
    """The size of what lies beside the database file."""
    files = [each for each in folder.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files if "wal" in str(each.relative_to(folder)))


def run(load: Load, names: list[str], folder: Path, rounds: int) -> None:
    """Fill once for each system, reopen copies of what the kill left, print."""
    print(f"{load.name}: {load.row_count:,} rows, {load.batch_rows:,} a transaction", flush=True)
    figures: dict[str, list[float]] = {}
    phases: list[str] = []
    for name in names:
        left = folder / f"{load.name}-{name}"
        left.mkdir()
        arguments = [name, str(left), load.name, str(load.row_count), str(load.batch_rows)]
        child = subprocess.run([sys.executable, "-m", "bench.restart", "--fill", *arguments])
        assert child.returncode == -signal.SIGKILL, name
        for number in range(rounds):
            copy = folder / f"{load.name}-{name}-{number}"
            shutil.copytree(left, copy)
            took, seen = time_restart(name, copy, load)
            figures.setdefault(name, []).append(took)
            phases = seen or phases
            shutil.rmtree(copy)
        print(f"  {name:10} {statistics.median(figures[name]):8.2f} s, {log_bytes(left) >> 20:5} MiB of log", flush=True)  # fmt: skip
        shutil.rmtree(left)
    if phases:
        print("  phases:", ", ".join(phases))
    ours = statistics.median(figures.get("lungfish", [0.0]))
    for name in ("sqlite3", "duckdb"):
        if name in figures and "lungfish" in figures:
            print(f"  lungfish / {name}: {ours / statistics.median(figures[name]):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time restarts after a kill.")
    parser.add_argument("loads", nargs="*", help="batches, commits; both by default")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the rows by this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--folder", help="where to put the files")
    parser.add_argument("--fill", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        name, left, load, row_count, batch_rows = options.fill
        fill(name, Path(left), Load(load, int(row_count), int(batch_rows)))
    # What the first connection of a process loads counts for none of them.
    lungfish.connect().close()
    folder = Path(tempfile.mkdtemp(prefix="lungfish-restart-", dir=options.folder))
    try:
        for load in LOADS:
            if options.loads and load.name not in options.loads:
                continue
            count = max(BATCH_ROWS, int(load.row_count * options.scale) // BATCH_ROWS * BATCH_ROWS)
            scaled = Load(load.name, count, load.batch_rows)
            run(scaled, options.systems.split(","), folder, options.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
