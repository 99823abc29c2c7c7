"""Trial 3 of the matrix: real processes, really killed. One database accumulates under SIGKILL, and ten things are looked at each time.

1. It opens, 2. with every acknowledged commit; 3. the one under way is there whole or not at all; 4. nothing that was rolled back is;
5. every checksum, 6. every heap with its indexes, 7. the catalog; 8. nobody holds the log who is gone; 9. a checkpoint, and another one,
change nothing that is seen; 10. dropped and recovered once more, it holds the same.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import lungfish
from tests.crash.harness import DrillFailure
from tests.crash.tally import Budget, Tally

ROOT = Path(__file__).resolve().parent.parent.parent
TABLES = [("one",), ("two",)]
INDEXES = [("one_pkey",), ("one_v",), ("two_pkey",)]


def check_real_kills(part: int, budget: Budget) -> Tally:
    """Kill after kill on one database."""
    tally = Tally()
    chance = random.Random(f"kills {budget.seed} {part}")
    with tempfile.TemporaryDirectory(prefix="lungfish-kills-") as folder:
        path = str(Path(folder, "killed.db"))
        last = 0
        for number in range(budget.choose(12 + part, 1_000)):
            if budget.is_over:
                break
            try:
                acknowledged = run_and_kill(path, last + 1, chance.randrange(1, 40))
                last = check_after_kill(path, acknowledged)
            except Exception:
                # What comes after would fail in the same way.
                tally.fail(f"kill {number + 1}")
                break
            finally:
                tally.count("kills of processes")
    return tally


def run_and_kill(path: str, first: int, commits: int) -> int:
    """Run the writer until it has reported so many commits, kill it, and answer the last one it reported."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.killed_writer", path, str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    last = first - 1
    seen = 0
    for line in child.stdout:
        if line.strip() != "ready":
            last = int(line)
            seen += 1
        if seen >= commits:
            break
    os.kill(child.pid, signal.SIGKILL)
    # What was in the pipe when it died was acknowledged too.
    for line in child.stdout:
        last = int(line)
    child.wait()
    child.stdout.close()
    return last


def check_after_kill(path: str, acknowledged: int) -> int:
    """Open what the kill left and ask everything; answers the number of the last row that is there."""
    database = lungfish.open(path)
    require(database.check().problems == (), "checksums, heaps and indexes are sound")
    with database.connect(autocommit=True) as connection:
        dump = dump_of(connection)
        ids = [row[0] for row in dump[0]]
        require(ids == list(range(1, len(ids) + 1)), "no row is missing in between")
        require([row[0] for row in dump[1]] == ids, "each row has its twin")
        require(all(row[1] >= 0 for row in dump[0]), "nothing that was rolled back is there")
        # The row after the last acknowledged one may have been committed just before the kill.
        require(acknowledged <= len(ids) <= acknowledged + 1, "every acknowledged commit is there")
        require(catalog_of(connection) == (TABLES, INDEXES), "the catalog is whole")
        holders = connection.execute("SELECT holder_kind FROM lungfish.wal_retention").fetchall()
        require(("checkpoint_in_progress",) not in holders, "nobody holds the log who is gone")
        for _ in range(2):
            connection.execute("CHECKPOINT")
            require(dump_of(connection) == dump, "a checkpoint changes nothing that is seen")
    database.crash()
    with lungfish.open(path) as again, again.connect(autocommit=True) as connection:
        require(dump_of(connection) == dump, "recovered once more it holds the same")
        require(again.check().problems == (), "and is sound")
    return len(ids)


def require(holds: bool, what: str) -> None:
    if not holds:
        raise DrillFailure(f"not so: {what}")


def dump_of(connection: lungfish.Connection) -> tuple[list[tuple[Any, ...]], ...]:
    return tuple(
        connection.execute(f"SELECT * FROM {name} ORDER BY id").fetchall() for (name,) in TABLES
    )


def catalog_of(connection: lungfish.Connection) -> tuple[list[Any], list[Any]]:
    names = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    indexes = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'i' ORDER BY 1")
    return names.fetchall(), [row for row in indexes.fetchall() if row in INDEXES]
