"""Trial 12 of the matrix: isolation, with checkpoints between all steps and a crash at the end.

Ten anomalies after Hermitage (Kleppmann), each a short history of two or three transactions; at each level PostgreSQL's answer is expected:
which of them can be seen, and which not. Then random transactions that append to lists and read them (after Elle; Kingsbury and Alvaro,
"Elle: Inferring Isolation Anomalies from Experimental Observations", 2020): the lists tell who came after whom, and from that follow
the cycles that the level forbids. Everything runs in one thread; whoever would wait for a lock gives up after a millisecond.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lungfish import errors
from lungfish.connection import Connection
from lungfish.session import Session
from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.crash.harness import DrillFailure
from tests.crash.sql_drill import open_on
from tests.crash.tally import Budget, Tally

LEVELS = ("read committed", "repeatable read", "serializable")
KEY_COUNT = 12
SESSION_COUNT = 4


class Cell:
    """A database with the rows (1, 10) and (2, 20), and sessions that take a checkpoint after each step."""

    def __init__(self, level: str) -> None:
        # Sessions whose transaction was refused or would have waited.
        self.failed: set[int] = set()
        self.disk = SimulatedDisk()
        self.main = open_on(self.disk)
        self.main.execute("CREATE TABLE test (id integer PRIMARY KEY, value integer)")
        self.main.execute("INSERT INTO test VALUES (1, 10), (2, 20)")
        database = self.main._session.database
        self.sessions = [
            Connection(Session(database, autocommit=True, read_only=False)) for _ in range(3)
        ]
        try:
            for session in self.sessions:
                session.execute("SET lock_timeout = '1ms'")
                session.execute(f"BEGIN ISOLATION LEVEL {level}")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of all sessions."""
        for each in (self.main, *self.sessions):
            each.close()

    def step(self, number: int, sql: str) -> list[tuple[object, ...]]:
        """One statement of a session; a failed or blocked one rolls its transaction back, and answers nothing."""
        session = self.sessions[number - 1]
        try:
            cursor = session.execute(sql)
            return cursor.fetchall() if cursor.description else []
        except errors.Error:
            with contextlib.suppress(errors.Error):
                session.rollback()
            self.failed.add(number)
            return []
        finally:
            self.main.execute("CHECKPOINT")

    def value(self, number: int, row_id: int) -> object:
        rows = self.step(number, f"SELECT value FROM test WHERE id = {row_id}")
        return rows[0][0] if rows else None

    def commit(self, number: int) -> None:
        if number not in self.failed:
            self.step(number, "COMMIT")

    def rows(self) -> list[tuple[object, ...]]:
        return self.main.execute("SELECT id, value FROM test ORDER BY id").fetchall()

    def end(self) -> None:
        """Crash: what was committed is there again, and nothing else."""
        expected = self.rows()
        self.main._session.database.crash()
        self.close()
        left = self.disk.crash_state(self.disk.operation_count, Persistence.SYNCED)
        connection = open_on(left)
        found = connection.execute("SELECT id, value FROM test ORDER BY id").fetchall()
        connection.close()
        if found != expected:
            raise DrillFailure(f"after the crash {found} instead of {expected}")


def g0(cell: Cell) -> bool:
    """Write cycles: two transactions' writes are mixed."""
    cell.step(1, "UPDATE test SET value = 11 WHERE id = 1")
    cell.step(2, "UPDATE test SET value = 12 WHERE id = 1")
    cell.step(1, "UPDATE test SET value = 21 WHERE id = 2")
    cell.commit(1)
    cell.step(2, "UPDATE test SET value = 22 WHERE id = 2") if 2 not in cell.failed else None
    cell.commit(2)
    return cell.rows() not in ([(1, 11), (2, 21)], [(1, 12), (2, 22)])


def g1a(cell: Cell) -> bool:
    """Aborted reads."""
    cell.step(1, "UPDATE test SET value = 101 WHERE id = 1")
    seen = cell.value(2, 1)
    cell.step(1, "ROLLBACK")
    return 101 in (seen, cell.value(2, 1))


def g1b(cell: Cell) -> bool:
    """Intermediate reads."""
    cell.step(1, "UPDATE test SET value = 101 WHERE id = 1")
    seen = cell.value(2, 1)
    cell.step(1, "UPDATE test SET value = 11 WHERE id = 1")
    cell.commit(1)
    return 101 in (seen, cell.value(2, 1))


def g1c(cell: Cell) -> bool:
    """Circular information flow."""
    cell.step(1, "UPDATE test SET value = 11 WHERE id = 1")
    cell.step(2, "UPDATE test SET value = 22 WHERE id = 2")
    return cell.value(1, 2) == 22 and cell.value(2, 1) == 11


def otv(cell: Cell) -> bool:
    """Observed transaction vanishes."""
    cell.step(1, "UPDATE test SET value = 11 WHERE id = 1")
    cell.step(1, "UPDATE test SET value = 19 WHERE id = 2")
    cell.step(2, "UPDATE test SET value = 12 WHERE id = 1")
    cell.commit(1)
    first = cell.value(3, 1)
    if 2 not in cell.failed:
        cell.step(2, "UPDATE test SET value = 18 WHERE id = 2")
        cell.commit(2)
    second = cell.value(3, 2)
    return (first, second) == (11, 18) and cell.value(3, 1) == 11


def pmp(cell: Cell) -> bool:
    """Predicate-many-preceders: a second read of a predicate shows what came in between."""
    first = cell.step(1, "SELECT id FROM test WHERE value = 30")
    cell.step(2, "INSERT INTO test VALUES (3, 30)")
    cell.commit(2)
    return first == [] and cell.step(1, "SELECT id FROM test WHERE value % 3 = 0") == [(3,)]


def p4(cell: Cell) -> bool:
    """Lost update: both read 10 and write 11."""
    cell.value(1, 1), cell.value(2, 1)
    cell.step(1, "UPDATE test SET value = 11 WHERE id = 1")
    cell.commit(1)
    cell.step(2, "UPDATE test SET value = 11 WHERE id = 1")
    cell.commit(2)
    return not cell.failed


def g_single(cell: Cell) -> bool:
    """Read skew."""
    first = cell.value(1, 1)
    cell.step(2, "UPDATE test SET value = 12 WHERE id = 1")
    cell.step(2, "UPDATE test SET value = 18 WHERE id = 2")
    cell.commit(2)
    return (first, cell.value(1, 2)) == (10, 18)


def g2_item(cell: Cell) -> bool:
    """Write skew."""
    for number in (1, 2):
        cell.step(number, "SELECT * FROM test WHERE id IN (1, 2)")
    cell.step(1, "UPDATE test SET value = 11 WHERE id = 1")
    cell.step(2, "UPDATE test SET value = 21 WHERE id = 2")
    cell.commit(1)
    cell.commit(2)
    return cell.rows() == [(1, 11), (2, 21)]


def g2(cell: Cell) -> bool:
    """Anti-dependency cycles over predicates."""
    for number in (1, 2):
        cell.step(number, "SELECT * FROM test WHERE value % 3 = 0")
    cell.step(1, "INSERT INTO test VALUES (3, 30)")
    cell.step(2, "INSERT INTO test VALUES (4, 42)")
    cell.commit(1)
    cell.commit(2)
    return len(cell.rows()) == 4


# Whether the anomaly can be seen at each of LEVELS, as in PostgreSQL.
ANOMALIES: tuple[tuple[Callable[[Cell], bool], tuple[bool, bool, bool]], ...] = (
    (g0, (False, False, False)),
    (g1a, (False, False, False)),
    (g1b, (False, False, False)),
    (g1c, (False, False, False)),
    (otv, (False, False, False)),
    (pmp, (True, False, False)),
    (p4, (True, False, False)),
    (g_single, (True, False, False)),
    (g2_item, (True, True, False)),
    (g2, (True, True, False)),
)


def check_anomalies(budget: Budget) -> Tally:
    """Every anomaly at every level."""
    tally = Tally()
    for anomaly, expected in ANOMALIES:
        for level, is_seen in zip(LEVELS, expected, strict=True):
            cell = Cell(level)
            try:
                if anomaly(cell) != is_seen:
                    raise DrillFailure("seen" if not is_seen else "not seen")
                cell.end()
            except Exception:
                tally.fail(f"{anomaly.__name__} at {level}")
            tally.count("cells")
    return tally


# Lists


@dataclass(slots=True)
class Append:
    """A transaction of the history: what it read and what it appended, in its order."""

    number: int
    reads: list[tuple[int, list[int]]] = field(default_factory=list)
    appends: list[tuple[int, int]] = field(default_factory=list)


def check_lists(budget: Budget) -> Tally:
    """Random histories of appends and reads, at each level, with checkpoints and crashes inside."""
    tally = Tally()
    for seed in budget.seeds(2, 400):
        if budget.is_over:
            break
        for level in LEVELS:
            history = History(level, random.Random(f"lists {seed} {level}"))
            try:
                history.run(budget.choose(2_500, 5_000))
                history.check()
            except Exception:
                tally.fail(f"seed {seed} at {level}")
            tally.count("operations on lists", history.operation_count)
    return tally


class History:
    """Runs transactions that append to lists and read them, and judges what they saw."""

    def __init__(self, level: str, chance: random.Random) -> None:
        self.level = level
        self.chance = chance
        self.disk = SimulatedDisk()
        self.committed: list[Append] = []
        self.operation_count = 0
        self.next_value = 1
        self.open()
        self.main.execute("CREATE TABLE lists (k integer PRIMARY KEY, v text)")
        self.main.execute(
            f"INSERT INTO lists SELECT i, '' FROM generate_series(1, {KEY_COUNT}) g(i)"
        )

    def open(self) -> None:
        self.main = open_on(self.disk)
        database = self.main._session.database
        self.sessions = [
            Connection(Session(database, autocommit=True, read_only=False))
            for _ in range(SESSION_COUNT)
        ]
        self.running: dict[int, Append] = {}
        for session in self.sessions:
            session.execute("SET lock_timeout = '1ms'")

    def crash(self) -> None:
        self.main._session.database.crash()
        for each in (self.main, *self.sessions):
            each.close()
        self.disk = self.disk.crash_state(self.disk.operation_count, Persistence.SYNCED)
        self.open()

    def run(self, count: int) -> None:
        for number in range(count):
            self.step(self.chance.randrange(SESSION_COUNT))
            if number % 150 == 149:
                self.main.execute("CHECKPOINT")
            if number % 900 == 899:
                self.crash()
        for number in list(self.running):
            self.sessions[number].rollback()
        self.crash()

    def step(self, number: int) -> None:
        session = self.sessions[number]
        transaction = self.running.get(number)
        self.operation_count += 1
        try:
            if transaction is None:
                session.execute(f"BEGIN ISOLATION LEVEL {self.level}")
                transaction = self.running[number] = Append(self.operation_count)
            if len(transaction.reads) + len(transaction.appends) >= 4:
                session.execute("COMMIT")
                self.committed.append(self.running.pop(number))
            else:
                self.act(session, transaction)
        except errors.Error:
            self.running.pop(number, None)
            with contextlib.suppress(errors.Error):
                session.rollback()

    def act(self, session: Connection, transaction: Append) -> None:
        key = self.chance.randint(1, KEY_COUNT)
        if self.chance.random() < 0.5:
            (text,) = session.execute("SELECT v FROM lists WHERE k = ?", (key,)).fetchone()
            transaction.reads.append((key, numbers_in(text)))
            return
        value, self.next_value = self.next_value, self.next_value + 1
        session.execute("UPDATE lists SET v = v || ? WHERE k = ?", (f"{value},", key))
        transaction.appends.append((key, value))

    def check(self) -> None:
        """Nothing lost, nothing of an aborted transaction, every read a prefix, and no cycle that the level forbids."""
        final = {
            key: numbers_in(text)
            for key, text in self.main.execute("SELECT k, v FROM lists").fetchall()
        }
        self.main.close()
        for session in self.sessions:
            session.close()
        writer = {value: each for each in self.committed for _, value in each.appends}
        for key, values in final.items():
            expected = {v for each in self.committed for k, v in each.appends if k == key}
            if set(values) != expected or len(values) != len(expected):
                raise DrillFailure(f"list {key}: lost or doubled or aborted appends")
        known, anti = self.edges(final, writer)
        if self.level == "serializable":
            for first, second in anti:
                known[first].add(second)
        for first, second in anti if self.level != "read committed" else ():
            if reaches(known, second, first):
                raise DrillFailure(f"read skew between transactions {first} and {second}")
        for each in self.committed:
            if any(reaches(known, after, each.number) for after in known[each.number]):
                raise DrillFailure(f"transaction {each.number} comes before itself")

    def edges(
        self, final: dict[int, list[int]], writer: dict[int, Append]
    ) -> tuple[dict[int, set[int]], list[tuple[int, int]]]:
        """Who surely came before whom (by writes, and by reads of writes), and who overwrote what another had read."""
        known: dict[int, set[int]] = defaultdict(set)
        anti = []
        for values in final.values():
            for one, next_one in itertools.pairwise(values):
                if writer[one] is not writer[next_one]:
                    known[writer[one].number].add(writer[next_one].number)
        for each in self.committed:
            own = {value for _, value in each.appends}
            for key, seen in each.reads:
                others = [value for value in seen if value not in own]
                if seen != final[key][: len(seen)]:
                    raise DrillFailure(f"a read of list {key} is no prefix of it")
                if others and writer[others[-1]] is not each:
                    known[writer[others[-1]].number].add(each.number)
                following = [value for value in final[key][len(seen) :] if value not in own]
                if following:
                    anti.append((each.number, writer[following[0]].number))
        return known, anti


def numbers_in(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


def reaches(edges: dict[int, set[int]], start: int, goal: int) -> bool:
    seen, queue = {start}, deque([start])
    while queue:
        here = queue.popleft()
        if here == goal:
            return True
        for each in edges.get(here, ()):
            if each not in seen:
                seen.add(each)
                queue.append(each)
    return False
