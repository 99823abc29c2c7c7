"""Random short statements by keys and ranges of indexes, each asked several times with other values.

What is asked again is ready: it runs its plan without values in it, in compiled code where there is some (see "Short statements" in
docs/architecture.md). PostgreSQL gets each statement with the values written into it; we get it as one text with parameters, or with
literals, which share a text too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from tests.differential.campaign import Finding, drop_schema
from tests.differential.compare import difference
from tests.differential.expressions import Column
from tests.differential.queries import columns_of
from tests.differential.schemas import Schema, Table
from tests.differential.sides import Answer, LungfishSide, Side
from tests.differential.wide_schemas import VALUES, make_wide_schema

STATEMENTS_PER_SCHEMA = 100
TIMES = 4
_RANGES = (" < ", " <= ", " > ", " >= ")
# Types of which a value has one form: their columns may be sorted by before LIMIT.
_SORTED = ("integer", "bigint", "smallint", "text", "date", "boolean", "uuid", "bytea")
_PYTHON: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("integer", "bigint", "smallint", "limit"), int), "text": str, "numeric": Decimal,
    "double precision": float, "boolean": "true".__eq__, "date": date.fromisoformat,
}  # fmt: skip


@dataclass(slots=True)
class _Text:
    """A statement with `{n}` for its values, and the types of these."""

    text: str = ""
    types: list[str] = field(default_factory=list)

    def value(self, kind: str) -> str:
        """The place of one more value."""
        self.types.append(kind)
        return f"{{{len(self.types) - 1}}}"


class ShortStatements:
    """Makes statements over one schema."""

    def __init__(self, source: random.Random, schema: Schema) -> None:
        self.source = source
        self.tables = [table for table in schema.tables if not table.name.endswith("_v")]

    def make(self) -> tuple[_Text, bool]:
        """A statement, and whether its rows come in a known order."""
        made = _Text()
        table = self.source.choice(self.tables)
        match self.source.randrange(8):
            case 0:
                made.text = self._update(table, made)
                return made, False
            case 1:
                where = self._where(table, made)
                made.text = f"DELETE FROM {table.name}{where} RETURNING id, c0"
                return made, False
            case _:
                made.text, is_ordered = self._select(table, made)
                return made, is_ordered

    def _select(self, table: Table, made: _Text) -> tuple[str, bool]:
        columns = columns_of(table, "t")
        items = self.source.choice(
            ("*", "id", "count(*), min(id), max(c0)", "c0 + 1 AS x, id", "id, c0, c1", "max(id)")
        )
        where = self._where(table, made)
        ending, is_ordered = "", False
        if "(" not in items and self.source.random() < 0.5:
            ending, is_ordered = self._order(columns, made), True
        return f"SELECT {items} FROM {table.name} AS t{where}{ending}", is_ordered

    def _order(self, columns: Sequence[Column], made: _Text) -> str:
        keys = [column.name for column in columns if column.type in _SORTED]
        chosen = self.source.sample(keys, min(len(keys), self.source.randint(0, 2)))
        ways = ("", " DESC", " NULLS FIRST", " DESC NULLS LAST")
        way = self.source.choice(ways)
        written = [f"{key}{self.source.choice((way, self.source.choice(ways)))}" for key in chosen]
        written.append(f"t.id{self.source.choice(('', ' DESC'))}")
        limit = ""
        if self.source.random() < 0.5:
            limit = f" LIMIT {made.value('limit')}"
            if self.source.random() < 0.4:
                limit += f" OFFSET {made.value('limit')}"
        return f" ORDER BY {', '.join(written)}{limit}"

    def _update(self, table: Table, made: _Text) -> str:
        name, kind = self.source.choice(table.columns)
        value = made.value(kind)
        if kind == "integer" and self.source.random() < 0.5:
            value = f"{name} % 1000 + 1"
            made.types.pop()
        where = self._where(table, made)
        return f"UPDATE {table.name} AS t SET {name} = {value}{where} RETURNING *"

    def _where(self, table: Table, made: _Text) -> str:
        if self.source.random() < 0.1:
            return ""
        columns = [("id", "integer"), ("id", "integer"), *table.columns]
        count = self.source.choice((1, 1, 2, 2, 3))
        parts = [self._condition(*self.source.choice(columns), made) for _ in range(count)]
        return f" WHERE {' AND '.join(parts)}"

    def _condition(self, name: str, kind: str, made: _Text) -> str:
        form = self.source.random()
        if form < 0.45:
            return f"{name} = {made.value(kind)}"
        if form < 0.65:
            return f"{name}{self.source.choice(_RANGES)}{made.value(kind)}"
        if form < 0.75:
            return f"{name} BETWEEN {made.value(kind)} AND {made.value(kind)}"
        if form < 0.85:
            return f"{name} IN ({made.value(kind)}, {made.value(kind)}, {made.value(kind)})"
        if form < 0.9 and not kind.endswith("[]"):
            return f"{name} = ANY (ARRAY[{made.value(kind)}, {made.value(kind)}]::{kind}[])"
        if form < 0.94 and kind == "integer":
            return f"coalesce({name}, 0) = {made.value(kind)}"
        if form < 0.97 and kind == "integer":
            return f"{name} % 10 = {made.value(kind)}"
        if form < 0.98:
            return f"{name} IS DISTINCT FROM {made.value(kind)}"
        return f"{name} {self.source.choice(('IS NULL', 'IS NOT NULL'))}"


def run_short(
    postgres: Side, ours: Side, *, count: int, seed: int, first: int = 0
) -> Iterator[Finding | None]:
    """One item for each statement, asked `TIMES` times. A run begins with the first statement of a schema, since tables change."""
    assert isinstance(ours, LungfishSide)
    first -= first % STATEMENTS_PER_SCHEMA
    schema: Schema | None = None
    for number in range(first, first + count):
        if number % STATEMENTS_PER_SCHEMA == 0:
            drop_schema(schema, postgres, ours)
            group = number // STATEMENTS_PER_SCHEMA
            schema = make_wide_schema(random.Random(f"{seed}/short {group}"), group)
            for statement in schema.statements:
                for side in (postgres, ours):
                    answer = side.run(statement)
                    assert answer.sqlstate is None, f"{statement}: {answer.summary()}"
        assert schema is not None
        source = random.Random(f"{seed}/short statement {number}")
        finding = _compare(postgres, ours, ShortStatements(source, schema))
        if finding is not None:
            name = f"--short --seed {seed} --first {number}"
            finding = replace(finding, seed=name, setup=schema.statements)
        yield finding
    drop_schema(schema, postgres, ours)


def _compare(postgres: Side, ours: LungfishSide, statements: ShortStatements) -> Finding | None:
    made, is_ordered = statements.make()
    has_parameters = statements.source.random() < 0.6
    for _ in range(TIMES):
        values = [_value(statements.source, kind) for kind in made.types]
        sql = made.text.format(*values)
        expected = postgres.run(sql)
        got = _asked(ours, made, values) if has_parameters else ours.run(sql)
        what = difference(expected, got, is_ordered=is_ordered, is_loose=True)
        if what is not None:
            return Finding("", (), sql, what, expected, got)
    return None


def _asked(ours: LungfishSide, made: _Text, values: Sequence[str]) -> Answer:
    """The answer to the statement with parameters; of types that Python has not, as texts that it casts."""
    places = ["?" if kind in _PYTHON else f"CAST(? AS {kind})" for kind in made.types]
    given = [
        None if value == "NULL" else _PYTHON.get(kind, str)(value.strip("'"))
        for kind, value in zip(made.types, values, strict=True)
    ]
    return ours.run(made.text.format(*places), given)


def _value(source: random.Random, kind: str) -> str:
    if kind == "limit":
        return source.choice(("0", "1", "3", "20"))
    if source.random() < 0.07:
        return "NULL"
    return source.choice([value for value in VALUES[kind] if value != "NULL"])
