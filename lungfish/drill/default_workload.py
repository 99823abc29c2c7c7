"""The workload of a drill that was given none, made from the database's own schema.

Each table gets, in transactions of their own: rows updated in place, rows deleted and put back, rows deleted in a transaction that is
rolled back. A table and an index of the drill's own come and go, with long values, savepoints and checkpoints in between. What a
constraint or a trigger of the user's forbids is left out: it is no failure of the drill.
"""

from __future__ import annotations

import contextlib
import random

from lungfish.catalog.objects import Table
from lungfish.connection import Connection
from lungfish.database import Database
from lungfish.errors import Error

# Of each table so many rows are touched at a time, and so many tables at most.
ROW_COUNT = 12
TABLE_COUNT_MAX = 12
_OWN_TABLE = "lungfish_drill"


def run_default_workload(connection: Connection, database: Database, chance: random.Random) -> None:
    """Run it; the connection is in autocommit."""
    catalog = database.catalog
    tables = [
        (f"{_quoted(catalog.namespace_name(each.namespace_oid))}.{_quoted(each.name)}", each)
        for each in catalog.tables()
        if each.persistence == "permanent" and each.materialized_query is None
    ]
    chosen = chance.sample(tables, min(len(tables), TABLE_COUNT_MAX))
    _make_own_table(connection, chance)
    for number, (name, table) in enumerate(chosen):
        _change_table(connection, name, table, chance)
        if number % 3 == 1:
            connection.execute("CHECKPOINT")
    _change_own_table(connection, chance)


def _change_table(connection: Connection, name: str, table: Table, chance: random.Random) -> None:
    columns = [each for each in table.columns if each.generated is None]
    if not columns:
        return
    keys = [
        _quoted(table.columns[table.position_of_number(number)].name)
        for constraint in table.constraints
        if constraint.kind == "primary key"
        for number in constraint.columns
    ]
    column = _quoted(chance.choice(columns).name)
    if not keys:
        _try(connection, f"INSERT INTO {name} SELECT * FROM {name} LIMIT {ROW_COUNT}")
        return
    key = ", ".join(keys)
    offset = chance.randrange(ROW_COUNT)
    some = f"({key}) IN (SELECT {key} FROM {name} ORDER BY {key} LIMIT {ROW_COUNT} OFFSET {offset})"
    _try(connection, f"UPDATE {name} SET {column} = {column} WHERE {some}")
    _try(connection, f"BEGIN; DELETE FROM {name} WHERE {some}; ROLLBACK")
    names = ", ".join(_quoted(each.name) for each in columns)
    kept = connection.execute(f"SELECT {names} FROM {name} WHERE {some}").fetchall()
    if _try(connection, f"DELETE FROM {name} WHERE {some}"):
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {name} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})"
        with contextlib.suppress(Error), connection.transaction():
            connection.executemany(sql, kept)


def _make_own_table(connection: Connection, chance: random.Random) -> None:
    connection.execute(
        f"CREATE TABLE {_OWN_TABLE} (id serial PRIMARY KEY, n integer, tag text UNIQUE, note text)"
    )
    connection.execute(f"CREATE INDEX ON {_OWN_TABLE} (n)")
    for _ in range(3):
        with connection.transaction():
            _insert_own(connection, chance, 4)
    connection.execute("CHECKPOINT")


def _insert_own(connection: Connection, chance: random.Random, count: int) -> None:
    for _ in range(count):
        tag = f"{chance.getrandbits(64):x}"
        connection.execute(
            f"INSERT INTO {_OWN_TABLE} (n, tag, note) VALUES (?, ?, ?)",
            (chance.randrange(9), tag, tag * chance.choice((0, 20, 2_000))),
        )


def _change_own_table(connection: Connection, chance: random.Random) -> None:
    for step in range(4):
        with connection.transaction():
            _insert_own(connection, chance, 3)
            connection.execute("SAVEPOINT s")
            connection.execute(f"DELETE FROM {_OWN_TABLE} WHERE n < 5")
            connection.execute("ROLLBACK TO SAVEPOINT s")
            connection.execute(f"UPDATE {_OWN_TABLE} SET n = n + 1 WHERE id % 3 = ?", (step % 3,))
        connection.execute(f"DELETE FROM {_OWN_TABLE} WHERE id % 5 = ?", (step,))
        if step % 2:
            connection.execute("CHECKPOINT")
    connection.execute(f"ALTER TABLE {_OWN_TABLE} ADD COLUMN later date DEFAULT '2020-01-01'")
    connection.execute(f"UPDATE {_OWN_TABLE} SET later = later + id")
    connection.execute(f"DROP TABLE {_OWN_TABLE}")


def _try(connection: Connection, sql: str) -> bool:
    """Run what the user's own rules may forbid; whether they did not."""
    try:
        connection.execute(sql)
    except Error:
        if connection.in_transaction:
            connection.rollback()
        return False
    return True


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
