"""Campaigns of wide queries: against PostgreSQL, or without it, our own forms of one query against one another.

python -m tests.differential --wide --queries 5000 --seed 1
python -m tests.differential --forms --queries 5000 --seed 1
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.differential.campaign import SLOW, Finding, drop_schema, examine
from tests.differential.compare import difference
from tests.differential.forms import BareSide, FormSide, all_forms, choose_form
from tests.differential.fragments import Fragment, shrink
from tests.differential.queries import Query
from tests.differential.schemas import Schema
from tests.differential.sides import Answer, Side
from tests.differential.wide_queries import WideQueries
from tests.differential.wide_schemas import make_wide_schema

QUERIES_PER_SCHEMA = 100
# What a query over these few rows may take.
SLOW_S = 4.0


def run_wide(
    postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[Finding | None]:
    """Each query to PostgreSQL as it is, to us in some form. Query number n of a seed is always the same."""
    with TemporaryDirectory() as folder:
        bare = BareSide(Path(folder) / "bare.db")
        sides = (FormSide(ours), FormSide(bare))
        for number, schema, query in _queries(seed, first, count, postgres, *sides):
            source = random.Random(f"{seed}/form {number}")
            side = source.choice(sides)
            choose_form(side, source)
            started = time.monotonic()
            finding = examine(postgres, side, schema, query, _name("wide", seed, number, side))
            seconds = time.monotonic() - started
            if finding is None and seconds > SLOW_S:
                finding = _if_slow(postgres, side, schema, query, _name("wide", seed, number, side))
            yield finding
        bare.close()


def run_forms(
    _postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[Finding | None]:
    """Each query in all forms, each compared with the first."""
    with TemporaryDirectory() as folder:
        bare = BareSide(Path(folder) / "bare.db")
        sides = (FormSide(ours), FormSide(bare))
        for number, schema, query in _queries(seed, first, count, *sides):
            yield _disagreement(sides, schema, query, (seed, number))
        bare.close()


def _queries(
    seed: int, first: int, count: int, *sides: Side
) -> Iterator[tuple[int, Schema, Query]]:
    schema: Schema | None = None
    for number in range(first, first + count):
        if schema is None or number % QUERIES_PER_SCHEMA == 0:
            drop_schema(schema, *sides)
            group = number // QUERIES_PER_SCHEMA
            schema = make_wide_schema(random.Random(f"{seed}/wide {group}"), group)
            for statement in schema.statements:
                for side in sides:
                    answer = side.run(statement)
                    assert answer.sqlstate is None, f"{statement}: {answer.summary()}"
        yield (
            number,
            schema,
            WideQueries(random.Random(f"{seed}/wide query {number}"), schema).make(),
        )
    drop_schema(schema, *sides)


def _name(word: str, seed: int, number: int, side: FormSide) -> str:
    without = f" without {', '.join(sorted(side.without))}" if side.form == "unruled" else ""
    return f"--{word} --seed {seed} --first {number}, {side.form}{without}"


def _disagreement(
    sides: tuple[FormSide, ...], schema: Schema, query: Query, where: tuple[int, int]
) -> Finding | None:
    plain = sides[0]
    plain.form = "plain"
    expected = plain.run(str(query.tree))
    for side in all_forms(sides, random.Random(f"{where[0]}/form {where[1]}")):
        form = side.form

        def verdict(
            tree: Fragment, side: FormSide = side, form: str = form
        ) -> tuple[str | None, Answer, Answer]:
            plain.form = "plain"
            known = plain.run(str(tree))
            side.form = form
            got = side.run(str(tree))
            what = difference(known, got, is_ordered=query.is_ordered, is_loose=query.is_loose)
            return what, known, got

        got = side.run(str(query.tree))
        what = difference(expected, got, is_ordered=query.is_ordered, is_loose=query.is_loose)
        if what is None:
            continue
        smallest = shrink(query.tree, lambda tree: verdict(tree)[0] == what)  # noqa: B023
        name = _name("forms", *where, side)
        _, known, got = verdict(smallest)
        return Finding(name, schema.statements, str(smallest), what, known, got)
    return None


def _if_slow(
    postgres: Side, side: FormSide, schema: Schema, query: Query, name: str
) -> Finding | None:
    """The query as a finding if it is much slower here than there."""
    sql = str(query.tree)
    times = []
    answers = []
    for each in (postgres, side):
        started = time.monotonic()
        answers.append(each.run(sql))
        times.append(time.monotonic() - started)
    if times[1] < SLOW_S or times[1] < 20 * times[0]:
        return None
    slow = replace(answers[1], tag=f"{answers[1].tag} in {times[1]:.1f} s against {times[0]:.3f} s")
    return Finding(name, schema.statements, sql, SLOW, answers[0], slow)
