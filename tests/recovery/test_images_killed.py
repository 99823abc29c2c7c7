"""Kept images and marks of indexes after SIGKILL: a process that checkpoints all the time dies in the middle of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lungfish

# Checkpoints of every kind, and a death at a page of one of them. It says what it has done, once that is acknowledged.
CHILD = """
import os, random, signal, sys
import lungfish
from lungfish.database import DatabaseOptions

path, seed = sys.argv[1], int(sys.argv[2])
chance = random.Random(seed)
options = DatabaseOptions(page_size_bytes=4096, wal_segment_bytes=128 * 1024, checkpoint_wal_bytes=0)
database = lungfish.open(path, options=options)
connection = database.connect(autocommit=True)
connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
connection.execute("CREATE INDEX t_n ON t (n)")
connection.execute("CREATE INDEX t_v ON t (lower(v)) WHERE n > 3")
connection.execute("INSERT INTO t SELECT g, g % 50, 'v' || g FROM generate_series(1, 1500) g")
left = chance.randrange(40, 400)

def count_down(size):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

database._database.core.checkpoints.pages.pace = count_down
for step in range(10_000):
    low = chance.randrange(1500)
    connection.execute(f"UPDATE t SET n = n + 1, v = 'step {step}' WHERE id BETWEEN {low} AND {low + 40}")
    connection.execute(f"INSERT INTO t VALUES ({10_000 + step}, {step}, 'new')")
    print("step", step, flush=True)
    if step % 3 == 0:
        connection.execute(f"CHECKPOINT (NAME 'c{step}', KEEP '1 day')")
        print("named", step, flush=True)
    elif step % 3 == 1:
        try:
            connection.execute(f"CHECKPOINT (TIMEOUT {chance.choice([1, 2, 4])})")
        except lungfish.Error:
            pass
    if step % 7 == 6:
        connection.execute(f"DROP CHECKPOINT c{step // 3 * 3}")
        print("dropped", step // 3 * 3, flush=True)
"""


@pytest.mark.parametrize("seed", range(2))
def test_what_was_acknowledged_before_a_kill_is_there(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "app.db"
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), str(seed)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode < 0, child.stderr
    done: dict[str, list[int]] = {"step": [], "named": [], "dropped": []}
    for line in child.stdout.splitlines():
        what, number = line.split()
        done[what].append(int(number))
    names = {f"c{each}" for each in set(done["named"]) - set(done["dropped"])}
    last = done["step"][-1]
    with lungfish.open(path) as database, database.connect(autocommit=True) as connection:
        assert database.check().problems == ()
        assert [row for row in connection.execute("SCRUB").fetchall() if row[1] != "ok"] == []
        found = {
            row[0]
            for row in connection.execute(
                "SELECT name FROM lungfish.checkpoint_images WHERE name IS NOT NULL"
            ).fetchall()
        }
        # The statement that was cut off may have done its work or not.
        assert len(names ^ found) <= 1
        assert connection.execute("SELECT max(id) FROM t").fetchall()[0][0] in (
            10_000 + last,
            10_001 + last,
        )
        for name in sorted(found & names):
            ((newest, step),) = connection.execute(
                "SELECT max(id) - 10000, max(substr(v, 6)::int) FILTER (WHERE v LIKE 'step %')"
                f" FROM t AS OF CHECKPOINT '{name}'"
            ).fetchall()
            assert f"c{newest}" == f"c{step}" == name
