"""Random queries over the tables of `schemas.py`: joins, grouping, subqueries, set operations, windows, limits."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.differential.expressions import NUMBERS, Column, Expressions
from tests.differential.fragments import Fragment, listed, optional, text
from tests.differential.schemas import BASE_TYPES, Schema, Table
from tests.differential.templates import pieces_of

_COLUMN = re.compile(r"\b(?:a\d+|l)\.\w")
# Types of which equal values are written in one way: where they alone are sorted by, the order of rows is known.
_EXACT = ("integer", "bigint", "smallint", "text", "boolean", "date", "uuid", "bytea",
          "timestamp without time zone", "timestamp with time zone", "time without time zone")  # fmt: skip
_ANY = (
    *_EXACT,
    "numeric",
    "double precision",
    "interval",
    "character",
    "real",
    "jsonb",
    "integer[]",
    "text[]",
    "int4range",
    "daterange",
)
_AGGREGATES = (
    ("count(<any>)", "bigint"), ("count(DISTINCT <any>)", "bigint"), ("sum(<integer>)", "bigint"), ("sum(<numeric>)", "numeric"),
    ("avg(<integer>)", "numeric"), ("avg(<numeric>)", "numeric"), ("min(<same>)", "same"), ("max(<same>)", "same"), ("bool_and(<boolean>)", "boolean"),
    ("bool_or(<boolean>)", "boolean"), ("string_agg(<text>, ',' ORDER BY <text>)", ""), ("sum(<double precision>)", "double precision"),
    ("stddev(<integer>)", "numeric"), ("var_pop(<numeric>)", "numeric"), ("corr(<integer>, <integer>)", "double precision"),
    ("percentile_disc(0.5) WITHIN GROUP (ORDER BY <integer>)", "integer"), ("regr_slope(<integer>, <integer>)", "double precision"),
    ("sum(DISTINCT <integer>)", "bigint"), ("count(*)", "bigint"), ("mode() WITHIN GROUP (ORDER BY <boolean>)", "boolean"),
    ("percentile_cont(0.25) WITHIN GROUP (ORDER BY <integer>)", "double precision"), ("bit_and(<integer>)", "integer"),
    ("array_agg(<integer> ORDER BY <integer>)", ""), ("array_agg(DISTINCT <text> ORDER BY <text>)", ""), ("jsonb_agg(<text> ORDER BY <text>)", ""),
    ("json_agg(<integer> ORDER BY <integer>)", ""), ("jsonb_object_agg(coalesce(<text>, 'n'), 1)", ""), ("range_intersect_agg(<int4range>)", ""),
    ("rank(3) WITHIN GROUP (ORDER BY <integer>)", ""), ("dense_rank('b') WITHIN GROUP (ORDER BY <text>)", ""), ("min(<integer[]>)", ""),
    ("percent_rank(1) WITHIN GROUP (ORDER BY <integer> DESC)", ""), ("cume_dist(2, 'a') WITHIN GROUP (ORDER BY <integer>, <text>)", ""),
    ("percentile_disc(ARRAY[0.2, 0.8]) WITHIN GROUP (ORDER BY <integer>)", ""), ("mode() WITHIN GROUP (ORDER BY <text>)", ""), ("bit_xor(<integer>)", ""),
    ("percentile_cont(0.5) WITHIN GROUP (ORDER BY <interval>)", ""), ("variance(<numeric>)", ""), ("covar_pop(<integer>, <integer>)", "double precision"),
    ("regr_r2(<integer>, <integer>)", "double precision"), ("regr_count(<integer>, <integer>)", ""), ("max(<int4range>)", ""), ("avg(<interval>)", "interval"),
    ("count(DISTINCT <jsonb>)", ""), ("count(DISTINCT <int4range>)", ""),
    ("bit_or(<integer>)", "integer"), ("every(<boolean>)", "boolean"), ("sum(<bigint>)", "numeric"), ("sum(<interval>)", "interval"),
)  # fmt: skip
_WINDOWED = (
    "row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(3)", "lag(<integer>)", "lead(<text>, 2, 'none')",
    "first_value(<integer>)", "last_value(<integer>)", "nth_value(<text>, 2)", "sum(<integer>)", "count(*)", "avg(<numeric>)", "max(<text>)",
    "min(<date>)", "count(<text>)", "lag(<numeric>, 1)", "bool_or(<boolean>)", "sum(<numeric>)", "avg(<integer>)", "max(<date>)", "bool_and(<boolean>)",
    "sum(<bigint>) FILTER (WHERE <boolean>)", "min(<integer>) FILTER (WHERE <boolean>)", "array_agg(<integer>)", "string_agg(<text>, '-')",
    "stddev_pop(<integer>)", "max(<numeric>)", "min(<interval>)", "min(<text>)", "jsonb_agg(<boolean>)", "lag(<integer>, <smallint>)", "count(<jsonb>)",
    "sum(<double precision>)", "avg(<double precision>)", "nth_value(<integer>, abs(<smallint>) + 1)",
)  # fmt: skip
# Those that do not depend on the order of peers, with frames that end with their groups.
_PEERS = (
    "count(*)", "sum(<integer>)", "avg(<integer>)", "min(<text>)", "max(<integer>)", "bool_or(<boolean>)", "sum(<bigint>)", "rank()", "dense_rank()",
    "count(<text>) FILTER (WHERE <boolean>)", "cume_dist()", "percent_rank()", "every(<boolean>)", "max(<date>)", "bit_and(<integer>)",
)  # fmt: skip
_PEER_FRAMES = (
    "", " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    " RANGE BETWEEN 1 FOLLOWING AND 3 FOLLOWING EXCLUDE GROUP", " GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW",
    " RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", " GROUPS BETWEEN 2 FOLLOWING AND UNBOUNDED FOLLOWING", " RANGE CURRENT ROW EXCLUDE TIES",
)  # fmt: skip
_FRAMES = (
    "", "", "", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW",
    " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    " ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING", " GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
    " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """A query; whether its rows come in a known order; whether equal values may be written in several ways (1 and 1.0)."""

    tree: Fragment
    is_ordered: bool = False
    is_loose: bool = False


class Queries:
    """Makes queries over one schema."""

    def __init__(self, source: random.Random, schema: Schema) -> None:
        self.source = source
        self.schema = schema
        self._alias_count = 0

    def make(self) -> Query:
        """The next query."""
        number = self.source.random()
        if number < 0.20:
            return Query(text("SELECT ", Expressions(self.source, ()).wild(), " AS x"))
        if number < 0.30:
            return Query(text("SELECT ", Expressions(self.source, ()).wild_cast(), " AS x"))
        filled = [table for table in self.schema.tables if not table.is_empty]
        if number < 0.40 and filled:
            # PostgreSQL raises what constants raise when it plans, Lungfish when the first row asks for it.
            table = self.source.choice(filled)
            found = Expressions(self.source, columns_of(table, table.name))
            return Query(text("SELECT id, ", found.wild(), f" AS x FROM {table.name}"))
        makers = (self._plain, self._plain, self._grouped, self._windowed, self._set_operation)
        return self.source.choice(makers)()

    # The FROM clause.

    def _from(self, depth: int = 1, *, has_laterals: bool = True) -> tuple[Fragment, list[Column]]:
        """The text after FROM, and the columns that it brings in sight."""
        first, columns = self._source(depth)
        joins = []
        for _ in range(self.source.choice((0, 0, 1, 1, 2))):
            other, more = self._source(depth)
            word = self.source.choice(
                (
                    " JOIN ",
                    " LEFT JOIN ",
                    " RIGHT JOIN ",
                    " FULL JOIN ",
                    " CROSS JOIN ",
                    " LEFT JOIN LATERAL ",
                )
            )
            if "LATERAL" in word and not has_laterals:
                word = " LEFT JOIN "
            if "LATERAL" in word:
                other, more = self._lateral(columns)
            condition: Fragment | str = ""
            if word != " CROSS JOIN ":
                condition = self._join_condition(columns, more, is_full=word == " FULL JOIN ")
            joins.append(text(word, other, condition))
            columns = columns + more
        return text(first, *joins), columns

    def _source(self, depth: int) -> tuple[Fragment, list[Column]]:
        self._alias_count += 1
        alias = f"a{self._alias_count}"
        table = self.source.choice(self.schema.tables)
        if depth > 0 and self.source.random() < 0.15:
            inner, columns = self._derived()
            return text("(", inner, f") AS {alias}"), [
                Column(f"{alias}.{c.name}", c.type) for c in columns
            ]
        return text(f"{table.name} AS {alias}"), columns_of(table, alias)

    def _derived(self) -> tuple[Fragment, list[Column]]:
        """A subquery with columns x0, x1, ..."""
        source, columns = self._from(0)
        expressions = Expressions(self.source, columns)
        kinds = ["integer", *(self.source.choice(_EXACT) for _ in range(2))]
        items = [
            text(expressions.calm(kind, 2), f" AS x{index}") for index, kind in enumerate(kinds)
        ]
        distinct = self.source.choice(("", "", "DISTINCT "))
        query = text(
            f"SELECT {distinct}",
            items[0],
            ", ",
            items[1],
            ", ",
            items[2],
            " FROM ",
            source,
            self._where(expressions, 0),
        )
        return query, [Column(f"x{index}", kind) for index, kind in enumerate(kinds)]

    def _lateral(self, outer: Sequence[Column]) -> tuple[Fragment, list[Column]]:
        self._alias_count += 1
        alias = f"a{self._alias_count}"
        table = self.source.choice(self.schema.tables)
        inside = Expressions(self.source, [*outer, *columns_of(table, "l")])
        query = text(
            "(SELECT ", inside.calm("integer", 2), " AS x0, ", inside.calm("text", 2), f" AS x1 FROM {table.name} AS l WHERE ",
            inside.calm("boolean", 2), f") AS {alias}",
        )  # fmt: skip
        return query, [Column(f"{alias}.x0", "integer"), Column(f"{alias}.x1", "text")]

    def _join_condition(
        self, left: Sequence[Column], right: Sequence[Column], *, is_full: bool
    ) -> Fragment:
        pairs = [(one, other) for one in left for other in right if one.type == other.type]
        first = text(" ON true")
        if pairs:
            one, other = self.source.choice(pairs)
            first = text(f" ON {one.name} = {other.name}")
        if is_full or self.source.random() < 0.6:
            return first
        both = Expressions(self.source, [*left, *right])
        return text(first, optional(" AND ", both.calm("boolean", 1)))

    def _where(self, expressions: Expressions, depth: int) -> Fragment:
        if self.source.random() < 0.3:
            return text("")
        condition = expressions.calm("boolean", 2)
        parts = [optional(" WHERE ", condition)]
        if depth > 0 and self.source.random() < 0.35:
            return optional(
                " WHERE ", condition, optional(" AND ", self._subquery_condition(expressions))
            )
        return parts[0]

    def _subquery_condition(self, outer: Expressions) -> Fragment:
        table = self.source.choice(self.schema.tables)
        columns = columns_of(table, "s")
        inside = Expressions(self.source, [*columns, *outer.columns])
        local = Expressions(self.source, columns)
        where = text(f" FROM {table.name} AS s", optional(" WHERE ", inside.calm("boolean", 2)))
        kind = self.source.choice(_EXACT)
        match self.source.randrange(5):
            case 0:
                return text(
                    self.source.choice(("EXISTS (SELECT 1", "NOT EXISTS (SELECT 1")), where, ")"
                )
            case 1:
                word = self.source.choice((" IN (SELECT ", " NOT IN (SELECT "))
                return text(outer.calm(kind, 1), word, local.calm(kind, 1), where, ")")
            case 2:
                word = self.source.choice((" = ANY", " <> ALL", " < ANY", " >= ALL"))
                return text(
                    outer.calm(kind, 1), f"{word} (SELECT ", local.calm(kind, 1), where, ")"
                )
            case 3:
                return text(outer.calm("bigint", 1), " > (SELECT count(*)", where, ")")
            case _:
                return text(
                    "(", outer.calm("integer", 1), ", ", outer.calm("text", 1),
                    self.source.choice((") IN (SELECT ", ") NOT IN (SELECT ")),
                    local.calm("integer", 1), ", ", local.calm("text", 1), where, ")",
                )  # fmt: skip

    # Whole queries.

    def _plain(self) -> Query:
        source, columns = self._from()
        expressions = Expressions(self.source, columns)
        kinds = self.source.choices(_ANY, k=self.source.randint(1, 3))
        items = [self._item(expressions, kind) for kind in kinds]
        distinct = self.source.random() < 0.2
        tree = text(
            "SELECT ", text("DISTINCT ") if distinct else "", listed(items), " FROM ", source, self._where(expressions, 1)
        )  # fmt: skip
        return self._finished(tree, kinds, is_loose=distinct)

    def _item(self, expressions: Expressions, kind: str) -> Fragment:
        if kind == "bigint" and self.source.random() < 0.3:
            table = self.source.choice(self.schema.tables)
            inside = Expressions(self.source, [*columns_of(table, "s"), *expressions.columns])
            return text(
                f"(SELECT count(*) FROM {table.name} AS s WHERE ", inside.calm("boolean", 2), ")"
            )
        return expressions.calm(kind, 3)

    def _grouped(self) -> Query:
        source, columns = self._from()
        expressions = Expressions(self.source, columns)
        keys = self.source.choices(_EXACT, k=self.source.randint(0, 2))
        key_items = [expressions.calm(kind, 1) for kind in keys]
        made = [self._aggregate(expressions) for _ in range(self.source.randint(1, 3))]
        tree = text(
            "SELECT ",
            listed([*key_items, *(item for item, _ in made)]),
            " FROM ",
            source,
            self._where(expressions, 1),
        )
        having: Fragment | str = ""
        if keys:
            numbers = [str(index + 1) for index in range(len(keys))]
            word = self.source.choice(
                (
                    " GROUP BY {}",
                    " GROUP BY {}",
                    " GROUP BY ROLLUP ({})",
                    " GROUP BY CUBE ({})",
                    " GROUP BY GROUPING SETS (({}), ())",
                )
            )
            grouped = str(word).format(", ".join(numbers))
            if "(" in word:
                # Positions are not allowed inside; the expressions are repeated.
                grouped = word.format(", ".join(map(str, key_items)))
            if "(" in word and not all(_COLUMN.search(str(item)) for item in key_items):
                # PostgreSQL is not of one mind about constants as keys of several sets.
                grouped = " GROUP BY " + ", ".join(numbers)
            having = text(grouped)
        if self.source.random() < 0.2:
            having = text(having, optional(f" HAVING count(*) >= {self.source.randrange(3)}"))
        elif keys and _COLUMN.search(str(key_items[0])) and self.source.random() < 0.2:
            # Of keys without columns PostgreSQL is not of one mind: what they are depends on whether it plans any rows.
            word = self.source.choice((" IS NOT NULL", " IS NULL", " IS DISTINCT FROM NULL"))
            having = text(having, optional(f" HAVING ({key_items[0]}){word}"))
        return Query(text(tree, having), is_loose=True)

    def _aggregate(self, expressions: Expressions) -> tuple[Fragment, str]:
        template, result = self.source.choice(_AGGREGATES)
        same = self.source.choice(
            (
                "integer",
                "numeric",
                "text",
                "date",
                "bigint",
                "timestamp without time zone",
                "interval",
            )
        )
        parts: list[str | Fragment] = []
        repeated: dict[str, Fragment] = {}
        for piece, is_hole in pieces_of(template):
            if not is_hole:
                parts.append(piece)
                continue
            kind = {"any": self.source.choice(_EXACT), "same": same}.get(piece, piece)
            if "ORDER BY <" in template and "WITHIN" not in template:
                repeated.setdefault(kind, text(expressions.calm(kind, 2)))
                parts.append(str(repeated[kind]))
            else:
                parts.append(expressions.calm(kind, 2))
        if "WITHIN" not in template and self.source.random() < 0.2:
            parts += [" FILTER (WHERE ", expressions.calm("boolean", 1), ")"]
        return text(*parts), same if result == "same" else result

    def _windowed(self) -> Query:
        # Without laterals the keys of the tables tell every row from the others.
        source, columns = self._from(0, has_laterals=False)
        expressions = Expressions(self.source, columns)
        keys = [column.name for column in columns if column.name.endswith(".id")]
        items = []
        for _ in range(self.source.randint(1, 3)):
            if self.source.random() < 0.25:
                items.append(self._over_peers(expressions))
                continue
            template = self.source.choice(_WINDOWED)
            parts = self._filled(template, expressions)
            order = (
                [expressions.calm(self.source.choice(_EXACT), 1)]
                if self.source.random() < 0.7
                else []
            )
            direction = self.source.choice(("", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
            # All keys at the end: the order is total.
            written = ", ".join([*(f"{item}{direction}" for item in order), *keys])
            partition = optional(
                "PARTITION BY ", expressions.calm(self.source.choice(_EXACT), 1), " "
            )
            frame = self.source.choice(_FRAMES)
            items.append(
                text(
                    *parts,
                    " OVER (",
                    partition if self.source.random() < 0.6 else "",
                    f"ORDER BY {written}{frame})",
                )
            )
        tree = text(
            "SELECT ",
            listed([text(key) for key in keys] + items),
            " FROM ",
            source,
            self._where(expressions, 0),
        )
        return Query(tree)

    def _filled(self, template: str, expressions: Expressions) -> list[str | Fragment]:
        return [
            expressions.calm(piece, 1) if is_hole else piece
            for piece, is_hole in pieces_of(template)
        ]

    def _over_peers(self, expressions: Expressions) -> Fragment:
        """A call over frames of whole peer groups, in an order that has some."""
        partition = optional("PARTITION BY ", expressions.calm(self.source.choice(_EXACT), 1), " ")
        key = expressions.calm(self.source.choice(("integer", "integer", "smallint", "bigint")), 1)
        # A bare number would be no expression but a constant for the sort.
        ending = self.source.choice(("", " DESC", " NULLS FIRST")) + self.source.choice(
            _PEER_FRAMES
        )
        return text(
            *self._filled(self.source.choice(_PEERS), expressions), " OVER (", partition, "ORDER BY (", key, f"){ending})",
        )  # fmt: skip

    def _set_operation(self) -> Query:
        kinds = self.source.choices(_EXACT, k=self.source.randint(1, 2))
        parts: list[str | Fragment] = []
        for index in range(self.source.randint(2, 3)):
            source, columns = self._from(0)
            expressions = Expressions(self.source, columns)
            if index:
                parts.append(
                    self.source.choice(
                        (
                            " UNION ",
                            " UNION ALL ",
                            " INTERSECT ",
                            " EXCEPT ",
                            " EXCEPT ALL ",
                            " INTERSECT ALL ",
                        )
                    )
                )
            items: list[str | Fragment] = []
            for kind in kinds:
                items += [", ", expressions.calm(kind, 2)] if items else [expressions.calm(kind, 2)]
            parts.append(text("SELECT ", *items, " FROM ", source, self._where(expressions, 1)))
        return self._finished(text(*parts), kinds, is_loose=True)

    def _finished(self, tree: Fragment, kinds: Sequence[str], *, is_loose: bool) -> Query:
        """With an ORDER BY over all columns, perhaps, and a LIMIT where the order is total."""
        if self.source.random() < 0.5 or not set(kinds) <= set(_EXACT):
            return Query(tree, is_loose=is_loose)
        keys = [
            f"{index + 1}{self.source.choice(('', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'))}"
            for index in range(len(kinds))
        ]
        limit = self.source.choice(
            ("", "", " LIMIT 3", " LIMIT 5 OFFSET 2", " FETCH FIRST 2 ROWS WITH TIES")
        )
        ending = text(" ORDER BY ", ", ".join(keys), optional(limit) if limit else "")
        return Query(
            text(tree, Fragment((ending,), "optional", ("",))), is_ordered=True, is_loose=is_loose
        )


def columns_of(table: Table, alias: str) -> list[Column]:
    return [
        Column(f"{alias}.id", "integer"),
        *(Column(f"{alias}.{name}", BASE_TYPES.get(kind, kind)) for name, kind in table.columns),
    ]


assert set(NUMBERS) <= set(_ANY)
