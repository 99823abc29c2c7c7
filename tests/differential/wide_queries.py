"""Random queries of the forms that `queries.py` does not make, of the parts that `wide_tables.py` makes.

DISTINCT ON, grouping sets of all kinds, windows over groups and over times, aggregates of outer levels, set operations within set operations,
subqueries in every clause, ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.differential.expressions import Expressions
from tests.differential.fragments import Fragment, listed, optional, text
from tests.differential.queries import Query
from tests.differential.wide_expressions import PLAIN, WideExpressions
from tests.differential.wide_tables import ORDERS, Sight, WideTables, commas

_KEYED = ("GROUP BY {0}, {1}", "GROUP BY ROLLUP ({0}, {1})", "GROUP BY CUBE ({0}, {1})", "GROUP BY GROUPING SETS (({0}), ({1}), ())",
          "GROUP BY GROUPING SETS (({0}), ({0}), ({0}, {1}))", "GROUP BY {0}, ROLLUP ({1})", "GROUP BY DISTINCT ROLLUP ({0}), CUBE ({0}, {1})",
          "GROUP BY GROUPING SETS (ROLLUP ({0}), ({1}, {0}))", "GROUP BY ALL CUBE (({0}, {1}))")  # fmt: skip
_PLACED = ("count(*)", "sum(count(*))", "min(max(<integer>))", "rank()", "row_number()", "avg(sum(<integer>))", "max(count(DISTINCT <text>))",
           "count(*) FILTER (WHERE max(<integer>) > 1)", "bool_or(bool_and(<boolean>))")  # fmt: skip
_TEMPLATED_FRAMES = ("", " ROWS UNBOUNDED PRECEDING", " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW",
                     " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING")  # fmt: skip

# Types with what their RANGE frames are measured in.
_SPANS = {
    "date": "interval '1 day'", "timestamp without time zone": "interval '36 hours'", "timestamp with time zone": "interval '1 mon'", "interval": "interval '1 day'",
    "time without time zone": "interval '1 hour'", "numeric": "1.5", "double precision": "2", "real": "1", "smallint": "1",
}  # fmt: skip
_SPANNED_FRAMES = (
    "BETWEEN {0} PRECEDING AND {0} FOLLOWING", "BETWEEN CURRENT ROW AND {0} FOLLOWING EXCLUDE CURRENT ROW", "BETWEEN {0} PRECEDING AND CURRENT ROW EXCLUDE TIES",
    "BETWEEN {0} FOLLOWING AND UNBOUNDED FOLLOWING", "BETWEEN UNBOUNDED PRECEDING AND {0} PRECEDING EXCLUDE GROUP", "{0} PRECEDING EXCLUDE NO OTHERS",
    "BETWEEN {0} PRECEDING AND {0} PRECEDING",
)  # fmt: skip
# Whatever the order of peers, they give the same.
_SPANNED = ("count(*)", "sum(<integer>)", "min(<text>)", "max(<date>)", "bool_and(<boolean>)", "count(<text>) FILTER (WHERE <boolean>)", "avg(<bigint>)", "rank()")  # fmt: skip


class WideQueries(WideTables):
    """Makes whole queries."""

    def make(self) -> Query:
        """The next query."""
        made = [self._with_queries() if self.source.random() < 0.25 else text("")]
        makers = (
            self._selected, self._selected, self._selected, self._of_groups, self._of_groups, self._of_windows, self._of_sets, self._first_of_each,
            self._of_outer_aggregates,
        )  # fmt: skip
        query = self.source.choice(makers)()
        return replace(query, tree=text(*made, query.tree), is_loose=True)

    # Whole queries.

    def _selected(self) -> Query:
        tree, sight = self._sources(Sight(), 2)
        expressions = self._over(sight)
        kinds = self._kinds(3)
        distinct = self.source.choice(("", "", "", "DISTINCT "))
        items = [expressions.calm(kind, 3) for kind in kinds]
        query = text(
            f"SELECT {distinct}", commas(items), " FROM ", tree, self._filtered(expressions)
        )
        ending = self._ended(kinds)
        return Query(text(query, ending), is_ordered=_orders(ending))

    def _of_groups(self) -> Query:
        tree, sight = self._sources(Sight(), 1)
        expressions = self._over(sight)
        keys = [self._key(sight, self.source.choice(PLAIN)) for _ in range(2)]
        made = [self._aggregate(expressions)[0] for _ in range(self.source.randint(1, 2))]
        grouped = self.source.choice(_KEYED).format(*map(str, keys))
        if "SETS" in grouped or "ROLLUP" in grouped or "CUBE" in grouped:
            made.append(text(f"grouping({keys[0]}, {keys[1]})"))
        if self.source.random() < 0.4:
            made.append(self._over_groups(self._over(sight, has_subqueries=False), keys))
        having: Fragment = text("")
        if self.source.random() < 0.3:
            having = optional(" HAVING ", self._having(sight, keys))
        return Query(
            text(
                "SELECT ",
                listed([*keys, *made]),
                " FROM ",
                tree,
                self._filtered(expressions),
                f" {grouped}",
                having,
            )
        )

    def _having(self, sight: Sight, keys: Sequence[Fragment]) -> Fragment:
        inner = self._over(sight, has_subqueries=False)
        table = self.source.choice(self.schema.tables)
        return self.source.choice((
            text(f"({keys[0]}) IS NOT NULL"), text(f"({keys[1]}) IS NULL OR count(*) > 1"), text("max(", inner.calm("integer", 1), ") > 0"),
            text(f"count(*) IN (SELECT c0 FROM {table.name})"), text("bool_or(", inner.calm("boolean", 2), ")"),
            text(f"EXISTS (SELECT 1 FROM {table.name} AS h WHERE h.c0 = count(*))"),
            text(f"(SELECT count(*) FROM {table.name} AS h WHERE h.id < max(", inner.calm("integer", 1), ")) > 1"),
        ))  # fmt: skip

    def _over_groups(self, expressions: WideExpressions, keys: Sequence[Fragment]) -> Fragment:
        call = text(*self._filled(self.source.choice(_PLACED), expressions))
        frame = self.source.choice(_TEMPLATED_FRAMES)
        if "ROWS" in frame or "row_number" in str(call):
            # Which of two rows of equal keys comes first, nobody promises.
            return text("sum(count(*)) OVER (PARTITION BY ", str(keys[0]), ")")
        return (
            text(call, f" OVER (ORDER BY ({keys[0]}), ({keys[1]}){frame})")
            if "RANGE" not in frame
            else text(call, f" OVER (ORDER BY ({keys[1]}){frame})")
        )

    def _of_windows(self) -> Query:
        tree, sight = self._sources(Sight(), 1)
        expressions = self._over(sight)
        makers = (self._over_peers, self._over_peers, self._over_times)
        items = [self.source.choice(makers)(expressions) for _ in range(self.source.randint(1, 3))]
        kinds = self._kinds(1)
        shown = [expressions.calm(kind, 2) for kind in kinds]
        return Query(
            text("SELECT ", listed([*shown, *items]), " FROM ", tree, self._filtered(expressions))
        )

    def _over_times(self, expressions: Expressions) -> Fragment:
        """A call over the rows within a span of the key, which may be null, infinite or not a number."""
        kind = self.source.choice(list(_SPANS))
        partition = optional("PARTITION BY ", expressions.calm(self.source.choice(PLAIN), 1), " ")
        frame = self.source.choice(_SPANNED_FRAMES).format(_SPANS[kind])
        way = self.source.choice(("", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
        return text(
            *self._filled(self.source.choice(_SPANNED), expressions), " OVER (", partition, "ORDER BY (", expressions.calm(kind, 1), f"){way} RANGE {frame})",
        )  # fmt: skip

    def _of_sets(self) -> Query:
        kinds = self._kinds(2)
        tree = self._set_tree(kinds, 2)
        ending = self._ended(kinds)
        return Query(text(tree, ending), is_ordered=_orders(ending))

    def _set_tree(self, kinds: Sequence[str], depth: int) -> Fragment:
        if depth == 0 or self.source.random() < 0.2:
            if self.source.random() < 0.1:
                inner = self._over(Sight())
                return text(
                    "VALUES (",
                    commas([inner.calm(kind, 2) for kind in kinds]),
                    "), (",
                    commas([inner.calm(kind, 2) for kind in kinds]),
                    ")",
                )
            return self._plain_rows(Sight(), kinds, 1)
        word = self.source.choice(
            (" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL ", " INTERSECT ALL ")
        )
        left, right = self._set_tree(kinds, depth - 1), self._set_tree(kinds, depth - 1)
        return text("(", left, self._ended(kinds), ")", word, "(", right, self._ended(kinds), ")")

    def _first_of_each(self) -> Query:
        """DISTINCT ON, in an order that tells all rows apart."""
        tree, sight = self._sources(Sight(), 1)
        expressions = self._over(sight)
        kinds = self._kinds(2)
        items = [expressions.calm(kind, 2) for kind in kinds]
        on = self.source.choice(("1", "(1)", str(items[0])))
        if on == str(items[0]) and not any(column.name in on for column in sight.columns):
            on = "1"
        rest = ", ".join(
            f"{index + 1}{self.source.choice(ORDERS[:4])}" for index in range(len(items))
        )
        return Query(
            text(
                f"SELECT DISTINCT ON ({on}) ",
                commas(items),
                " FROM ",
                tree,
                self._filtered(expressions),
                f" ORDER BY {rest}",
            ),
            is_ordered=True,
        )

    def _of_outer_aggregates(self) -> Query:
        """Subqueries in which aggregates belong to the query around."""
        tree, sight = self._sources(Sight(), 1)
        inner = self._over(sight, has_subqueries=False)
        table = self.source.choice(self.schema.tables)
        key = self._key(sight, "integer")
        aggregate = text("max(", _anchored(inner.calm("integer", 1), sight), ")")
        form = self.source.randrange(4)
        if form == 0:
            item = text(f"(SELECT count(*) FROM {table.name} AS z WHERE z.c0 < ", aggregate, ")")
        elif form == 1:
            item = text("(SELECT ", aggregate, f" + count(z.id) FROM {table.name} AS z)")
        elif form == 2:
            item = text(
                aggregate,
                f" IN (SELECT z.c0 FROM {table.name} AS z WHERE z.id <> ",
                str(aggregate),
                ")",
            )
        else:
            item = text(
                f"ARRAY(SELECT z.id FROM {table.name} AS z WHERE z.id <= ",
                aggregate,
                " ORDER BY z.id)",
            )
        grouped = text(
            "SELECT ", key, ", ", item, " FROM ", tree, self._filtered(inner), f" GROUP BY {key}"
        )
        return Query(grouped)


def _anchored(expression: Fragment, sight: Sight) -> Fragment:
    """With a column of the query around in it, so that an aggregate of it is of that query."""
    return text("coalesce(", expression, f", nullif(length({sight.columns[0].name}::text), 0))")


def _orders(ending: Fragment) -> bool:
    return bool(str(ending))
