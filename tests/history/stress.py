"""Many threads, mixed reads and writes, mixed levels: nobody is told anything but 40001 and 40P01, and no money is made or lost.

    python -m tests.history.stress --threads 32 --seconds 120

Accounts in two tables, with a table of what was moved. Whoever reads all of it, in one statement or in one snapshot, must find the
same total. A transaction that is refused is tried again by `transaction(retry=...)`'s rule: from its beginning.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import lungfish
from tests.history.workload import RETRYABLE

ACCOUNT_COUNT = 64
TOTAL = ACCOUNT_COUNT * 1_000
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
SCHEMA = f"""
    CREATE TABLE checking (id integer PRIMARY KEY, balance integer NOT NULL);
    CREATE TABLE savings (id integer PRIMARY KEY REFERENCES checking, balance integer NOT NULL);
    CREATE TABLE moved (id integer PRIMARY KEY, account integer REFERENCES checking, amount integer);
    CREATE INDEX ON moved (account);
    INSERT INTO checking SELECT i, 600 FROM generate_series(1, {ACCOUNT_COUNT}) g(i);
    INSERT INTO savings SELECT i, 400 FROM generate_series(1, {ACCOUNT_COUNT}) g(i);
"""
TOTAL_QUERY = """
    SELECT (SELECT sum(balance) FROM checking) + (SELECT sum(balance) FROM savings)
        + (SELECT coalesce(sum(amount), 0) FROM moved)
"""
Work = Callable[["lungfish.Connection", random.Random, int], None]


def transfer(connection: lungfish.Connection, chance: random.Random, _: int) -> None:
    """From one account to another, in either order."""
    one, other = chance.sample(range(1, ACCOUNT_COUNT + 1), 2)
    source, target = chance.choice([("checking", "savings"), ("savings", "checking")])
    amount = chance.randint(1, 20)
    execute = connection.execute
    execute(f"UPDATE {source} SET balance = balance - ? WHERE id = ?", (amount, one))
    execute(f"UPDATE {target} SET balance = balance + ? WHERE id = ?", (amount, other))


def transfer_what_was_read(connection: lungfish.Connection, chance: random.Random, _: int) -> None:
    """Read, compute, write: the rows are locked first, so that this is right at every level."""
    one, other = sorted(chance.sample(range(1, ACCOUNT_COUNT + 1), 2))
    query = "SELECT id, balance FROM checking WHERE id IN (?, ?) ORDER BY id FOR UPDATE"
    (_, first), (_, second) = connection.execute(query, (one, other)).fetchall()
    update = "UPDATE checking SET balance = ? WHERE id = ?"
    connection.execute(update, (first - 5, one))
    connection.execute(update, (second + 5, other))


def put_aside(connection: lungfish.Connection, chance: random.Random, number: int) -> None:
    """Take from an account what a new row then holds."""
    account = chance.randint(1, ACCOUNT_COUNT)
    connection.execute("UPDATE checking SET balance = balance - 3 WHERE id = ?", (account,))
    connection.execute("INSERT INTO moved VALUES (?, ?, 3)", (number, account))


def give_back(connection: lungfish.Connection, chance: random.Random, _: int) -> None:
    """Delete such rows, those that nobody else is at, and pay them out."""
    account = chance.randint(1, ACCOUNT_COUNT)
    query = "SELECT id FROM moved WHERE account = ? FOR UPDATE SKIP LOCKED"
    for (row,) in connection.execute(query, (account,)).fetchall():
        cursor = connection.execute("DELETE FROM moved WHERE id = ? RETURNING amount", (row,))
        for (amount,) in cursor.fetchall():
            update = "UPDATE checking SET balance = balance + ? WHERE id = ?"
            connection.execute(update, (amount, account))


def look(connection: lungfish.Connection, _: random.Random, __: int) -> None:
    """The total."""
    total = connection.execute(TOTAL_QUERY).fetchval()
    assert total == TOTAL, f"the total is {total} instead of {TOTAL}"


WORKS: tuple[Work, ...] = (transfer, transfer, transfer_what_was_read, put_aside, give_back, look)


class Stress:
    """A run of so many threads."""

    def __init__(self, thread_count: int, seed: int = 1) -> None:
        self.outcomes: Counter[str] = Counter()
        self.failures: list[BaseException] = []
        self._numbers = itertools.count(1)
        self._thread_count = thread_count
        self._seed = seed
        self._is_over = threading.Event()

    def run(self, *, seconds: float | None = None, transactions: int | None = None) -> None:
        """Run for a time, or until each thread has committed so many. Raises what a thread ran into."""
        with lungfish.open(":memory:") as database:
            main = database.connect(autocommit=True)
            main.execute(SCHEMA)
            threads = [
                threading.Thread(target=self._work, args=(database, number, transactions))
                for number in range(self._thread_count)
            ]
            for each in threads:
                each.start()
            if seconds is not None:
                self._is_over.wait(seconds)
                self._is_over.set()
            for each in threads:
                each.join()
            if self.failures:
                raise self.failures[0]
            look(main, random.Random(), 0)
            main.close()

    def _work(self, database: lungfish.Database, number: int, transactions: int | None) -> None:
        chance = random.Random(f"stress {self._seed} {number}")
        left = itertools.repeat(None) if transactions is None else range(transactions)
        try:
            with database.connect(autocommit=True) as connection:
                for _ in left:
                    self._run_until_committed(connection, chance)
                    if self._is_over.is_set():
                        return
        except BaseException as error:
            self.failures.append(error)
            self._is_over.set()

    def _run_until_committed(self, connection: lungfish.Connection, chance: random.Random) -> None:
        work, level = chance.choice(WORKS), chance.choice(LEVELS)
        while not self._is_over.is_set():
            try:
                with connection.transaction(isolation=level):
                    work(connection, chance, next(self._numbers))
            except RETRYABLE as error:
                self.outcomes[error.sqlstate] += 1
            else:
                self.outcomes["committed"] += 1
                return


def main() -> int:
    """Run it for a while; exit code 1 with the first thing that went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.history.stress", description=__doc__)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    stress = Stress(options.threads, options.seed)
    began = time.monotonic()
    try:
        stress.run(seconds=options.seconds)
    finally:
        print(f"{dict(stress.outcomes)} in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
