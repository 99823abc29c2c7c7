"""Random typed expressions.

Two moods: *calm* expressions cannot raise an error on the data of `schemas.py`, so they may stand anywhere, whatever order a
planner evaluates things in; *wild* ones call any registered function at the edges of its types and stand alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lungfish.functions import FUNCTIONS
from lungfish.functions.registry import Function
from lungfish.types.sql_type import SqlType, TypeKind
from tests.differential.fragments import Fragment, text
from tests.differential.schemas import COLUMN_VALUES
from tests.differential.templates import TEMPLATES, pieces_of
from tests.functions.samples import SAMPLES, Call, calls_of, is_callable_here, typed_literal

NUMBERS = ("integer", "bigint", "numeric", "double precision")
_COMPARABLE = (
    "integer", "bigint", "smallint", "numeric", "double precision", "text", "date", "boolean",
    "timestamp without time zone", "timestamp with time zone", "time without time zone", "interval", "uuid", "bytea",
    "real", "character", "jsonb", "integer[]", "text[]", "int4range", "daterange",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an expression may name."""

    name: str
    type: str


class Expressions:
    """Makes expressions over the columns in sight."""

    def __init__(self, source: random.Random, columns: Sequence[Column]) -> None:
        self.source = source
        self.columns = columns

    def calm(self, kind: str, depth: int) -> Fragment:
        """An expression of type `kind` that raises nothing."""
        if depth <= 0 or self.source.random() < 0.3:
            return self._leaf(kind)
        made = self.source.choice(self._makers(kind))(depth - 1)
        return Fragment((made,), f"expression {kind}", (f"NULL::{kind}", self._literal(kind)))

    def _leaf(self, kind: str) -> Fragment:
        found = [column.name for column in self.columns if column.type == kind]
        if found and self.source.random() < 0.8:
            return Fragment((self.source.choice(found),), f"expression {kind}")
        written = "NULL::" + kind if self.source.random() < 0.1 else self._literal(kind)
        return Fragment((written,), f"expression {kind}", (f"NULL::{kind}",))

    def _literal(self, kind: str) -> str:
        values = COLUMN_VALUES.get(kind) or COLUMN_VALUES["character(4)"]
        value = self.source.choice(values)
        if kind in ("integer", "boolean"):
            return value if not value.startswith("-") else f"({value})"
        return f"({value})::{kind}" if value.startswith("-") else f"{value}::{kind}"

    def _makers(self, kind: str) -> list[Callable[[int], Fragment]]:
        general = [
            lambda depth: text("coalesce(", self.calm(kind, depth), ", ", self.calm(kind, depth), ")"),
            lambda depth: text(
                "CASE WHEN ", self.calm("boolean", depth), " THEN ", self.calm(kind, depth),
                " ELSE ", self.calm(kind, depth), " END",
            ),
            lambda depth: text("nullif(", self.calm(kind, depth), ", ", self.calm(kind, depth), ")"),
        ]  # fmt: skip
        if kind not in ("boolean", "uuid", "bytea", "jsonb"):
            general.append(
                lambda depth: text(
                    self.source.choice(("greatest(", "least(")),
                    self.calm(kind, depth), ", ", self.calm(kind, depth), ")",
                )
            )  # fmt: skip
        return general + self._special(kind)

    def _special(self, kind: str) -> list[Callable[[int], Fragment]]:
        templates = TEMPLATES.get(kind, ())
        made: list[Callable[[int], Fragment]] = [
            (lambda depth, parts=parts: self._fill(parts, depth)) for parts in templates
        ]
        if kind == "boolean":
            made += [self._comparison] * 4 + [self._membership, self._between]
        return made

    def _fill(self, template: str, depth: int) -> Fragment:
        """A template's text, its `<type>` places filled."""
        parts: list[str | Fragment] = []
        for piece, is_hole in pieces_of(template):
            parts.append(self.calm(piece, depth) if is_hole else piece)
        return text("(", *parts, ")")

    def _comparison(self, depth: int) -> Fragment:
        kind = self.source.choice(_COMPARABLE)
        symbol = self.source.choice((" = ", " <> ", " < ", " <= ", " > ", " >= "))
        if self.source.random() < 0.15:
            symbol = self.source.choice((" IS DISTINCT FROM ", " IS NOT DISTINCT FROM "))
        return text("(", self.calm(kind, depth), symbol, self.calm(kind, depth), ")")

    def _membership(self, depth: int) -> Fragment:
        kind = self.source.choice(_COMPARABLE)
        word = self.source.choice((" IN (", " NOT IN ("))
        items = [self.calm(kind, depth - 1) for _ in range(self.source.randint(1, 3))]
        inside: list[str | Fragment] = [items[0]]
        for item in items[1:]:
            inside += [", ", item]
        return text("(", self.calm(kind, depth), word, *inside, "))")

    def _between(self, depth: int) -> Fragment:
        kind = self.source.choice(_COMPARABLE)
        word = self.source.choice((" BETWEEN ", " NOT BETWEEN ", " BETWEEN SYMMETRIC "))
        return text(
            "(",
            self.calm(kind, depth),
            word,
            self.calm(kind, depth),
            " AND ",
            self.calm(kind, depth),
            ")",
        )

    def wild(self) -> Fragment:
        """A call of some registered function, its arguments sample literals, casts of them, or columns."""
        function = self.source.choice(_WILD)
        call = self.source.choice(_calls(function))
        arguments = [self._wild_argument(sql_type, value) for sql_type, value in call.arguments]
        return _written_call(call, arguments)

    def _wild_argument(self, sql_type: SqlType, value: str | None) -> Fragment:
        kind = str(sql_type)
        columns = [column.name for column in self.columns if column.type == kind]
        if columns and self.source.random() < 0.4:
            return Fragment((self.source.choice(columns),), f"expression {kind}")
        literal = typed_literal(sql_type, value)
        if self.source.random() < 0.15 and sql_type.kind in SAMPLES:
            inner = self._returning(sql_type)
            if inner is not None:
                return Fragment((inner,), f"expression {kind}", (literal,))
        return Fragment((literal,), f"expression {kind}", (f"NULL::{kind}",))

    def _returning(self, sql_type: SqlType) -> Fragment | None:
        found = _BY_RESULT.get(sql_type)
        if not found:
            return None
        call = self.source.choice(_calls(self.source.choice(found)))
        arguments = [text(typed_literal(kind, value)) for kind, value in call.arguments]
        return _written_call(call, arguments)

    def wild_cast(self) -> Fragment:
        """A cast from a sample of one type to another."""
        kinds = [kind for kind in SAMPLES if kind not in (TypeKind.NAME, TypeKind.OID)]
        origin = self.source.choice(kinds)
        value = self.source.choice(SAMPLES[origin])
        target = self.source.choice(_CAST_TARGETS)
        literal = typed_literal(SqlType(origin), value)
        if self.source.random() < 0.3:
            literal = "'" + value.replace("'", "''") + "'"
        return text("CAST(", Fragment((literal,), "literal", ("NULL",)), f" AS {target})")


def _written_call(call: Call, arguments: Sequence[Fragment]) -> Fragment:
    if not call.name[0].isalpha():
        if len(arguments) == 1:
            return text(f"({call.name} ", arguments[0], ")")
        return text("(", arguments[0], f" {call.name} ", arguments[1], ")")
    inside: list[str | Fragment] = []
    for index, argument in enumerate(arguments):
        inside += [", ", argument] if index else [argument]
    return text(f'"{call.name}"(', *inside, ")")


_CAST_TARGETS = (
    "boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric", "numeric(5,2)", "numeric(3,-1)", "text",
    "character varying(3)", "character(5)", "bytea", "date", "time", "time(2)", "timestamp", "timestamp(0)", "timestamptz", "interval",
    "interval(1)", "uuid", "bit(4)", "varbit",
)  # fmt: skip
_WILD: list[Function] = [
    function
    for function in FUNCTIONS
    if is_callable_here(function) and not function.returns_set and "json" not in function.name
]
_BY_RESULT: dict[SqlType, list[Function]] = {}
for _function in _WILD:
    if isinstance(_function.result, SqlType):
        _BY_RESULT.setdefault(_function.result, []).append(_function)
_KNOWN_CALLS: dict[Function, list[Call]] = {}


def _calls(function: Function) -> list[Call]:
    if function not in _KNOWN_CALLS:
        _KNOWN_CALLS[function] = list(calls_of(function, 40))
    return _KNOWN_CALLS[function]
