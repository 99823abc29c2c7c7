"""Random tables with random rows: few distinct values, many NULLs, so that joins and groups meet."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

# Column types with the literals their values are drawn from: small ones, so that arithmetic on them does not overflow.
COLUMN_VALUES: dict[str, tuple[str, ...]] = {
    "integer": ("0", "1", "2", "3", "-1", "7", "100"),
    "bigint": ("0", "1", "2", "-5", "4000000000"),
    "smallint": ("0", "1", "2", "-3"),
    "numeric": ("0", "1", "1.0", "2.50", "-0.125", "1000.001"),
    "numeric(8,2)": ("0", "1", "1.25", "-7.5", "99999.99"),
    "double precision": ("0", "1", "0.5", "-2.25", "1e10"),
    "real": ("0", "1.5", "-2.25"),
    "text": ("''", "'a'", "'b'", "'abc'", "'Abc'", "'a b'", "'zz'", "'ä'"),
    "character varying(5)": ("''", "'a'", "'b'", "'abcde'"),
    "character(4)": ("'a'", "'b'", "'abcd'"),
    "boolean": ("true", "false"),
    "date": ("'2024-01-01'", "'2024-02-29'", "'1999-12-31'"),
    "timestamp without time zone": ("'2024-01-01 00:00:00'", "'2024-02-29 12:34:56.789'"),
    "timestamp with time zone": ("'2024-01-01 00:00:00+00'", "'2024-06-30 23:59:59+02'"),
    "time without time zone": ("'00:00:00'", "'12:34:56'"),
    "interval": ("'0'", "'1 day'", "'1 mon'", "'36:00:00'", "'-1 year'"),
    "uuid": (
        "'00000000-0000-0000-0000-000000000000'",
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    ),
    "bytea": ("'\\x'", "'\\x00'", "'\\xdeadbeef'"),
}
# What an expression of the column is, its length or scale forgotten.
BASE_TYPES = {
    "numeric(8,2)": "numeric",
    "character varying(5)": "text",
    "character(4)": "character",
}
_WEIGHTS = {"integer": 5, "text": 4, "numeric": 2, "bigint": 2, "boolean": 2, "date": 2}


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and its columns with their types, less the key `id` that each table has."""

    name: str
    columns: tuple[tuple[str, str], ...]
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables and the statements that make and fill them."""

    tables: tuple[Table, ...]
    statements: tuple[str, ...]


def make_schema(source: random.Random, number: int) -> Schema:
    """Three tables of up to forty rows, one of them sometimes empty; names carry `number`."""
    tables, statements = [], []
    for index in range(3):
        table = _make_table(source, f"t{number}_{index}")
        declared = ", ".join(f"{name} {kind}" for name, kind in table.columns)
        statements.append(f"CREATE TABLE {table.name} (id integer PRIMARY KEY, {declared})")
        if source.random() < 0.4:
            name = source.choice(table.columns)[0]
            statements.append(f"CREATE INDEX {table.name}_by_{name} ON {table.name} ({name})")
        rows = [_make_row(source, table, key) for key in range(source.choice((0, 3, 12, 12, 40)))]
        if rows:
            statements.append(f"INSERT INTO {table.name} VALUES {', '.join(rows)}")
        tables.append(replace(table, is_empty=not rows))
    return Schema(tuple(tables), tuple(statements))


def _make_table(source: random.Random, name: str) -> Table:
    kinds = list(COLUMN_VALUES)
    weights = [_WEIGHTS.get(kind, 1) for kind in kinds]
    chosen = source.choices(kinds, weights, k=source.randint(3, 6))
    columns = tuple((f"c{index}", kind) for index, kind in enumerate(["integer", *chosen]))
    return Table(name, columns)


def _make_row(source: random.Random, table: Table, key: int) -> str:
    values = [
        "NULL" if source.random() < 0.2 else source.choice(COLUMN_VALUES[kind])
        for _, kind in table.columns
    ]
    return f"({key}, {', '.join(values)})"
