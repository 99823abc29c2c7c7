"""Each milestone of checkpoint and recovery, shown through SQL and through a process that is really killed.

    python -m examples.milestones             about 20 seconds
    python -m examples.milestones --small     a few seconds

    M0  coordination   a dry run goes through every phase and writes nothing; the phases and who holds the log stand in SQL
    M1  catalog, heap  DDL before a checkpoint survives SIGKILL, and no record before the redo LSN was applied
    M2  indexes        a mixed load is killed in its middle; every index agrees with its heap
    M3  incremental    the same load with full and with incremental checkpoints: pages, bytes and time
    M4  telemetry      a dry run's prediction beside the fact; what the views say of it

Every statement that is asked is printed with its answer, and every claim is checked: the exit code is 1 if one does not hold.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lungfish

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done."""

    rows: int
    # Commits that the killed writer reports before it is killed.
    commits: int
    rounds: int


SMALL = Size(rows=2_000, commits=40, rounds=4)
FULL = Size(rows=40_000, commits=600, rounds=12)


class Broken(Exception):
    """A claim does not hold."""


def ask(connection: lungfish.Connection, sql: str) -> list[tuple[Any, ...]]:
    """Print a statement with its answer, and give the rows."""
    cursor = connection.execute(sql)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    names = [each[0] for each in cursor.description or ()]
    print(f"    {' '.join(sql.split())}")
    for row in rows[:8]:
        cells = (f"{name} {show(value)}" for name, value in zip(names, row, strict=True))
        print(f"      {', '.join(cells)}")
    return rows


def show(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def claim(what: str, holds: bool) -> None:
    """Say a claim, and whether it holds."""
    print(f"  {'holds:' if holds else 'BROKEN:'} {what}")
    if not holds:
        raise Broken(what)


def run_and_kill(path: str, writer: str, size: Size) -> int:
    """Let a writer process report so many commits, kill it with SIGKILL, and answer how many it had reported."""
    child = subprocess.Popen(
        [sys.executable, "-m", "examples.milestones", "--writer", writer, path, str(size.rows)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    reported = 0
    with child, child.stdout as lines:
        for line in lines:
            reported += line == "committed\n"
            if reported == size.commits or line == "waiting\n":
                child.send_signal(signal.SIGKILL)
        child.wait()
    print(f"  the writer got SIGKILL after it had reported {reported} commits")
    claim("it died of SIGKILL", child.returncode == -signal.SIGKILL)
    return reported


# What the killed processes do


def write_catalog(path: str, rows: int) -> None:
    """DDL and rows, a checkpoint, a few more rows, then wait to be killed."""
    connection = lungfish.connect(path, autocommit=True)
    connection.execute("CREATE SCHEMA sales")
    connection.execute("CREATE TABLE sales.t (id integer PRIMARY KEY, v text)")
    connection.execute("CREATE VIEW sales.latest AS SELECT max(id) AS id FROM sales.t")
    connection.execute(
        "INSERT INTO sales.t SELECT i, 'row ' || i FROM generate_series(1, ?) AS g(i)", (rows,)
    )
    connection.execute("ALTER TABLE sales.t ADD COLUMN more integer DEFAULT 7")
    connection.execute("CHECKPOINT")
    for number in range(1, 11):
        connection.execute("INSERT INTO sales.t VALUES (?, 'after')", (rows + number,))
    print("waiting", flush=True)
    signal.pause()


def write_mixed(path: str, rows: int) -> None:
    """Inserts, updates of keys and deletes over three indexes, with a checkpoint now and then, until killed."""
    chance = random.Random(5)
    connection = lungfish.connect(path, autocommit=True)
    connection.execute("CREATE TABLE mixed (id integer PRIMARY KEY, k integer, tag text UNIQUE)")
    connection.execute("CREATE INDEX mixed_k ON mixed (k)")
    connection.execute(
        "INSERT INTO mixed SELECT i, i % 50, 'tag ' || i FROM generate_series(1, ?) AS g(i)",
        (rows,),
    )
    number = rows
    while True:
        with connection.transaction():
            number += 1
            values = (number, number % 50, f"tag {number}")
            connection.execute("INSERT INTO mixed VALUES (?, ?, ?)", values)
            some = chance.randrange(number)
            connection.execute("UPDATE mixed SET k = (k + 7) % 50 WHERE id = ?", (some,))
            connection.execute("DELETE FROM mixed WHERE id = ?", (chance.randrange(number),))
        print("committed", flush=True)
        if number % 25 == 0:
            connection.execute("CHECKPOINT")


def write_held(path: str, rows: int) -> None:
    """Commits beside a transaction that never ends, with checkpoints in between, until killed."""
    connection = lungfish.connect(path, autocommit=True)
    open_for_ever = lungfish.connect(path)
    connection.execute("CREATE TABLE held (id integer PRIMARY KEY, n integer)")
    connection.execute("INSERT INTO held SELECT i, 0 FROM generate_series(1, ?) AS g(i)", (rows,))
    open_for_ever.execute("DELETE FROM held WHERE id > ?", (rows // 2,))
    number = 0
    while True:
        number += 1
        connection.execute("UPDATE held SET n = n + 1 WHERE id = ?", (1 + number % (rows // 2),))
        print("committed", flush=True)
        if number % 25 == 0:
            connection.execute("CHECKPOINT")


WRITERS: dict[str, Callable[[str, int], None]] = {
    "catalog": write_catalog,
    "held": write_held,
    "mixed": write_mixed,
}


# The milestones


def show_coordination(folder: Path, size: Size) -> None:
    """M0."""
    path = folder / "coordination.db"
    with lungfish.connect(path, autocommit=True) as connection:
        fill(connection, size.rows)
        before = path.stat().st_size
        (dry,) = ask(connection, "CHECKPOINT (DRY_RUN)")
        claim("the dry run went through, and wrote nothing", dry[1] == "dry_run")
        claim("the file is as it was", path.stat().st_size == before)
        ask(connection, "CHECKPOINT")
        ask(
            connection,
            "SELECT checkpoint_id, outcome, begin_ms, prepare_ms, fence_ms, write_ms, sync_ms, commit_ms"
            " FROM lungfish.checkpoint_history ORDER BY checkpoint_id",
        )
        parties = ask(
            connection,
            "SELECT participant, phase, status, prepare_ms, commit_ms, pages, bytes FROM lungfish.checkpoint_participants"
            " WHERE checkpoint_id = (SELECT max(checkpoint_id) FROM lungfish.checkpoint_participants)",
        )
        claim(
            "every participant came to its commit",
            len(parties) >= 6 and {row[1:3] for row in parties} == {("commit", "ok")},
        )
        retention = ask(connection, "SELECT holder_kind, pinned_lsn FROM lungfish.wal_retention")
        claim(
            "the log's pin of the checkpoint is let go of",
            "checkpoint_in_progress" not in {row[0] for row in retention},
        )
    reported = run_and_kill(str(folder / "held.db"), "held", size)
    with lungfish.connect(folder / "held.db", autocommit=True) as connection:
        (found,) = ask(connection, "SELECT count(*), sum(n) FROM held")
        claim(
            "killed under checkpoints: every reported commit is there, none of the transaction that never ended",
            found[0] == size.rows and found[1] >= reported,
        )
        (recovery,) = ask(
            connection,
            "SELECT cause, checkpoint_id, losers, tail_state FROM lungfish.recovery_history ORDER BY recovery_id DESC LIMIT 1",
        )
        claim("it was begun from a checkpoint", recovery[0] == "kill" and recovery[1] > 0)


def show_catalog(folder: Path, size: Size) -> None:
    """M1."""
    path = str(folder / "catalog.db")
    run_and_kill(path, "catalog", size)
    with lungfish.connect(path, autocommit=True) as connection:
        (found,) = ask(connection, "SELECT count(*), sum(more), max(id) FROM sales.t")
        rows = size.rows + 10
        claim(
            "every row is there, in the shape that ALTER gave it", found == (rows, rows * 7, rows)
        )
        claim("so is the view", ask(connection, "SELECT id FROM sales.latest") == [(rows,)])
        (recovery,) = ask(
            connection,
            """SELECT r.cause, r.redo_lsn, c.redo_lsn AS redo_lsn_of_the_checkpoint, r.records_applied, r.records_skipped,
                r.wal_bytes, r.total_ms FROM lungfish.recovery_history r
                JOIN lungfish.checkpoint_history c ON c.checkpoint_id = r.checkpoint_id
                ORDER BY r.recovery_id DESC LIMIT 1""",
        )
        claim("recovery began at the checkpoint's redo LSN", recovery[1] == recovery[2])
        claim(
            "of all records only the 10 behind it were applied: none before it", recovery[3] == 10
        )


def show_indexes(folder: Path, size: Size) -> None:
    """M2."""
    path = str(folder / "mixed.db")
    reported = run_and_kill(path, "mixed", size)
    with lungfish.connect(path, autocommit=True) as connection:
        ask(
            connection,
            "SELECT cause, records_applied, losers, total_ms FROM lungfish.recovery_history"
            " ORDER BY recovery_id DESC LIMIT 1",
        )
        ((newest,),) = ask(connection, "SELECT max(id) FROM mixed")
        claim("every reported commit is there", newest >= size.rows + reported)
        plan = ask(connection, "EXPLAIN SELECT count(*) FROM mixed WHERE k = 7")
        claim("a key is looked up in its index", any("Index" in row[0] for row in plan))
        counts = connection.execute("SELECT k, count(*), min(id) FROM mixed GROUP BY k").fetchall()
        by_index = [
            (
                k,
                *connection.execute(
                    "SELECT count(*), min(id) FROM mixed WHERE k = ?", (k,)
                ).fetchone(),
            )
            for k, _, _ in counts
        ]
        claim(f"the index on k agrees with the heap for all {len(counts)} keys", by_index == counts)
        rows = connection.execute("SELECT id, tag FROM mixed").fetchall()
        for index, sql in (("id", "WHERE id = ?"), ("tag", "WHERE tag = ?")):
            position = index == "tag"
            agree = all(
                connection.execute(f"SELECT id, tag FROM mixed {sql}", (row[position],)).fetchall()
                == [row]
                for row in rows
            )
            claim(f"the index on {index} finds each of the {len(rows):,} rows", agree)
        ask(connection, "CHECKPOINT")
        marks = ask(
            connection,
            "SELECT name, kind, high_water_lsn, state FROM lungfish.relation_marks WHERE table_name = 'mixed' OR name = 'mixed'",
        )
        claim(
            "heap and indexes each have a mark, and are complete up to it",
            len(marks) == 4 and {row[3] for row in marks} == {"consistent"},
        )
        held = ask(
            connection,
            "SELECT holder_kind FROM lungfish.wal_retention WHERE holder_kind = 'index_mark'",
        )
        claim("no index holds the log", held == [])
        scrubbed = ask(connection, "SCRUB mixed")
        claim(
            "a scrub reads table and indexes, and all is sound",
            {row[1] for row in scrubbed} == {"ok"},
        )
    with lungfish.open(path) as database:
        claim("a full check finds nothing", database.check().problems == ())


def show_incremental(folder: Path, size: Size) -> None:
    """M3."""
    costs = {}
    for kind in ("FULL", "INCREMENTAL"):
        with lungfish.connect(folder / f"{kind}.db", autocommit=True) as connection:
            fill(connection, size.rows)
            connection.execute("CHECKPOINT")
            for number in range(size.rounds):
                connection.execute("UPDATE t SET n = n + 1 WHERE id % ? = ?", (size.rows, number))
                connection.execute(f"CHECKPOINT (TYPE {kind})")
            (costs[kind],) = ask(
                connection,
                f"""SELECT count(*), sum(pages_written), sum(bytes_written), sum(total_ms) FROM lungfish.checkpoint_history
                    WHERE kind = '{kind.lower()}' AND checkpoint_id > 1""",
            )
    full, incremental = costs["FULL"], costs["INCREMENTAL"]
    claim(f"both took {size.rounds} checkpoints", full[0] == incremental[0] == size.rounds)
    claim("incremental checkpoints write fewer pages", incremental[1] < full[1])
    claim("and fewer bytes", incremental[2] < full[2])
    print(f"  time: {full[3]:.1f} ms for the full ones, {incremental[3]:.1f} ms for the others")


def show_telemetry(folder: Path, size: Size) -> None:
    """M4."""
    with lungfish.connect(folder / "telemetry.db", autocommit=True) as connection:
        fill(connection, size.rows)
        connection.execute("CHECKPOINT")
        connection.execute("UPDATE t SET n = n + 1, note = note || '!' WHERE id % 3 = 0")
        columns = [
            "est_pages",
            "est_bytes",
            "est_total_ms",
            "pages_written",
            "bytes_written",
            "total_ms",
        ]
        dry, fact = (
            connection.execute(sql, ()).fetchall()[0]
            for sql in ("CHECKPOINT (DRY_RUN)", "CHECKPOINT")
        )
        names = [each[0] for each in connection.execute("CHECKPOINT (DRY_RUN)").description or ()]
        for name in columns:
            at = names.index(name)
            print(f"    {name:14} predicted {show(dry[at]):>12}   in fact {show(fact[at]):>12}")
        pages, byte_count = dry[names.index("est_pages")], dry[names.index("est_bytes")]
        claim("the pages were predicted", pages == fact[names.index("pages_written")])
        written = fact[names.index("bytes_written")]
        claim("the bytes to 20 percent", abs(byte_count - written) <= 0.2 * written)
        ask(
            connection,
            "SELECT state, last_success_id, last_success_lsn FROM lungfish.checkpoint_status",
        )
        ask(connection, "SELECT wal_records, wal_bytes FROM pg_stat_wal")
        ask(connection, "SELECT segment_no, size_bytes, state FROM lungfish.wal_segments")


def fill(connection: lungfish.Connection, rows: int) -> None:
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY, n integer, note text)")
    connection.execute("CREATE INDEX t_n ON t (n)")
    connection.execute(
        "INSERT INTO t SELECT i, i % 97, repeat('n', i % 60) FROM generate_series(1, ?) AS g(i)",
        (rows,),
    )


MILESTONES: tuple[tuple[str, Callable[[Path, Size], None]], ...] = (
    ("M0: coordination", show_coordination),
    ("M1: catalog and heap", show_catalog),
    ("M2: indexes", show_indexes),
    ("M3: incremental", show_incremental),
    ("M4: telemetry", show_telemetry),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--small", action="store_true", help="with little data")
    parser.add_argument("--writer", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer is not None:
        name, path, rows = options.writer
        WRITERS[name](path, int(rows))
    with tempfile.TemporaryDirectory(prefix="lungfish-milestones-") as folder:
        for title, show_milestone in MILESTONES:
            print(title, flush=True)
            try:
                show_milestone(Path(folder), SMALL if options.small else FULL)
            except Broken:
                return 1
    print("All milestones hold.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
