"""Random tables for `wide_queries.py`: values that are equal and written otherwise, keys of every type, and indexes of every form.

Each table has the key `id`; its other columns are c0, c1, ... as in `schemas.py`, so that USING finds names on both sides.
"""

from __future__ import annotations

import random
from dataclasses import replace

from tests.differential.schemas import COLUMN_VALUES, Schema, Table

# Beside those of `schemas.py`: equal values of different forms, and the ends of ranges.
_MORE_VALUES: dict[str, tuple[str, ...]] = {
    "numeric": ("1.00", "0.0", "'NaN'", "2.5"),
    "double precision": ("'-0'", "'NaN'", "'Infinity'", "'-Infinity'"),
    "real": ("'-0'", "'NaN'", "1"),
    "interval": ("'30 days'", "'24:00:00'", "'1 mon -30 days'", "'-12 mons'"),
    "text": ("'a '", "'B'", "NULL"),
    "character(4)": ("'a  '", "''"),
    "jsonb": ("'1.5'", "'[1.0, \"a\"]'", "'{\"b\": [1.0, null], \"a\": 1.0}'"),
    "integer[]": ("'{2,2,1}'", "'{NULL}'", "'[0:1]={1,2}'"),
    "int4range": ("'[1,2]'", "'(0,3)'"),
    "bigint": ("2147483648",),
    "integer": ("4", "5"),
}  # fmt: skip
VALUES = {kind: values + _MORE_VALUES.get(kind, ()) for kind, values in COLUMN_VALUES.items()}
_WEIGHTS = {"integer": 4, "text": 3, "numeric": 2, "bigint": 2, "double precision": 2, "date": 2}
_SIZES = (0, 1, 3, 12, 12, 40, 40)
_PARTS = (
    ("HASH (id)", tuple(f"FOR VALUES WITH (MODULUS 3, REMAINDER {rest})" for rest in range(3))),
    ("RANGE (id)", ("FOR VALUES FROM (MINVALUE) TO (5)", "FOR VALUES FROM (5) TO (20)", "DEFAULT")),
    ("LIST (id)", ("FOR VALUES IN (0, 1, 2, 3)", "FOR VALUES IN (4, 7)", "DEFAULT")),
)
# Templates of indexes: {t} the table, {n} a number, {a} and {b} columns of it.
_INDEXES = (
    "CREATE INDEX {t}_i{n} ON {t} ({a})",
    "CREATE INDEX {t}_i{n} ON {t} ({a}, {b})",
    "CREATE INDEX {t}_i{n} ON {t} ({a} DESC)",
    "CREATE INDEX {t}_i{n} ON {t} ({a} DESC NULLS LAST, {b} ASC NULLS FIRST)",
    "CREATE INDEX {t}_i{n} ON {t} ({a} NULLS FIRST)",
    "CREATE INDEX {t}_i{n} ON {t} ({a}) WHERE {b} IS NOT NULL",
    "CREATE INDEX {t}_i{n} ON {t} ({a}) WHERE c0 > 1",
    "CREATE INDEX {t}_i{n} ON {t} (({a} IS NULL), {b})",
    "CREATE INDEX {t}_i{n} ON {t} ((c0 % 10), {a})",
    "CREATE INDEX {t}_i{n} ON {t} ((coalesce(c0, 0)), id DESC)",
    "CREATE INDEX {t}_i{n} ON {t} ({a}) INCLUDE ({b})",
    "CREATE UNIQUE INDEX {t}_i{n} ON {t} (id, {a})",
    "CREATE INDEX {t}_i{n} ON {t} (c0, id)",
)
_VIEWS = (
    "CREATE VIEW {t}_v AS SELECT * FROM {t}",
    "CREATE VIEW {t}_v AS SELECT * FROM {t} WHERE c0 IS NOT NULL",
    "CREATE VIEW {t}_v AS SELECT * FROM {t} UNION ALL SELECT * FROM {t} WHERE id < 3",
    "CREATE VIEW {t}_v AS SELECT * FROM {t} WHERE id IN (SELECT c0 FROM {t}) OR c0 = 1",
    "CREATE VIEW {t}_v AS SELECT a.* FROM {t} AS a LEFT JOIN {t} AS b ON a.id = b.c0",
    "CREATE VIEW {t}_v AS SELECT * FROM {t} ORDER BY c0, id LIMIT 7",
)


def make_wide_schema(source: random.Random, number: int) -> Schema:
    """Four tables, some empty, some in partitions, and a view over each; names carry `number`."""
    tables: list[Table] = []
    statements: list[str] = []
    for index in range(4):
        table = _make_table(source, f"w{number}_{index}")
        statements += _creation(source, table)
        rows = [_make_row(source, table, key) for key in range(source.choice(_SIZES))]
        if rows:
            statements.append(f"INSERT INTO {table.name} VALUES {', '.join(rows)}")
        if source.random() < 0.5:
            statements.append(f"ANALYZE {table.name}")
        statements.append(source.choice(_VIEWS).format(t=table.name))
        tables += [replace(table, is_empty=not rows), replace(table, name=f"{table.name}_v")]
    return Schema(tuple(tables), tuple(statements))


def is_index(statement: str) -> bool:
    """Whether a statement of a schema makes nothing but an index."""
    return statement.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))


def _make_table(source: random.Random, name: str) -> Table:
    kinds = list(VALUES)
    weights = [_WEIGHTS.get(kind, 1) for kind in kinds]
    chosen = source.choices(kinds, weights, k=source.randint(3, 6))
    return Table(
        name, tuple((f"c{index}", kind) for index, kind in enumerate(["integer", *chosen]))
    )


def _creation(source: random.Random, table: Table) -> list[str]:
    declared = ", ".join(f"{name} {kind}" for name, kind in table.columns)
    created = f"CREATE TABLE {table.name} (id integer PRIMARY KEY, {declared})"
    statements = [created]
    if source.random() < 0.3:
        clause, bounds = source.choice(_PARTS)
        statements = [f"{created} PARTITION BY {clause}"]
        statements += [
            f"CREATE TABLE {table.name}_{place} PARTITION OF {table.name} {each}"
            for place, each in enumerate(bounds)
        ]
    for number in range(source.choice((0, 1, 2, 3))):
        a, b = source.sample([name for name, _ in table.columns], 2)
        statements.append(source.choice(_INDEXES).format(t=table.name, n=number, a=a, b=b))
    return statements


def _make_row(source: random.Random, table: Table, key: int) -> str:
    nulls = source.choice((0.1, 0.1, 0.6))
    values = [
        "NULL" if source.random() < nulls else source.choice(VALUES[kind])
        for _, kind in table.columns
    ]
    return f"({key}, {', '.join(values)})"
