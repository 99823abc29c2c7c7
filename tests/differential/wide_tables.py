"""The parts of random queries of many forms: WITH, FROM, and queries that stand as tables in them; each FROM may hold any of them again.

WITH (also recursive), LATERAL, USING and nested joins, whole rows, VALUES, functions in FROM, DISTINCT, grouping, windows and set operations
below. What is made of the parts: `wide_queries.py`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.differential.expressions import Column
from tests.differential.fragments import Fragment, optional, text
from tests.differential.queries import Queries, columns_of
from tests.differential.schemas import BASE_TYPES, Schema
from tests.differential.wide_expressions import PLAIN, Names, WideExpressions, family_of

_JOINS = (
    " JOIN ",
    " JOIN ",
    " LEFT JOIN ",
    " LEFT JOIN ",
    " RIGHT JOIN ",
    " FULL JOIN ",
    " CROSS JOIN ",
)
ORDERS = ("", " DESC", " NULLS FIRST", " DESC NULLS LAST", " USING <", " USING > NULLS LAST")
_LIMITS = (
    "",
    "",
    " LIMIT 3",
    " LIMIT 5 OFFSET 2",
    " FETCH FIRST 2 ROWS WITH TIES",
    " OFFSET 1",
    " LIMIT (SELECT count(*) / 2 FROM {t})",
    " LIMIT NULL",
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a FROM clause brings in sight: columns, and aliases that may be named as rows."""

    columns: tuple[Column, ...] = ()
    rows: tuple[str, ...] = ()

    def __add__(self, other: Sight) -> Sight:
        return Sight(self.columns + other.columns, self.rows + other.rows)


class WideTables(Queries):
    """Makes the parts of queries over a schema of `wide_schemas.py`. Rows that are equal may be written in several ways."""

    def __init__(self, source: random.Random, schema: Schema) -> None:
        super().__init__(source, schema)
        self._names = Names()
        # Queries of WITH: their names and columns.
        self._with: list[tuple[str, tuple[Column, ...]]] = []

    # Expressions.

    def _over(
        self, sight: Sight, *, around: Sight = Sight(), has_subqueries: bool = True
    ) -> WideExpressions:
        tables = self.schema.tables if has_subqueries else ()
        seen = sight + around
        return WideExpressions(self.source, seen.columns, tables, self._names, seen.rows)

    def _kinds(self, most: int) -> list[str]:
        return self.source.choices(PLAIN, k=self.source.randint(1, most))

    # WITH.

    def _with_queries(self) -> Fragment:
        made: list[Fragment] = []
        is_recursive = self.source.random() < 0.35
        for _ in range(self.source.randint(1, 2)):
            name = self._names.fresh("q")
            inner, columns = (
                self._recursive(name) if is_recursive else self._table_query(Sight(), 0)
            )
            how = (
                ""
                if is_recursive
                else self.source.choice(("", " MATERIALIZED", " NOT MATERIALIZED"))
            )
            heads = ", ".join(column.name for column in columns)
            made.append(text(f"{name}({heads}) AS{how} (", inner, ")"))
            self._with.append((name, columns))
        word = "WITH RECURSIVE " if is_recursive else "WITH "
        parts: list[str | Fragment] = [word, made[0]]
        for each in made[1:]:
            parts += [", ", each]
        return text(*parts, " ")

    def _recursive(self, name: str) -> tuple[Fragment, tuple[Column, ...]]:
        """Steps up to four, so that it ends."""
        start, step = self.source.choice(self.schema.tables), self.source.choice(self.schema.tables)
        first = self._over(Sight(tuple(columns_of(start, "b"))), has_subqueries=False)
        known = (
            Column(f"{name}.x0", "integer"),
            Column(f"{name}.x1", "integer"),
            Column(f"{name}.x2", "text"),
        )
        next_ = self._over(Sight((*known, *columns_of(step, "n"))), has_subqueries=False)
        joined = self.source.choice((f"{step.name} AS n JOIN {name} ON n.id = {name}.x1 + 1", f"{name} LEFT JOIN {step.name} AS n ON n.c0 = {name}.x1",
                                     f"{name} CROSS JOIN (SELECT * FROM {step.name} WHERE id < 3) AS n"))  # fmt: skip
        tree = text(
            "SELECT 0, ", first.calm("integer", 1), ", ", first.calm("text", 1), f" FROM {start.name} AS b WHERE b.id < 6 UNION ",
            f"SELECT {name}.x0 + 1, ", next_.calm("integer", 1), ", ", next_.calm("text", 1), f" FROM {joined} WHERE {name}.x0 < 4",
            optional(" AND ", next_.calm("boolean", 1)),
        )  # fmt: skip
        return tree, tuple(replace(each, name=each.name.split(".")[1]) for each in known)

    # FROM.

    def _sources(self, around: Sight, depth: int) -> tuple[Fragment, Sight]:
        """The text after FROM and what it brings in sight. `around`: what subqueries may be correlated with."""
        tree, sight = self._operand(around, depth)
        parts: list[str | Fragment] = [tree]
        for _ in range(self.source.choice((0, 0, 1, 1, 1, 2))):
            if self.source.random() < 0.15:
                other, more = self._lateral_query(sight + around, depth)
                word = self.source.choice((" LEFT JOIN LATERAL ", " JOIN LATERAL "))
                condition: Fragment | str = text(
                    " ON ", optional_true(self._over(sight + more, has_subqueries=False))
                )
                parts += [word, other, condition]
                sight += more
                continue
            other, more = self._operand(around, depth)
            joined, sight = self._joined(sight, other, more)
            parts.append(joined)
        return text(*parts), sight

    def _operand(self, around: Sight, depth: int) -> tuple[Fragment, Sight]:
        number = self.source.random()
        if number < 0.12 and depth > 0:
            left, sight = self._operand(around, depth - 1)
            right, more = self._operand(around, depth - 1)
            joined, sight = self._joined(sight, right, more)
            return text("(", left, joined, ")"), sight
        if number < 0.30 and depth > 0:
            alias = self._names.fresh("a")
            inner, columns = self._table_query(Sight(), depth - 1)
            heads = ", ".join(column.name for column in columns)
            return text("(", inner, f") AS {alias}({heads})"), _seen(alias, columns)
        if number < 0.36:
            return self._listed_rows()
        if number < 0.42 and depth > 0:
            return self._using(around)
        if self._with and number < 0.75:
            name, columns = self.source.choice(self._with)
            alias = self._names.fresh("a")
            return text(f"{name} AS {alias}"), _seen(alias, columns)
        table = self.source.choice(self.schema.tables)
        alias = self._names.fresh("a")
        return text(f"{table.name} AS {alias}"), Sight(tuple(columns_of(table, alias)), (alias,))

    def _listed_rows(self) -> tuple[Fragment, Sight]:
        alias = self._names.fresh("a")
        form = self.source.randrange(4)
        if form == 0:
            written = "generate_series(-1, 3)"
            return text(f"{written} AS {alias}(x0)"), Sight((Column(f"{alias}.x0", "integer"),))
        if form == 1:
            columns = (Column("x0", "integer"), Column("x1", "bigint"))
            return text(f"unnest(ARRAY[3, NULL, 1, 1]) WITH ORDINALITY AS {alias}(x0, x1)"), _seen(
                alias, columns
            )
        columns = (Column("x0", "integer"), Column("x1", "text"), Column("x2", "numeric"))
        rows = self.source.choice(
            (
                "(1, 'a', 1.0), (2, NULL, 2.5), (NULL, 'b', NULL)",
                "(0, 'abc', 1::numeric)",
                "(1, NULL::text, 1.00), (1, 'a', 1)",
            )
        )
        return text(f"(VALUES {rows}) AS {alias}(x0, x1, x2)"), _seen(alias, columns)

    def _using(self, around: Sight) -> tuple[Fragment, Sight]:
        """Two tables joined by names; the merged columns have an alias."""
        one, other = self.source.choice(self.schema.tables), self.source.choice(self.schema.tables)
        left, right, merged = (self._names.fresh(each) for each in ("a", "a", "j"))
        shared = [("id", "integer"), *(column for column in one.columns if column in other.columns)]
        chosen = self.source.sample(shared, min(len(shared), self.source.randint(1, 2)))
        word = self.source.choice((" JOIN ", " LEFT JOIN ", " FULL JOIN ", " RIGHT JOIN "))
        names = ", ".join(name for name, _ in chosen)
        sight = Sight((*columns_of(one, left), *columns_of(other, right)), (left, right))
        sight += Sight(
            tuple(Column(f"{merged}.{name}", BASE_TYPES.get(kind, kind)) for name, kind in chosen)
        )
        return text(
            f"({one.name} AS {left}{word}{other.name} AS {right} USING ({names}) AS {merged})"
        ), sight

    def _joined(self, left: Sight, right: Fragment, more: Sight) -> tuple[Fragment, Sight]:
        word = self.source.choice(_JOINS)
        both = left + more
        if word == " CROSS JOIN ":
            return text(word, right), both
        pairs = [
            (one, other)
            for one in left.columns
            for other in more.columns
            if other.type in family_of(one.type)
        ]
        condition: Fragment = text("true")
        if pairs:
            one, other = self.source.choice(pairs)
            condition = text(f"{one.name} = {other.name}")
        if word != " FULL JOIN " and self.source.random() < 0.45:
            condition = text(condition, optional(" AND ", self._over(both).calm("boolean", 2)))
            if self.source.random() < 0.2:
                condition = self._over(both).calm("boolean", 2)
        return text(word, right, " ON ", condition), both

    def _lateral_query(self, around: Sight, depth: int) -> tuple[Fragment, Sight]:
        alias = self._names.fresh("a")
        inner, columns = self._table_query(around, max(0, depth - 1))
        heads = ", ".join(column.name for column in columns)
        return text("(", inner, f") AS {alias}({heads})"), _seen(alias, columns)

    # Queries as tables.

    def _table_query(self, around: Sight, depth: int) -> tuple[Fragment, tuple[Column, ...]]:
        """A query with columns x0, x1, x2 of plain types, whose rows are the same however it is run."""
        kinds = ["integer", *self._kinds(2)]
        columns = tuple(Column(f"x{index}", kind) for index, kind in enumerate(kinds))
        match self.source.randrange(6):
            case 0:
                return self._grouped_rows(around, kinds, depth), columns
            case 1:
                parts = [
                    self._plain_rows(around, kinds, depth),
                    self._plain_rows(around, kinds, depth),
                ]
                word = self.source.choice(
                    (" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL ")
                )
                return text(parts[0], word, parts[1], self._ended(kinds)), columns
            case 2:
                return self._windowed_rows(around, kinds, depth), columns
            case _:
                distinct = self.source.choice(("", "", "DISTINCT "))
                tree = self._plain_rows(around, kinds, depth, distinct)
                return text(tree, self._ended(kinds)), columns

    def _plain_rows(
        self, around: Sight, kinds: Sequence[str], depth: int, distinct: str = ""
    ) -> Fragment:
        tree, sight = self._sources(around, depth)
        expressions = self._over(sight, around=around)
        items = [expressions.calm(kind, 2) for kind in kinds]
        return text(
            f"SELECT {distinct}", commas(items), " FROM ", tree, self._filtered(expressions)
        )

    def _grouped_rows(self, around: Sight, kinds: Sequence[str], depth: int) -> Fragment:
        """Groups by the first type's expressions, with aggregates of the other types."""
        tree, sight = self._sources(around, depth)
        expressions = self._over(sight, around=around)
        key = self._key(sight, kinds[0])
        items = [key, *(text("max(", expressions.calm(kind, 1), ")") if kind != "boolean" else text("bool_or(", expressions.calm(kind, 1), ")") for kind in kinds[1:])]  # fmt: skip
        having = optional(
            " HAVING ",
            self._over(sight, around=around).source.choice(
                ("count(*) > 1", "max(1) = 1", "count(*) < 3")
            ),
        )
        return text(
            "SELECT ",
            commas(items),
            " FROM ",
            tree,
            self._filtered(expressions),
            " GROUP BY ",
            str(key),
            having,
        )

    def _windowed_rows(self, around: Sight, kinds: Sequence[str], depth: int) -> Fragment:
        tree, sight = self._sources(around, depth)
        expressions = self._over(sight, around=around)
        calls = {
            "integer": "max(<integer>)",
            "bigint": "sum(<integer>)",
            "text": "min(<text>)",
            "boolean": "bool_or(<boolean>)",
        }
        items = [expressions.calm(kinds[0], 1)]
        for kind in kinds[1:]:
            template = calls.get(kind, f"max(<{kind}>)")
            partition = optional("PARTITION BY ", expressions.calm(self.source.choice(PLAIN), 1))
            items.append(text(*self._filled(template, expressions), " OVER (", partition, ")"))
        return text("SELECT ", commas(items), " FROM ", tree, self._filtered(expressions))

    def _key(self, sight: Sight, kind: str) -> Fragment:
        """A key that names a column, if one is there: constants are not keys as other expressions are."""
        found = [column.name for column in sight.columns if column.type == kind]
        if found and self.source.random() < 0.6:
            return text(self.source.choice(found))
        if found:
            other = self._over(sight, has_subqueries=False).calm(kind, 1)
            return text(f"coalesce({self.source.choice(found)}, ", other, ")")
        return text(f"(nullif({sight.columns[0].name}, {sight.columns[0].name}) IS NULL)::text::{kind}") if kind == "boolean" else text(
            f"(CASE WHEN {sight.columns[0].name} IS NULL THEN NULL::{kind} ELSE ", self._over(Sight(), has_subqueries=False).calm(kind, 0), " END)")  # fmt: skip

    def _filtered(self, expressions: WideExpressions) -> Fragment:
        if self.source.random() < 0.3:
            return text("")
        return optional(" WHERE ", expressions.calm("boolean", 3))

    def _ended(self, kinds: Sequence[str], *, has_using: bool = True) -> Fragment:
        """ORDER BY all columns with a limit, perhaps; as a piece that may be left out."""
        if self.source.random() < 0.6:
            return text("")
        keys = ", ".join(
            f"{index + 1}{self.source.choice(ORDERS if kind != 'boolean' else ORDERS[:4])}"
            for index, kind in enumerate(kinds)
        )
        limit = self.source.choice(_LIMITS).format(t=self.source.choice(self.schema.tables).name)
        if "WITH TIES" in limit and self.source.random() < 0.7:
            limit = " FETCH FIRST 3 ROWS ONLY"
        return optional(f" ORDER BY {keys}{limit}")


def _seen(alias: str, columns: Sequence[Column]) -> Sight:
    return Sight(tuple(replace(column, name=f"{alias}.{column.name}") for column in columns))


def commas(items: Sequence[Fragment]) -> Fragment:
    parts: list[str | Fragment] = []
    for item in items:
        parts += [", ", item] if parts else [item]
    return text(*parts)


def optional_true(expressions: WideExpressions) -> Fragment:
    """A condition that may become `true`."""
    return Fragment((expressions.calm("boolean", 1),), "expression boolean", ("true",))
