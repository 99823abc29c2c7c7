"""Bound expressions as text, the way PostgreSQL's EXPLAIN writes them.

A column is written by the name that its operator's input has for it; what an enclosing query's row or a lateral join's left side
gives is found in `outer`, the names of those rows, nearest last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.planner.expression_tree import children
from lungfish.planner.expressions import (
    AggregateCall,
    AndAll,
    ArrayExpr,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    ColumnRef,
    Constant,
    ExtremeExpr,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    OuterRef,
    ParameterRef,
    QuantifiedArrayExpr,
    RowExpr,
    SortKey,
    SubqueryExpr,
    WindowCall,
)
from lungfish.planner.write_json import write_json
from lungfish.sql.quoting import quote_identifier
from lungfish.types.frozen import frozen
from lungfish.types.settings import CANONICAL
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.text_format import format_value

# Constants of these kinds are written bare.
_BARE = frozenset({TypeKind.INTEGER, TypeKind.NUMERIC, TypeKind.BOOLEAN})
Names = Sequence[str]


@frozen
class Writer:
    """Writes expressions over one operator's input."""

    names: Names
    outer: tuple[Names, ...] = ()
    # Takes a subquery of an expression and answers what stands for it, e.g. "SubPlan 1".
    subplan: Callable[[SubqueryExpr], str] | None = None

    def write(self, node: BoundExpression) -> str:
        """The expression as text."""
        match node:
            case ColumnRef():
                return self.names[node.index] if node.index < len(self.names) else node.name
            case OuterRef():
                return self._outer(node)
            case Constant():
                return write_constant(node)
            case ParameterRef():
                return f"${node.index + 1}"
            case Call():
                return self._call(node)
            case CastTo():
                return f"({self._bare(node.operand)})::{node.type}"
            case AndAll():
                return f"({' AND '.join(map(self.write, node.operands))})"
            case OrAny():
                return f"({' OR '.join(map(self.write, node.operands))})"
            case NotExpr():
                return f"(NOT {self.write(node.operand)})"
            case IsNullExpr():
                word = "IS NOT NULL" if node.is_negated else "IS NULL"
                return f"({self.write(node.operand)} {word})"
            case _:
                return self._compound(node)

    def _compound(self, node: BoundExpression) -> str:
        match node:
            case IsBooleanExpr():
                word = {True: "TRUE", False: "FALSE", None: "UNKNOWN"}[node.value]
                negation = "NOT " if node.is_negated else ""
                return f"({self.write(node.operand)} IS {negation}{word})"
            case IsDistinctExpr():
                word = "IS NOT DISTINCT FROM" if node.is_negated else "IS DISTINCT FROM"
                return f"({self.write(node.left)} {word} {self.write(node.right)})"
            case CaseExpr():
                branches = " ".join(
                    f"WHEN {self.write(condition)} THEN {self.write(result)}"
                    for condition, result in node.branches
                )
                return f"CASE {branches} ELSE {self.write(node.default)} END"
            case CoalesceExpr():
                return f"COALESCE({self._list(node.operands)})"
            case ExtremeExpr():
                name = "GREATEST" if node.is_greatest else "LEAST"
                return f"{name}({self._list(node.operands)})"
            case InListExpr():
                return self._in_list(node)
            case ArrayExpr():
                return f"ARRAY[{self._list(node.items)}]"
            case RowExpr():
                return f"ROW({self._list(node.items)})"
            case QuantifiedArrayExpr():
                word = "ALL" if node.is_all else "ANY"
                array = self.write(node.array)
                return f"({self.write(node.operand)} {node.operator.name} {word} ({array}))"
            case SubqueryExpr():
                return self._subquery(node)
            case _:
                return f"({self._list(children(node))})"

    def _bare(self, node: BoundExpression) -> str:
        """Without the parentheses around it, which the caller writes."""
        text = self.write(node)
        if isinstance(node, Call) and text.startswith("(") and text.endswith(")"):
            return text[1:-1]
        return text

    def _list(self, nodes: Sequence[BoundExpression]) -> str:
        return ", ".join(map(self.write, nodes))

    def _outer(self, node: OuterRef) -> str:
        if node.level <= len(self.outer):
            names = self.outer[-node.level]
            if node.index < len(names):
                return names[node.index]
        return node.name

    def _call(self, node: Call) -> str:
        json = write_json(node, self.write)
        if json is not None:
            return json
        name = node.function.name
        if name[:1].isalpha() or name[:1] == "_":
            variadic = "VARIADIC " if node.is_variadic_array else ""
            return f"{name}({variadic}{self._list(node.arguments)})"
        if len(node.arguments) == 2:
            left, right = map(self.write, node.arguments)
            return f"({left} {name} {right})"
        return f"({name} {self._list(node.arguments)})"

    def _in_list(self, node: InListExpr) -> str:
        operator, word = ("<>", "ALL") if node.is_negated else ("=", "ANY")
        operand = self.write(node.operand)
        if all(isinstance(item, Constant) for item in node.items):
            listed = ",".join(_element(item) for item in node.items if isinstance(item, Constant))
            return f"({operand} {operator} {word} ('{{{listed}}}'::{node.operand.type}[]))"
        return f"({operand} {operator} {word} (ARRAY[{self._list(node.items)}]))"

    def _subquery(self, node: SubqueryExpr) -> str:
        name = "SubPlan" if self.subplan is None else self.subplan(node)
        match node.kind:
            case "exists":
                return f"EXISTS({name})"
            case "array":
                return f"ARRAY({name})"
            case "scalar":
                return f"({name})"
            case _:
                compared = " AND ".join(
                    f"({self.write(operand)} {operator.name} {name}.col{number})"
                    for number, (operand, operator) in enumerate(
                        zip(node.operands, node.operators, strict=True), 1
                    )
                )
                word = "ANY" if node.kind == "member" else node.kind.upper()
                return f"({word} {compared})"

    # What stands in particular nodes.

    def sort_key(self, key: SortKey) -> str:
        """An ORDER BY item; only what is not the default is said."""
        text = self.write(key.expression)
        if key.is_descending:
            text += " DESC"
        if key.nulls_first != key.is_descending:
            text += " NULLS FIRST" if key.nulls_first else " NULLS LAST"
        return text

    def aggregate(self, call: AggregateCall) -> str:
        """An aggregate call."""
        inside = self._list(call.arguments) if call.arguments else "*"
        if call.is_distinct:
            inside = f"DISTINCT {inside}"
        if call.order_by and not call.aggregate.is_ordered_set:
            inside += f" ORDER BY {', '.join(map(self.sort_key, call.order_by))}"
        text = f"{call.aggregate.name}({inside})"
        if call.filter is not None:
            text += f" FILTER (WHERE {self.write(call.filter)})"
        return text

    def window_call(self, call: WindowCall, window: str) -> str:
        """A window function call over the window of that name."""
        arguments = self._list(call.arguments)
        if not arguments and call.callee.name == "count":
            arguments = "*"
        return f"{call.callee.name}({arguments}) OVER {window}"


def write_constant(node: Constant) -> str:
    """A constant, with its type where the text alone does not tell it."""
    if node.value is None:
        return f"NULL::{node.type}"
    kind = node.type.kind
    if kind is TypeKind.BOOLEAN:
        return "true" if node.value else "false"
    text = _text(node.value, node.type)
    if kind in _BARE and not text.startswith("-") and text[0].isdigit():
        return text
    quoted = text.replace("'", "''")
    return f"'{quoted}'::{node.type}"


def _text(value: Any, type_: SqlType) -> str:
    return format_value(value, type_, CANONICAL)


def _element(node: Constant) -> str:
    if node.value is None:
        return "NULL"
    text = _text(node.value, node.type)
    if text and not any(letter in '{},"\\ ' for letter in text) and text.lower() != "null":
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def qualified(alias: str, column: str) -> str:
    """A column's name, with the alias if there is one."""
    name = quote_identifier(column)
    return f"{quote_identifier(alias)}.{name}" if alias else name
