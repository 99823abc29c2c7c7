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
    "jsonb": ("'{}'", "'{\"a\": 1, \"b\": [1, null]}'", "'[1, \"a\"]'", "'\"x\"'", "'1.50'", "'null'", "'{\"a\": {\"b\": true}}'"),
    "integer[]": ("'{}'", "'{1,2}'", "'{3,NULL}'", "'{2,2,1}'"),
    "text[]": ("'{}'", "'{a,b}'", "'{NULL,\"a b\"}'", "'{abc}'"),
    "int4range": ("'empty'", "'[1,3)'", "'(,5]'", "'[2,2]'", "'(,)'", "'[7,)'"),
    "daterange": ("'empty'", "'[2024-01-01,2024-02-01)'", "'[2024-02-29,)'"),
}  # fmt: skip
# What an expression of the column is, its length or scale forgotten.
BASE_TYPES = {
    "numeric(8,2)": "numeric",
    "character varying(5)": "text",
    "character(4)": "character",
}
_WEIGHTS = {"integer": 5, "text": 4, "numeric": 2, "bigint": 2, "boolean": 2, "date": 2}


# How a table is divided: the clause, and the bounds of its partitions.
_PARTS = (
    (" PARTITION BY HASH (id)", *(f"WITH (MODULUS 3, REMAINDER {rest})" for rest in range(3))),
    (" PARTITION BY RANGE (id)", "FROM (MINVALUE) TO (5)", "FROM (5) TO (MAXVALUE)"),
    (" PARTITION BY RANGE (id)", "FROM (-10) TO (10)", "FROM (10) TO (2000000000)"),
)


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


def make_schema(source: random.Random, number: int, *, has_heirs: bool = True) -> Schema:
    """Three tables of up to forty rows, one of them sometimes empty, some in partitions; names carry `number`.

    `has_heirs`: some have heirs, whose keys no index of the table holds.
    """
    tables: list[Table] = []
    statements: list[str] = []
    for index in range(3):
        table = _make_table(source, f"t{number}_{index}")
        declared = ", ".join(f"{name} {kind}" for name, kind in table.columns)
        created = f"CREATE TABLE {table.name} (id integer PRIMARY KEY, {declared})"
        parts = source.choice(_PARTS) if source.random() < 0.3 else ("",)
        statements.append(created + parts[0])
        statements += [
            f"CREATE TABLE {table.name}_{place} PARTITION OF {table.name} FOR VALUES {bounds}"
            for place, bounds in enumerate(parts[1:])
        ]
        if source.random() < 0.4:
            name = source.choice(table.columns)[0]
            statements.append(f"CREATE INDEX {table.name}_by_{name} ON {table.name} ({name})")
        rows = [_make_row(source, table, key) for key in range(source.choice((0, 3, 12, 12, 40)))]
        if rows:
            statements.append(f"INSERT INTO {table.name} VALUES {', '.join(rows)}")
        if has_heirs and len(parts) == 1 and source.random() < 0.15:
            heir = f"{table.name}_heir"
            rows = [_make_row(source, table, key) for key in range(100, 104)]
            statements.append(f"CREATE TABLE {heir} () INHERITS ({table.name})")
            statements.append(f"INSERT INTO {heir} VALUES {', '.join(rows)}")
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
