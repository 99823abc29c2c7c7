"""Threads that write during checkpoints, killed with SIGKILL, again and again on one database: every acknowledged commit is there.

This is what the simulated drill cannot show: real threads inside the fence, in group commit, and beside a checkpoint.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lungfish.storage.disk import LocalDisk
from tests.crash.small_database import SmallDatabase
from tests.crash.threaded_writer import OPTIONS

ROUND_COUNT = 8
ROOT = Path(__file__).resolve().parent.parent.parent


def run_and_kill(folder: Path, seed: int, after_s: float) -> list[str]:
    """The lines that a writer got out before it was killed."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.threaded_writer", str(folder), str(seed)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert writer.stdout is not None
    with writer, writer.stdout as output:
        assert output.readline() == "ready\n"
        killer = threading.Timer(after_s, writer.send_signal, (signal.SIGKILL,))
        killer.start()
        lines = output.read().splitlines()
        killer.join()
    assert writer.returncode == -signal.SIGKILL
    return lines


def apply_line(model: dict[int, int], line: str) -> None:
    """Bring the model to what a line says: pairs of row and value."""
    numbers = [int(word) for word in line[2:].split()]
    for row_id, n in zip(numbers[::2], numbers[1::2], strict=True):
        if n == -1:
            model.pop(row_id, None)
        else:
            model[row_id] = n


def check_rows(found: dict[int, int], acknowledged: dict[int, int], on_the_way: list[str]) -> None:
    """Every acknowledged change is there; of one that was on its way, all or nothing."""
    expected = dict(acknowledged)
    for line in on_the_way:
        with_it = dict(expected)
        apply_line(with_it, line)
        touched = [int(word) for word in line[2:].split()[::2]]
        if all(found.get(row_id) == with_it.get(row_id) for row_id in touched):
            expected = with_it
    assert found == expected


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_threads_were_told_is_committed_survives_a_kill(tmp_path: Path) -> None:
    chance = random.Random(5)
    model: dict[int, int] = {}
    acknowledged_count = 0
    for number in range(ROUND_COUNT):
        lines = run_and_kill(tmp_path, number, chance.uniform(0.1, 0.6))
        asked: dict[str, None] = {}
        for line in lines:
            if line.startswith("?"):
                asked[line[2:]] = None
            elif line.startswith("!"):
                asked.pop(line[2:], None)
                apply_line(model, line)
                acknowledged_count += 1
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            database = SmallDatabase(LocalDisk(), OPTIONS)
            found = {row_id: row[1] for row_id, row in database.dump().get(0, {}).items()}
            check_rows(found, model, [f"? {line}" for line in asked])
            database.check()
            database.crash()
        model = found
    assert acknowledged_count > ROUND_COUNT
