"""A process that commits row after row and says so on its standard output, until it is killed.

    python -m tests.crash.killed_writer DB FIRST

It prints `N` once row N is committed. Every row has a twin in a second table with an index each, written in the same transaction: a
row without its twin is half a transaction. Now and then it takes a checkpoint, changes older rows, and rolls back.
"""

from __future__ import annotations

import sys

import lungfish


def write_for_ever(path: str, first: int) -> None:
    """Commit rows from number `first` on."""
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS one (id integer PRIMARY KEY, v integer, note text)"
        )
        connection.execute(
            "CREATE TABLE IF NOT EXISTS two (id integer PRIMARY KEY REFERENCES one, v integer)"
        )
        connection.execute("CREATE INDEX IF NOT EXISTS one_v ON one (v)")
        print("ready", flush=True)
        number = first
        while True:
            with connection.transaction():
                note = "x" * (number % 5 * 900)
                connection.execute("INSERT INTO one VALUES (?, ?, ?)", (number, number % 10, note))
                connection.execute("INSERT INTO two VALUES (?, ?)", (number, number % 10))
            print(number, flush=True)
            if number % 7 == 0:
                connection.execute("BEGIN; DELETE FROM two; UPDATE one SET v = -1; ROLLBACK")
            if number % 5 == 0:
                connection.execute("UPDATE one SET v = v + 10 WHERE id = ?", (number - 3,))
            if number % 11 == 0:
                connection.execute("CHECKPOINT")
            number += 1


if __name__ == "__main__":
    write_for_ever(sys.argv[1], int(sys.argv[2]))
