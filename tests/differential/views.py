"""Random queries as views: what pg_get_viewdef gives of them on both sides, before and after columns of their tables are renamed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.differential.campaign import QUERIES_PER_SCHEMA, drop_schema, fill_schema
from tests.differential.queries import Queries
from tests.differential.schemas import Schema
from tests.differential.sides import Side

# The plain form, the pretty one, and lines of at most sixty characters.
FORMS = ("", ", true", ", 60")


def run_views(
    postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[str]:
    """What differs, as a text, one for each view that does. View number n of a seed is always the same."""
    schema: Schema | None = None
    for number in range(first, first + count):
        if schema is None or number % QUERIES_PER_SCHEMA == 0:
            drop_schema(schema, postgres, ours)
            schema = fill_schema(seed, number // QUERIES_PER_SCHEMA, postgres, ours)
        source = random.Random(f"{seed}/view {number}")
        query = str(Queries(source, schema).make().tree)
        what = _examine(postgres, ours, schema, query, source)
        if what is not None:
            yield f"-- {what} (--seed {seed} --first {number})\n{query}"
        for side in (postgres, ours):
            side.run("DROP VIEW IF EXISTS shown")
    drop_schema(schema, postgres, ours)


def compare_view(postgres: Side, ours: Side, name: str) -> str | None:
    """How the two sides' texts of a view differ; None if they do not."""
    for form in FORMS:
        sql = f"SELECT pg_get_viewdef('{name}'::regclass{form})"
        expected, got = postgres.run(sql), ours.run(sql)
        if expected.rows != got.rows:
            return f"PostgreSQL: {expected.summary()}\n  Lungfish:   {got.summary()}"
    return None


def create_view(postgres: Side, ours: Side, name: str, query: str) -> str | None:
    """Make the view on both sides, its columns numbered; what our side says if only that refuses. None if there is none."""
    described = postgres.run(f"SELECT * FROM ({query}) AS described LIMIT 0")
    if described.sqlstate is not None:
        return None
    columns = ", ".join(f"c{number}" for number in range(1, len(described.columns or ()) + 1))
    sql = (
        f"CREATE VIEW {name}({columns}) AS {query}" if columns else f"CREATE VIEW {name} AS {query}"
    )
    expected, got = postgres.run(sql), ours.run(sql)
    if expected.sqlstate is not None:
        ours.run(f"DROP VIEW IF EXISTS {name}")
        return None
    return got.summary() if got.sqlstate is not None else None


def _examine(
    postgres: Side, ours: Side, schema: Schema, query: str, source: random.Random
) -> str | None:
    refused = create_view(postgres, ours, "shown", query)
    if refused is not None:
        # Refusals are the other campaign's affair.
        return None
    what = compare_view(postgres, ours, "shown")
    if what is not None:
        return what
    table = source.choice(schema.tables)
    column = source.choice(table.columns)[0]
    there = f"ALTER TABLE {table.name} RENAME COLUMN {column} TO renamed"
    back = f"ALTER TABLE {table.name} RENAME COLUMN renamed TO {column}"
    for statement in (there, back):
        expected, got = postgres.run(statement), ours.run(statement)
        assert expected.sqlstate is None, expected.summary()
        if got.sqlstate is not None:
            postgres.run(back)
            return f"{statement}: {got.summary()}"
        what = what or compare_view(postgres, ours, "shown")
    return what
