"""Calm expressions with subqueries, comparisons across types, rows and arrays in them; see `expressions.py`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.differential.expressions import Column, Expressions
from tests.differential.fragments import Fragment, text
from tests.differential.queries import columns_of
from tests.differential.schemas import Table

# Types whose values are compared with one another.
FAMILIES = (
    ("integer", "bigint", "smallint", "numeric", "double precision", "real"),
    ("text", "character"),
    ("date", "timestamp without time zone", "timestamp with time zone"),
)
# Types of which equal values are written in one way: what a subquery picks among equal ones cannot be seen.
PLAIN = ("integer", "bigint", "smallint", "text", "date", "boolean", "timestamp without time zone")
_COMPARED = (" = ", " <> ", " < ", " <= ", " > ", " >= ", " IS DISTINCT FROM ")


def family_of(kind: str) -> tuple[str, ...]:
    """The types that a type is compared with, itself among them."""
    return next((family for family in FAMILIES if kind in family), (kind,))


class Names:
    """Numbers for aliases that are unique in one query."""

    def __init__(self) -> None:
        self._count = 0

    def fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"


class WideExpressions(Expressions):
    """Expressions over columns in sight; subqueries read `tables` and see these columns."""

    def __init__(
        self,
        source: random.Random,
        columns: Sequence[Column],
        tables: Sequence[Table],
        names: Names,
        rows: Sequence[str] = (),
    ) -> None:
        """`rows`: aliases that may be named as whole rows. No table: no subqueries."""
        super().__init__(source, columns)
        self.tables = tables
        self.names = names
        self.rows = rows

    def _special(self, kind: str) -> list[Callable[[int], Fragment]]:
        made = super()._special(kind)
        weight = max(1, len(made) // 8)
        if self.tables:
            if kind in PLAIN and kind != "boolean":
                made += [self._picked(kind), self._extreme(kind)] * weight
            if kind in ("bigint", "numeric"):
                made += [self._counted(kind)] * weight
            if kind == "boolean":
                made += [self._exists, self._among, self._row_among, self._against] * 2
        if kind == "boolean":
            made += [self._across, self._across, self._rows_compared, self._of_array]
        if self.rows:
            made += [self._of_row(kind)] * (weight if kind in ("boolean", "text") else 0)
        return made

    def inside(self, depth: int) -> tuple[str, str, Expressions, Expressions]:
        """A table for a subquery: its name, its alias, expressions over it and around, and over it alone."""
        table = self.source.choice(self.tables)
        alias = self.names.fresh("s")
        own = columns_of(table, alias)
        tables = self.tables if depth > 1 and self.source.random() < 0.3 else ()
        seen = [*own, *self.columns]
        both = WideExpressions(self.source, seen, tables, self.names, (alias, *self.rows))
        return table.name, alias, both, WideExpressions(self.source, own, (), self.names)

    def _picked(self, kind: str) -> Callable[[int], Fragment]:
        def make(depth: int) -> Fragment:
            name, alias, both, own = self.inside(depth)
            value = self.source.choice((own, both)).calm(kind, min(depth, 1))
            offset: str | Fragment = ""
            if self.source.random() < 0.3:
                shift = Expressions(self.source, self.columns).calm("integer", 1)
                offset = text(" OFFSET abs(coalesce(", shift, ", 0) % 3)")
            return text(
                "(SELECT ", value, f" FROM {name} AS {alias} WHERE ", both.calm("boolean", depth),
                f" ORDER BY {alias}.id LIMIT 1", offset, ")",
            )  # fmt: skip

        return make

    def _extreme(self, kind: str) -> Callable[[int], Fragment]:
        def make(depth: int) -> Fragment:
            name, alias, both, own = self.inside(depth)
            aggregate = self.source.choice(("min", "max"))
            filtered: str | Fragment = ""
            if self.source.random() < 0.3:
                filtered = text(" FILTER (WHERE ", both.calm("boolean", 1), ")")
            # With a column of its own, or it might be an aggregate of the query around.
            value = text(f"CASE WHEN {alias}.id IS NOT NULL THEN ", own.calm(kind, 1), " END")
            call = text(f"{aggregate}(", value, ")", filtered)
            having = text(" HAVING count(*) > 1") if self.source.random() < 0.2 else text("")
            return text(
                "(SELECT ", call, f" FROM {name} AS {alias} WHERE ", both.calm("boolean", depth), having, ")"
            )  # fmt: skip

        return make

    def _counted(self, kind: str) -> Callable[[int], Fragment]:
        def make(depth: int) -> Fragment:
            name, alias, both, own = self.inside(depth)
            call = text(self.source.choice(("count(*)", f"count({alias}.c0)", f"count({alias})")))
            if kind == "numeric":
                call = text(f"sum({alias}.id + ", own.calm("bigint", 1), ")")
            return text(
                "(SELECT ", call, f" FROM {name} AS {alias} WHERE ", both.calm("boolean", depth), ")"
            )  # fmt: skip

        return make

    def _exists(self, depth: int) -> Fragment:
        name, alias, both, _ = self.inside(depth)
        word = self.source.choice(("EXISTS", "NOT EXISTS"))
        ending = self.source.choice(
            ("", "", f" GROUP BY {alias}.c0 HAVING count(*) > 1", " OFFSET 1", " LIMIT 1")
        )
        what = "1" if "GROUP" in ending else self.source.choice(("1", "*", f"{alias}.id"))
        return text(
            f"({word} (SELECT {what} FROM {name} AS {alias} WHERE ", both.calm("boolean", depth), ending, "))"
        )  # fmt: skip

    def _among(self, depth: int) -> Fragment:
        kind = self.source.choice(
            (
                "integer",
                "bigint",
                "numeric",
                "text",
                "character",
                "date",
                "double precision",
                "interval",
                "jsonb",
            )
        )
        other = self.source.choice(family_of(kind))
        name, alias, both, own = self.inside(depth)
        word = self.source.choice(
            (
                " IN (",
                " NOT IN (",
                " = ANY (",
                " <> ALL (",
                " < ANY (",
                " >= ALL (",
                " <> ANY (",
                " = ALL (",
            )
        )
        return text(
            "(", self.calm(kind, 1), f"{word}SELECT ", own.calm(other, 1), f" FROM {name} AS {alias} WHERE ", both.calm("boolean", depth), "))"
        )  # fmt: skip

    def _row_among(self, depth: int) -> Fragment:
        kinds = [self.source.choice(("integer", "text", "numeric", "date")) for _ in range(2)]
        name, alias, both, own = self.inside(depth)
        word = self.source.choice((" IN (", " NOT IN (", " = ANY (", " <> ALL ("))
        return text(
            "((", self.calm(kinds[0], 1), ", ", self.calm(kinds[1], 1), f"){word}SELECT ", own.calm(kinds[0], 1), ", ", own.calm(kinds[1], 1),
            f" FROM {name} AS {alias} WHERE ", both.calm("boolean", depth), "))",
        )  # fmt: skip

    def _against(self, depth: int) -> Fragment:
        """A row against a row of a subquery."""
        name, alias, both, own = self.inside(depth)
        word = self.source.choice((" = ", " <> ", " < ", " >= "))
        return text(
            "((", self.calm("integer", 1), ", ", self.calm("text", 1), f"){word}(SELECT ", own.calm("integer", 1), ", ", own.calm("text", 1),
            f" FROM {name} AS {alias} WHERE ", both.calm("boolean", depth), f" ORDER BY {alias}.id LIMIT 1))",
        )  # fmt: skip

    def _across(self, depth: int) -> Fragment:
        family = self.source.choice(FAMILIES)
        one, other = self.source.choice(family), self.source.choice(family)
        return text(
            "(", self.calm(one, depth), self.source.choice(_COMPARED), self.calm(other, depth), ")"
        )

    def _rows_compared(self, depth: int) -> Fragment:
        kinds = self.source.choices(("integer", "text", "numeric", "date", "double precision"), k=3)
        left: list[str | Fragment] = []
        right: list[str | Fragment] = []
        for kind in kinds[: self.source.randint(2, 3)]:
            left += [", ", self.calm(kind, 1)] if left else [self.calm(kind, 1)]
            right += [", ", self.calm(kind, 1)] if right else [self.calm(kind, 1)]
        if self.source.random() < 0.2:
            return text("(ROW(", *left, ") IN (ROW(", *right, "), ROW(", *left, ")))")
        if self.source.random() < 0.2:
            return text("(ROW(", *left, self.source.choice((") IS NULL)", ") IS NOT NULL)")))
        return text("(ROW(", *left, ")", self.source.choice(_COMPARED), "ROW(", *right, "))")

    def _of_array(self, depth: int) -> Fragment:
        kind = self.source.choice(("integer", "text", "numeric", "date", "bigint"))
        other = self.source.choice(family_of(kind))
        word = self.source.choice((" = ANY", " <> ALL", " < ANY", " >= ALL", " = ALL", " <> ANY"))
        if self.tables and self.source.random() < 0.5:
            name, alias, both, own = self.inside(depth)
            return text(
                "(", self.calm(kind, 1), f"{word} (ARRAY(SELECT ", own.calm(other, 1), f" FROM {name} AS {alias} WHERE ", both.calm("boolean", 1), ")))"
            )  # fmt: skip
        items = text(self.calm(other, 1), ", ", self.calm(other, 1), f", NULL]::{other}[]")
        return text("(", self.calm(kind, 1), f"{word} (ARRAY[", items, "))")

    def _of_row(self, kind: str) -> Callable[[int], Fragment]:
        def make(depth: int) -> Fragment:
            row, other = self.source.choice(self.rows), self.source.choice(self.rows)
            if kind == "text":
                return text(self.source.choice((f"({row})::text", f"row_to_json({row})::text")))
            forms = (
                f"({row} IS NULL)",
                f"({row} IS NOT NULL)",
                f"(NOT {row} IS NULL)",
                f"({row} IS NOT DISTINCT FROM {row})",
                f"(({row}).id = ({other}).c0)",
            )
            return text(self.source.choice(forms))

        return make
