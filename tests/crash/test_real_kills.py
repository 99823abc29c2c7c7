"""Real processes, really killed: one database accumulates under SIGKILL, and nothing acknowledged is ever missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lungfish

ROOT = Path(__file__).resolve().parent.parent.parent
KILL_COUNT = 25


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
    """Open what the kill left and look at all of it; answers the number of the last row that is there."""
    with lungfish.open(path) as database:
        assert database.check().problems == ()
        with database.connect(autocommit=True) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM one ORDER BY id")]
            twins = [row[0] for row in connection.execute("SELECT id FROM two ORDER BY id")]
            negative = connection.execute("SELECT count(*) FROM one WHERE v < 0").fetchval()
            report = connection.execute(
                "SELECT cause, losers FROM lungfish.recovery_history ORDER BY recovery_id DESC"
            ).fetchone()
    assert ids == list(range(1, len(ids) + 1))
    assert twins == ids
    assert negative == 0
    # The row after the last acknowledged one may have been committed just before the kill.
    assert acknowledged <= len(ids) <= acknowledged + 1
    assert report[0] in ("kill", "clean")
    return len(ids)


@pytest.mark.slow
def test_every_acknowledged_commit_survives_25_kills_of_one_database(tmp_path: Path) -> None:
    path = str(tmp_path / "killed.db")
    chance = random.Random(20_260_101)
    last = 0
    for _ in range(KILL_COUNT):
        acknowledged = run_and_kill(path, last + 1, chance.randrange(1, 40))
        last = check_after_kill(path, acknowledged)
    assert last > KILL_COUNT
    assert not (tmp_path / "killed.db-wal").exists()


def test_a_second_process_gets_an_error_that_names_the_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "held.db")
    code = f"import lungfish\ntry:\n    lungfish.connect({path!r})\nexcept lungfish.Error as e:\n    print(e.sqlstate, e)"
    with lungfish.connect(path):
        found = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert found.stdout.startswith("55006 ")
    assert str(os.getpid()) in found.stdout
