"""Statements that change many rows fail, or are cancelled, at any row, under savepoints, with checkpoints and kills between them: a model tells what is there.

What they leave to be taken back goes on in a thread, a few rows at a time, while other sessions read, checkpoints are taken, or the database is dropped.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.database import Database, late_rollback
from lungfish.errors import Error, QueryCanceled
from lungfish.executor import slices
from lungfish.session import transactions
from tests.session.test_cancel import CountedCancellation

ROW_COUNT = 120
STEP_COUNT = 25
K_MAX = 1_000_000

Content = dict[int, tuple[int, str]]
# What it does to the rows, given a number that no row has used yet.
Change = Callable[[Content, int], Content]

SCHEMA = f"""
    CREATE TABLE t (i bigint PRIMARY KEY, k integer CHECK (k < {K_MAX}), s text);
    CREATE INDEX ON t (k);
    CREATE INDEX ON t (s) WHERE k % 2 = 0;
    CREATE TABLE kept (i bigint REFERENCES t);
    INSERT INTO t SELECT i, i % 10, 'row ' || i FROM generate_series(1, {ROW_COUNT}) g(i);
    INSERT INTO kept VALUES (1);
"""

# Statements with what they do; none touches row 1's key, which `kept` refers to.
CHANGES: tuple[tuple[str, Change], ...] = (
    ("UPDATE t SET k = k + 1", lambda c, n: {i: (k + 1, s) for i, (k, s) in c.items()}),
    ("UPDATE t SET s = s || 'x' WHERE k % 3 = 0",
     lambda c, n: {i: (k, s + "x" if k % 3 == 0 else s) for i, (k, s) in c.items()}),
    ("UPDATE t SET s = left(repeat(s, 90), 4000) WHERE i % 7 = 0",
     lambda c, n: {i: (k, (s * 90)[:4000] if i % 7 == 0 else s) for i, (k, s) in c.items()}),
    ("UPDATE t SET s = left(s, 9), k = k % 10",
     lambda c, n: {i: (k % 10, s[:9]) for i, (k, s) in c.items()}),
    ("UPDATE t SET i = i + {n} WHERE i > 1 AND k % 2 = 0",
     lambda c, n: {i + n if i > 1 and k % 2 == 0 else i: (k, s) for i, (k, s) in c.items()}),
    ("DELETE FROM t WHERE i > 1 AND k % 4 = 0",
     lambda c, n: {i: (k, s) for i, (k, s) in c.items() if i == 1 or k % 4}),
    ("INSERT INTO t SELECT i + {n}, k + 1, s FROM t ORDER BY i LIMIT 100",
     lambda c, n: c | {i + n: (c[i][0] + 1, c[i][1]) for i in sorted(c)[:100]}),
    ("INSERT INTO t SELECT i + (i % 2) * {n}, 5, 'new' FROM t ORDER BY i LIMIT 60 ON CONFLICT (i) DO UPDATE SET k = t.k + 2",
     lambda c, n: c | {i if i % 2 == 0 else i + n: (c[i][0] + 2, c[i][1]) if i % 2 == 0 else (5, "new") for i in sorted(c)[:60]}),
    ("MERGE INTO t USING (SELECT i, k FROM t) u ON t.i = u.i AND u.i % 3 = 0 WHEN MATCHED AND t.i > 1 THEN DELETE"
     " WHEN NOT MATCHED AND u.k % 5 = 0 THEN INSERT VALUES (u.i + {n}, 7, 'merged')",
     lambda c, n: {i: v for i, v in c.items() if i == 1 or i % 3} | {i + n: (7, "merged") for i, v in c.items() if i % 3 and v[0] % 5 == 0}),
)  # fmt: skip

# Statements that fail at the last of many rows, or when all have been changed.
BROKEN = (
    f"UPDATE t SET s = 'y' || s, k = CASE WHEN i = (SELECT max(i) FROM t) THEN {K_MAX} ELSE k END",
    "UPDATE t SET i = CASE WHEN i = (SELECT max(i) FROM t) THEN 1 ELSE i + 100000000000 END WHERE i > 1",
    "DELETE FROM t",
    "INSERT INTO t SELECT i + 100000000000, k, s FROM t UNION ALL SELECT 1, 1, ''",
)


class World:
    """A database, the session that changes it, and what is to be in it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.random = random.Random(seed)
        # None of the keys is beyond it.
        self.used = ROW_COUNT
        self.committed: Content = {i: (i % 10, f"row {i}") for i in range(1, ROW_COUNT + 1)}
        # As the session sees it; and as it was at each savepoint, and at the beginning of the block.
        self.current = self.committed
        self.marks: list[Content] = []
        self.is_in_block = False
        self._open()
        self.connection.execute(SCHEMA)

    def _open(self) -> None:
        self.database: Database = lungfish.open(self.path)
        self.connection: Connection = self.database.connect(autocommit=True)
        self.cancellation = CountedCancellation()
        self.connection.session.cancellation = self.cancellation

    def step(self) -> None:
        self.random.choice(
            (self.change, self.change, self.change, self.fail, self.fail, self.cut_off, self.cut_off,
             self.begin, self.mark, self.go_back, self.end, self.checkpoint, self.kill, self.look)
        )()  # fmt: skip

    def _chosen(self) -> tuple[str, Content]:
        sql, change = self.random.choice(CHANGES)
        changed = change(self.current, self.used)
        text = sql.format(n=self.used)
        return text, changed

    def _done(self, changed: Content) -> None:
        self.current = changed
        self.used = max(self.used, 2 * max(changed))
        if not self.is_in_block:
            self.committed = changed

    def change(self) -> None:
        if len(self.current) > 400:
            self.connection.execute("DELETE FROM t WHERE i > 50")
            self._done({i: v for i, v in self.current.items() if i <= 50})
            return
        sql, changed = self._chosen()
        self.connection.execute(sql)
        self._done(changed)

    def fail(self) -> None:
        with pytest.raises(lungfish.errors.IntegrityError):
            self.connection.execute(self.random.choice(BROKEN))
        self._leave_failed()

    def cut_off(self) -> None:
        sql, changed = self._chosen()
        self.cancellation.look_count = 0
        self.cancellation.limit = self.random.choice((1, 2, 3, 5, 9, 20, 40))
        try:
            self.connection.execute(sql)
        except QueryCanceled:
            self.cancellation.limit = None
            self._leave_failed()
        else:
            self._done(changed)
        finally:
            self.cancellation.limit = None

    def _leave_failed(self) -> None:
        """What a program does about a block of which a statement has failed."""
        if not self.is_in_block:
            return
        if self.marks and self.random.random() < 0.7:
            self.go_back()
        else:
            self.is_in_block, self.marks = False, []
            self.current = self.committed
            self.connection.execute("ROLLBACK")

    def begin(self) -> None:
        if not self.is_in_block:
            self.connection.execute("BEGIN")
            self.is_in_block = True

    def mark(self) -> None:
        if self.is_in_block:
            self.connection.execute(f"SAVEPOINT s{len(self.marks)}")
            self.marks.append(self.current)

    def go_back(self) -> None:
        if self.marks:
            at = self.random.randrange(len(self.marks))
            self.connection.execute(f"ROLLBACK TO s{at}")
            self.current = self.marks[at]
            del self.marks[at + 1 :]

    def end(self) -> None:
        if self.is_in_block:
            if self.random.random() < 0.5:
                self.connection.execute("COMMIT")
                self.committed = self.current
            else:
                self.connection.execute("ROLLBACK")
                self.current = self.committed
            self.is_in_block, self.marks = False, []

    def checkpoint(self) -> None:
        with self.database.connect(autocommit=True) as other:
            other.execute("CHECKPOINT")

    def kill(self) -> None:
        self.database.crash()
        self._open()
        self.current, self.marks, self.is_in_block = self.committed, [], False
        self.check()

    def look(self) -> None:
        """Another session sees what is committed, whatever is being taken back."""
        with self.database.connect(autocommit=True) as other:
            assert content(other) == self.committed

    def check(self) -> None:
        """The session's own view, by the heap and by each index."""
        connection, current = self.connection, self.current
        assert content(connection) == current
        some = self.random.sample(sorted(current), min(5, len(current)))
        for key in some:
            found = connection.execute("SELECT k, s FROM t WHERE i = ?", (key,)).fetchone()
            assert found == current[key]
            k = current[key][0]
            same = connection.execute("SELECT i FROM t WHERE k = ? ORDER BY i", (k,)).fetchall()
            assert [i for (i,) in same] == sorted(i for i, v in current.items() if v[0] == k)


def content(connection: Connection) -> Content:
    return {i: (k, s) for i, k, s in connection.execute("SELECT i, k, s FROM t").fetchall()}


def run(path: Path, seed: int, step_count: int) -> None:
    world = World(path, seed)
    try:
        for _ in range(step_count):
            world.step()
            if world.random.random() < 0.5:
                world.check()
        world.connection.execute("ROLLBACK") if world.is_in_block else None
        found = world.connection.execute("SCRUB").fetchall()
        assert [row for row in found if row[1] != "ok"] == []
        world.is_in_block, world.current = False, world.committed
        world.check()
        world.kill()
    finally:
        try:
            world.database.close()
        except Error:
            world.database.crash()


@pytest.fixture(autouse=True)
def soon_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows are many."""
    monkeypatch.setattr(transactions, "_ROW_COUNT_AT_ONCE", 3)
    monkeypatch.setattr(late_rollback, "_PORTION_ROW_COUNT", 5)
    monkeypatch.setattr(slices, "PART_ROW_COUNT", 16)


@pytest.mark.parametrize("seed", range(8))
def test_the_content_is_what_a_model_says(tmp_path: Path, seed: int) -> None:
    run(tmp_path / "a.db", seed, STEP_COUNT)


@pytest.mark.release
@pytest.mark.parametrize("seed", range(100, 130))
def test_the_content_is_what_a_model_says_for_long(tmp_path: Path, seed: int) -> None:
    run(tmp_path / "a.db", seed, 80)
