"""What the sessions of a history do: short random transactions over lists and registers that come and go.

Keys belong to a *generation*; once its lists have been written often enough the next generation begins, so lists stay short however
long the history is. A list is there from its first append on.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from dataclasses import dataclass, field

import lungfish
from lungfish.connection import Connection
from tests.history.checker import Transaction

SCHEMA = """
    CREATE TABLE lists (k integer PRIMARY KEY, v text NOT NULL, n integer NOT NULL);
    CREATE INDEX ON lists (n);
    CREATE TABLE registers (k integer PRIMARY KEY, v integer NOT NULL);
"""
KEY_COUNT = 8
# Appends to the lists of one generation, before the next.
APPENDS_OF_GENERATION = KEY_COUNT * 14
# What every transaction may run into at any time.
RETRYABLE = (lungfish.errors.SerializationFailure, lungfish.errors.DeadlockDetected)


@dataclass(slots=True)
class Shared:
    """What all sessions of a history share. The counters are atomic, the lists grow only."""

    level: str
    values: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    appends: itertools.count[int] = field(default_factory=itertools.count)
    append_count: int = 0
    operation_count: int = 0
    retry_count: int = 0
    acknowledged: list[Transaction] = field(default_factory=list)
    # Those whose COMMIT was not answered.
    in_doubt: list[Transaction] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)

    def key(self, chance: random.Random) -> int:
        """A key of the present generation, or sometimes of the one before."""
        generation = self.append_count // APPENDS_OF_GENERATION
        if generation and chance.random() < 0.05:
            generation -= 1
        return generation * KEY_COUNT + chance.randrange(KEY_COUNT)


class Actor:
    """One session with its thread, which runs transactions until the history is over (or the database has crashed)."""

    def __init__(self, connection: Connection, shared: Shared, chance: random.Random) -> None:
        self._connection = connection
        self._shared = shared
        self._chance = chance
        self.thread = threading.Thread(target=self._run, daemon=True)

    def stop(self) -> None:
        """End its waits and its thread. The history must be over."""
        while self.thread.is_alive():
            self._connection.cancel()
            self.thread.join(0.01)

    def _run(self) -> None:
        shared = self._shared
        while not shared.is_over.is_set():
            transaction = Transaction(next(shared.numbers))
            try:
                self._run_transaction(transaction)
            except RETRYABLE:
                shared.retry_count += 1
                with contextlib.suppress(lungfish.Error):
                    self._connection.rollback()
            except BaseException as error:
                if not shared.is_over.is_set():
                    shared.failures.append(error)
                    shared.is_over.set()

    def _run_transaction(self, transaction: Transaction) -> None:
        chance, execute = self._chance, self._connection.execute
        steps = (self._append, self._append, self._read, self._read_range, self._write, self._count)
        execute(f"BEGIN ISOLATION LEVEL {self._shared.level}")
        for _ in range(chance.randint(1, 4)):
            if chance.random() < 0.05:
                self._in_savepoint(transaction)
            chance.choice(steps)(transaction)
            self._shared.operation_count += 1
        if chance.random() < 0.04:
            execute("ROLLBACK")
            return
        self._shared.in_doubt.append(transaction)
        execute("COMMIT")
        transaction.is_acknowledged = True
        self._shared.acknowledged.append(transaction)

    def _in_savepoint(self, transaction: Transaction) -> None:
        """An append that is taken back: nobody may ever see it."""
        self._connection.execute("SAVEPOINT s")
        self._append(Transaction(transaction.number))
        self._connection.execute("ROLLBACK TO s")

    def _append(self, transaction: Transaction) -> None:
        shared = self._shared
        key, value = shared.key(self._chance), next(shared.values)
        shared.append_count = next(shared.appends)
        execute, text = self._connection.execute, f"{value},"
        update = "UPDATE lists SET v = v || ?, n = n + 1 WHERE k = ?"
        if self._chance.random() < 0.5 or not execute(update, (text, key)).rowcount:
            execute(
                "INSERT INTO lists VALUES (?, ?, 1)"
                " ON CONFLICT (k) DO UPDATE SET v = lists.v || excluded.v, n = lists.n + 1",
                (key, text),
            )
        transaction.appends.append((key, value))

    def _read(self, transaction: Transaction) -> None:
        key = self._shared.key(self._chance)
        row = self._connection.execute("SELECT v FROM lists WHERE k = ?", (key,)).fetchone()
        transaction.reads.append((key, numbers_in(row[0]) if row is not None else ()))

    def _read_range(self, transaction: Transaction) -> None:
        """A range of keys: lists that are not there were read as well."""
        low = self._shared.key(self._chance)
        high = low + self._chance.randint(1, KEY_COUNT // 2)
        query = "SELECT k, v FROM lists WHERE k BETWEEN ? AND ?"
        found = dict(self._connection.execute(query, (low, high)).fetchall())
        for key in range(low, high + 1):
            transaction.reads.append((key, numbers_in(found.get(key, ""))))

    def _count(self, transaction: Transaction) -> None:
        """All lists at once, by their lengths, over another index: which were read is known by what the answer says."""
        low = self._shared.key(self._chance) // KEY_COUNT * KEY_COUNT
        query = "SELECT k, v FROM lists WHERE n >= 0 AND k >= ? AND k < ? ORDER BY n"
        found = dict(self._connection.execute(query, (low, low + KEY_COUNT)).fetchall())
        for key in range(low, low + KEY_COUNT):
            transaction.reads.append((key, numbers_in(found.get(key, ""))))

    def _write(self, transaction: Transaction) -> None:
        """Read a register, and write it."""
        key, value = self._shared.key(self._chance), next(self._shared.values)
        execute = self._connection.execute
        row = execute("SELECT v FROM registers WHERE k = ?", (key,)).fetchone()
        if row is None:
            execute("INSERT INTO registers VALUES (?, 0) ON CONFLICT DO NOTHING", (key,))
            return
        if self._chance.random() < 0.5:
            transaction.register_reads.append((key, row[0]))
            return
        cursor = execute("UPDATE registers SET v = ? WHERE k = ?", (value, key))
        assert cursor.rowcount == 1, "a register that was seen is there"
        transaction.register_writes.append((key, row[0], value))


def numbers_in(text: str) -> tuple[int, ...]:
    """The values of a list."""
    return tuple([int(word) for word in text.split(",") if word])
