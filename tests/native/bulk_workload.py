"""Random executemany beside the short statements of workload.py: the same program in both forms.

    python -m tests.native.bulk_workload SEED COUNT      # the answers, one JSON line each

Sets of many kinds: keys that ascend, descend, jump or come twice, values that are NULL, long, out of range or of other types, sets that are lists.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import lungfish
from tests.native.workload import Workload

# Above the keys of short statements.
FIRST_KEY = 100

INSERTS = (
    "INSERT INTO plain VALUES (?, ?, ?)",
    "INSERT INTO plain (name, id) VALUES (?, ?)",
    "INSERT INTO plain (n, id, name) VALUES (7, ?, ?)",
    "INSERT INTO plain VALUES (?, ?, upper(?))",
    "INSERT INTO plain VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    "INSERT INTO pairs VALUES (?, ?, ?, ?)",
    "INSERT INTO pairs (t, b, a, n) VALUES (?, 1, ?, ?)",
    "INSERT INTO words VALUES (?, ?, ?, ?)",
    "INSERT INTO wide (id, long, raw) VALUES (?, ?, ?)",
    "INSERT INTO wide (id, n, amount) VALUES (?, ?, ?)",
    "INSERT INTO sparse VALUES (?, ?, ?)",
    "INSERT INTO loose VALUES (?, ?, ?)",
)


class BulkWorkload(Workload):
    """One run."""

    def __init__(self, seed: int, path: Path) -> None:
        super().__init__(seed, path)
        self.connections[0].execute("CREATE TABLE loose (at integer, long text, is_on boolean)")

    def _statement(self) -> Any:
        if self.random.random() < 0.5:
            return super()._statement()
        connection = self.random.choice(self.connections)
        if connection.transaction_status == "failed":
            connection.rollback()
        if self.random.random() < 0.1:
            # An explicit lock of a row keeps compiled code from writing.
            return self._ask(connection, "SELECT id FROM plain LIMIT 1 FOR UPDATE", None)
        sql = self.random.choice(INSERTS)
        sets = self._sets(sql)
        try:
            return [sql, connection.executemany(sql, sets).rowcount]
        except lungfish.Error as error:
            return [sql, type(error).__name__, error.sqlstate, str(error).splitlines()]

    def _pages(self) -> list[str]:
        """Not compared: rows that go on a page together have their long values in another order."""
        return []

    def _state(self) -> Any:
        rows = self._ask(self.connections[0], "SELECT * FROM loose ORDER BY 1, 2, 3", None)
        ways = [
            self._ask(self.connections[0], f"SELECT count(*) FROM {condition}", None)
            for condition in (
                "pairs WHERE t >= ''",
                "wide WHERE n >= 0",
                "sparse WHERE n > 5",
                "words WHERE word > ''",
            )
        ]
        return [super()._state(), rows, ways]

    def _sets(self, sql: str) -> list[Any]:
        """Sets for the statement's parameters, by the place of each."""
        columns = sql[sql.index("(") :].count("?")
        random = self.random
        count = random.choice((2, 3, 17, 60, 300))
        first = random.randrange(FIRST_KEY, 40_000)
        step = random.choice((1, 1, 1, 3, -1, 0))
        keys = [
            first + step * number if step else random.randrange(FIRST_KEY, 90_000)
            for number in range(count)
        ]
        if random.random() < 0.1:
            keys[random.randrange(count)] = random.choice(keys)
        makers = self._makers(sql, keys)
        assert len(makers) == columns, sql
        sets: list[Any] = [tuple(make(number) for make in makers) for number in range(count)]
        if random.random() < 0.15:
            self._spoil(sets, random.randrange(count), random.randrange(columns))
        return sets

    def _makers(self, sql: str, keys: list[int]) -> list[Any]:
        random = self.random
        has_nulls = random.random() < 0.2
        sizes = random.choice(((0, 3, 12), (5, 13, 40), (11, 900, 3000)))

        def key(number: int) -> Any:
            return keys[number]

        def small(number: int) -> Any:
            return None if has_nulls and number % 3 == 0 else number % 9

        def text(number: int) -> Any:
            if has_nulls and number % 4 == 1:
                return None
            size = random.choice(sizes)
            return "".join(random.choice("abü") for _ in range(min(size, 20))).ljust(size, "x")

        def word(number: int) -> Any:
            return f"w{keys[number]:06}"

        def real(number: int) -> Any:
            return number / 3

        def flag(number: int) -> Any:
            return number % 2 == 0

        def raw(number: int) -> Any:
            return bytes(number % 30)

        table, _, names = sql.removeprefix("INSERT INTO ").partition(" ")
        by_name = {
            ("plain", "(name,"): [text, key],
            ("plain", "(n,"): [key, text],
            ("pairs", "(t,"): [text, key, small],
            ("wide", "(id,"): [key, text, raw] if "raw" in names else [key, key, real],
        }
        named = by_name.get((table, names.split()[0]))
        if named is not None:
            return named
        return {
            "plain": [key, small, text],
            "pairs": [key, small, key, text],
            "words": [word, small, real, flag],
            "sparse": [key, small, text],
            "loose": [small, text, flag],
        }[table]

    def _spoil(self, sets: list[Any], number: int, column: int) -> None:
        """Let one set be out of the ordinary."""
        odd = self.random.choice(
            (None, 2**31, 2**63, -(2**70), 1.5, True, "7", "a\0b", "\ud800", b"raw", "list")
        )
        values = list(sets[number])
        if odd == "list":
            sets[number] = values
        else:
            values[column] = odd
            sets[number] = tuple(values)


def main() -> None:
    """Run and print."""
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for answer in BulkWorkload(seed, Path(folder) / "w.db").answers(count):
            print(json.dumps(answer))


if __name__ == "__main__":
    main()
