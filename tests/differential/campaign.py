"""A campaign: N random queries through both sides, each difference made as small as it will go."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.differential.compare import difference
from tests.differential.fragments import Fragment, pieces, shrink
from tests.differential.queries import Queries, Query
from tests.differential.schemas import Schema, make_schema
from tests.differential.sides import Answer, Side

QUERIES_PER_SCHEMA = 200
# What is said of a query that we do not answer in time.
SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Finding:
    """A query that the two sides answer differently."""

    seed: str
    setup: tuple[str, ...]
    sql: str
    what: str
    expected: Answer
    got: Answer

    def report(self) -> str:
        lines = [
            f"-- {self.what} ({self.seed})",
            self.sql,
            f"  PostgreSQL: {self.expected.summary()}",
        ]
        return "\n".join([*lines, f"  Lungfish:   {self.got.summary()}"])


# Makes so many statements of a seed and compares their answers: run(postgres, ours, count=, seed=).
Run = Callable[..., Iterator[Finding | None]]


def run_campaign(
    postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[Finding | None]:
    """One item for each query: what was found, or None. Query number n of a seed is always the same."""
    schema: Schema | None = None
    for number in range(first, first + count):
        if schema is None or number % QUERIES_PER_SCHEMA == 0:
            drop_schema(schema, postgres, ours)
            schema = fill_schema(seed, number // QUERIES_PER_SCHEMA, postgres, ours)
        query = Queries(random.Random(f"{seed}/query {number}"), schema).make()
        yield examine(postgres, ours, schema, query, f"--seed {seed} --first {number}")
    drop_schema(schema, postgres, ours)


def fill_schema(seed: int, group: int, *sides: Side, has_heirs: bool = True) -> Schema:
    """The tables of a group of queries, made and filled on both sides."""
    schema = make_schema(random.Random(f"{seed}/{group}"), group, has_heirs=has_heirs)
    for statement in schema.statements:
        for side in sides:
            answer = side.run(statement)
            assert answer.sqlstate is None, f"{statement}: {answer.summary()}"
    return schema


def drop_schema(schema: Schema | None, *sides: Side) -> None:
    for table in schema.tables if schema is not None else ():
        for side in sides:
            side.run(f"DROP TABLE {table.name} CASCADE")


def examine(postgres: Side, ours: Side, schema: Schema, query: Query, seed: str) -> Finding | None:
    """Compare one query, and shrink it where it differs."""

    def verdict(tree: Fragment) -> tuple[str | None, Answer, Answer]:
        sql = str(tree)
        expected, got = postgres.run(sql), ours.run(sql)
        if expected.sqlstate == "57014":
            # Too slow for the server's own limit: no answer to compare with.
            return None, expected, got
        if got.sqlstate == "57014":
            return SLOW, expected, got
        what = difference(expected, got, is_ordered=query.is_ordered, is_loose=query.is_loose)
        if what == "error" and expected.sqlstate and raises(postgres, tree, got.sqlstate):
            # Which of two errors in one statement is met first is nobody's promise.
            return None, expected, got
        return what, expected, got

    what, expected, got = verdict(query.tree)
    if what is None:
        return None
    if what == SLOW:
        # Each smaller one may be as slow.
        return Finding(seed, schema.statements, str(query.tree), what, expected, got)
    smallest = shrink(query.tree, lambda tree: verdict(tree)[0] == what)
    _, expected, got = verdict(smallest)
    return Finding(seed, schema.statements, str(smallest), what, expected, got)


def raises(postgres: Side, tree: Fragment, sqlstate: str | None) -> bool:
    """Whether a part of the query, asked alone, raises this error on the server."""
    parts = [part for part in pieces(tree) if part.kind.startswith("expression")]
    return any(postgres.run(f"SELECT {part}").sqlstate == sqlstate for part in parts)
