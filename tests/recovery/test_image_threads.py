"""Writers, readers and checkpoints of all kinds at once, over a buffer pool of sixteen pages: eviction, frozen pages and early writes meet.

Each writer owns its rows and knows what they must be. The interpreter changes threads as often as it can.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from lungfish import errors
from lungfish.connection.connection import Connection
from tests.recovery.image_world import World

WRITER_COUNT = 3
ROWS_OF_WRITER = 200

Rows = dict[int, tuple[int, str]]


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@dataclass
class Load:
    """Threads that work on one table until each has done its steps."""

    world: World
    seed: int
    steps: int
    rows: Rows = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)
    is_over: bool = False

    def run(self) -> None:
        writers = [self._thread(self._write, number) for number in range(WRITER_COUNT)]
        others = [self._thread(self._checkpoint, 0), self._thread(self._read, 0)]
        for each in (*writers, *others):
            each.start()
        for each in writers:
            each.join()
        self.is_over = True
        for each in others:
            each.join()
        assert self.failures == []

    def _thread(self, work: Callable[[Connection, int], None], number: int) -> threading.Thread:
        def guarded() -> None:
            try:
                with self.world.database.connect(autocommit=True) as connection:
                    work(connection, number)
            except BaseException as error:
                self.failures.append(error)

        return threading.Thread(target=guarded)

    def _write(self, connection: Connection, number: int) -> None:
        chance = random.Random(self.seed * WRITER_COUNT + number)
        own: Rows = {}
        for _ in range(self.steps):
            if self.failures:
                return
            row = chance.randrange(ROWS_OF_WRITER) * WRITER_COUNT + number
            match chance.randrange(6):
                case 0 | 1 | 2:
                    n, v = chance.randrange(1000), str(chance.random()) * chance.choice([1, 2, 20])
                    sql = "INSERT INTO t VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET n = excluded.n, v = excluded.v"
                    connection.execute(sql, (row, n, v))
                    own[row] = n, v
                case 3:
                    connection.execute("DELETE FROM t WHERE id = ?", (row,))
                    own.pop(row, None)
                case 4:
                    connection.execute("BEGIN")
                    connection.execute("UPDATE t SET n = -1, v = 'undone' WHERE id = ?", (row,))
                    connection.execute("INSERT INTO t VALUES (?, 0, 'undone')", (100_000 + row,))
                    connection.execute("ROLLBACK")
                case _:
                    found = connection.execute("SELECT n, v FROM t WHERE id = ?", (row,)).fetchall()
                    assert found == ([own[row]] if row in own else [])
        self.rows |= own

    def _checkpoint(self, connection: Connection, _: int) -> None:
        chance = random.Random(self.seed)
        number = 0
        while not self.is_over and not self.failures:
            number += 1
            options = chance.choice(
                [
                    "(MODE FAST)",
                    "(MODE PASSIVE)",
                    "(TIMEOUT 4)",
                    "(DRY_RUN)",
                    "(TYPE FULL)",
                    "named",
                ]
            )
            try:
                if options != "named":
                    connection.execute(f"CHECKPOINT {options}")
                    continue
                connection.execute(f"CHECKPOINT (NAME 'c{number}')")
                sql = f"SELECT count(*), count(*) FILTER (WHERE v = 'undone') FROM t AS OF CHECKPOINT 'c{number}'"
                assert connection.execute(sql).fetchall()[0][1] == 0
                connection.execute(f"DROP CHECKPOINT c{number}")
            except (errors.LockNotAvailable, errors.QueryCanceled):
                continue

    def _read(self, connection: Connection, _: int) -> None:
        while not self.is_over and not self.failures:
            connection.execute("SELECT count(*), sum(n), count(DISTINCT v) FROM t").fetchall()
            connection.execute("SELECT id FROM t WHERE n BETWEEN 100 AND 200").fetchall()


def check_under_load(seed: int, steps: int) -> None:
    with World() as world:
        world.database.crash()
        world.connection.close()
        world.options = replace(world.options, buffer_bytes=16 * 4096)
        world.reopen()
        world.run("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
        world.run("CREATE INDEX t_n ON t (n)")
        world.run("CREATE INDEX t_v ON t (v)")
        load = Load(world, seed, steps)
        load.run()
        expected = sorted((row, *values) for row, values in load.rows.items())
        everything = "SELECT id, n, v FROM t ORDER BY id"
        assert world.run(everything) == expected
        assert [row for row in world.run("SCRUB") if row[1] != "ok"] == []
        world.kill()
        assert world.run(everything) == expected
        world.check()


def test_nothing_is_torn_or_lost_under_load(hasty_threads: None) -> None:
    check_under_load(seed=1, steps=500)


@pytest.mark.release
@pytest.mark.parametrize("seed", range(2, 22))
def test_nothing_is_torn_or_lost_under_a_long_load(hasty_threads: None, seed: int) -> None:
    check_under_load(seed, steps=5000)
