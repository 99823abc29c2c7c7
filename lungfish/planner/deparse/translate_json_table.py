"""JSON_TABLE of a stored text: its plan with PostgreSQL's names for the paths that have none."""

from __future__ import annotations

from itertools import count

from lungfish.planner.deparse.json_table_nodes import (
    JsonBehaviorNode,
    JsonColumnNode,
    JsonTableNode,
)
from lungfish.planner.deparse.nodes import Const, Node
from lungfish.planner.deparse.translate_call import typed_literal
from lungfish.planner.deparse.translate_expression import ExpressionTranslator
from lungfish.planner.expressions import Constant
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.json import JsonBehavior, JsonTable, JsonTableColumn
from lungfish.types.json_path import parse_json_path
from lungfish.types.json_path_text import format_json_path
from lungfish.types.json_text import quote_json
from lungfish.types.sql_type import INTEGER, TEXT, SqlType, TypeKind

_WHOLE_KINDS = frozenset({TypeKind.JSON, TypeKind.JSONB, TypeKind.ARRAY, TypeKind.RECORD})


class JsonTableTranslator:
    """Translates one JSON_TABLE, whose columns have the types `types`."""

    def __init__(self, expressions: ExpressionTranslator, types: dict[str, SqlType]) -> None:
        self._expressions = expressions
        self._types = types
        self._numbers = count()

    def translate(self, item: JsonTable) -> JsonTableNode:
        """The whole of it."""
        name = self._path_name(item.path_name)
        return JsonTableNode(
            self._value(item.context.expression),
            _normal(item.path),
            name,
            tuple((name, self._value(value.expression)) for name, value in item.passing),
            self._columns(item.columns),
            raises_errors=item.on_error is not None and item.on_error.kind == "error",
        )

    def _path_name(self, given: str | None) -> str:
        return f"json_table_path_{next(self._numbers)}" if given is None else given

    def _value(self, expression: Expression, kind: SqlType = TEXT) -> Node:
        """An expression; a literal without a type is of the one that it is taken for."""
        bound = self._expressions.trace.bound[id(expression)]
        if isinstance(bound, Constant) and bound.type.kind is TypeKind.UNKNOWN:
            return Const(bound.value, TEXT) if kind == TEXT else typed_literal(bound, kind)
        return self._expressions.translate(bound)

    def _columns(self, columns: tuple[JsonTableColumn, ...]) -> tuple[JsonColumnNode, ...]:
        own = [self._column(column) for column in columns if column.kind != "nested"]
        nested = [self._nested(column) for column in columns if column.kind == "nested"]
        return (*own, *nested)

    def _nested(self, column: JsonTableColumn) -> JsonColumnNode:
        name = self._path_name(column.path_name)
        assert column.path is not None, "a nested plan has a path"
        return JsonColumnNode(
            "nested",
            path=_normal(column.path),
            path_name=name,
            columns=self._columns(column.columns),
        )

    def _column(self, column: JsonTableColumn) -> JsonColumnNode:
        if column.kind == "ordinality":
            return JsonColumnNode("ordinality", column.name, INTEGER)
        kind = self._types[column.name]
        is_whole = kind.kind in _WHOLE_KINDS
        is_query = column.kind == "formatted" or is_whole or column.wrapper or column.quotes
        function = "exists" if column.kind == "exists" else "query" if is_query else "value"
        path = f"$.{quote_json(column.name)}" if column.path is None else column.path
        return JsonColumnNode(
            function,
            column.name,
            kind,
            _normal(path),
            has_format=function == "query" and not is_whole,
            wrapper=column.wrapper or "none",
            omits_quotes=column.quotes == "omit",
            on_empty=self._behavior(column.on_empty, kind, "null"),
            on_error=self._behavior(
                column.on_error, kind, "false" if function == "exists" else "null"
            ),
        )

    def _behavior(
        self, behavior: JsonBehavior | None, kind: SqlType, usual: str
    ) -> JsonBehaviorNode | None:
        if behavior is None or behavior.kind == usual:
            return None
        expression = behavior.expression
        default = None if expression is None else self._value(expression, kind.base.unmodified)
        word = "empty array" if behavior.kind == "empty" else behavior.kind
        return JsonBehaviorNode(word, default)


def _normal(path: str) -> str:
    return format_json_path(parse_json_path(path))
