"""Our tree of an expression back to SQL, for what the catalog keeps: defaults, checks, index expressions, views.

The text parses back to an equal tree (positions aside); tests hold this over the corpora. An operand that is not an
atom stands in parentheses, as in PostgreSQL's own pg_get_expr, so no table of precedences is needed.

libpg_query can print its own tree, but only from the protobuf form, whose Python library costs 75 ms to import and
stops at 100 levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lungfish.sql.ast.expressions import (
    And,
    ArrayConstructor,
    ArraySubquery,
    Between,
    Binary,
    Case,
    Cast,
    Coalesce,
    Collate,
    Default,
    Exists,
    Expression,
    Extreme,
    FieldAccess,
    FrameBound,
    FunctionCall,
    Grouping,
    InList,
    IsBoolean,
    IsDistinct,
    IsNull,
    Literal,
    Name,
    Not,
    NullIf,
    Or,
    Parameter,
    PatternMatch,
    QuantifiedArray,
    QuantifiedSubquery,
    Row,
    Star,
    Subquery,
    Subscript,
    TypeName,
    Unary,
    WindowDefinition,
)
from lungfish.sql.ast.queries import OrderItem, Query
from lungfish.sql.lower_types import TYPE_NAMES
from lungfish.sql.quoting import quote_identifier, quote_literal, quote_qualified
from lungfish.sql.unparse_json import JSON_ATOMS, JSON_WRITERS
from lungfish.sql.unparse_sql_syntax import write_sql_syntax

# Type names that are written as they are, not as identifiers.
_TYPE_WORDS = frozenset(TYPE_NAMES.values()) | {"bit", "interval", "numeric", "serial"}

# Calls that SQL writes as keywords without parentheses.
_VALUE_FUNCTIONS = frozenset(
    {
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "localtime",
        "localtimestamp",
        "session_user",
        "user",
    }
)

# What may be an operand without parentheses.
_ATOMS = (
    ArrayConstructor,
    ArraySubquery,
    Case,
    Coalesce,
    Exists,
    Extreme,
    FunctionCall,
    Grouping,
    Name,
    NullIf,
    Parameter,
    Row,
    Subquery,
    *JSON_ATOMS,
)


class ExpressionWriter:
    """Writes expressions; queries inside them are written by the function it is given."""

    def __init__(self, write_query: Callable[[Query], str]) -> None:
        self._write_query = write_query

    def write(self, expression: Expression) -> str:
        """The expression, bare."""
        return _WRITERS[type(expression)](self, expression)

    def operand(self, expression: Expression) -> str:
        """The expression as an operand: in parentheses unless it is an atom."""
        text = self.write(expression)
        if isinstance(expression, _ATOMS):
            return text
        if isinstance(expression, Literal) and not text.startswith("-"):
            return text
        return f"({text})"

    def join(self, expressions: Iterable[Expression]) -> str:
        return ", ".join([self.write(expression) for expression in expressions])

    def query(self, query: Query) -> str:
        return f"({self._write_query(query)})"

    def order(self, items: Iterable[OrderItem]) -> str:
        """The list behind ORDER BY."""
        return ", ".join([self._order_item(item) for item in items])

    def type_name(self, type_name: TypeName) -> str:
        """A type as a person writes it."""
        return write_type(type_name)

    def _order_item(self, item: OrderItem) -> str:
        text = self.write(item.expression)
        if item.using_operator is not None:
            text += f" USING {item.using_operator}"
        if item.is_descending:
            text += " DESC"
        if item.nulls_first is not None:
            text += " NULLS FIRST" if item.nulls_first else " NULLS LAST"
        return text

    def window(self, window: WindowDefinition) -> str:
        """What stands in the parentheses of OVER (...) or of WINDOW w AS (...)."""
        parts = []
        if window.base is not None:
            parts.append(quote_identifier(window.base))
        if window.partition_by:
            parts.append(f"PARTITION BY {self.join(window.partition_by)}")
        if window.order_by:
            parts.append(f"ORDER BY {self.order(window.order_by)}")
        frame = window.frame
        if frame is not None:
            start, end = self._frame_bound(frame.start), self._frame_bound(frame.end)
            ends = f"BETWEEN {start} AND {end}" if frame.is_between else start
            parts.append(f"{frame.unit.upper()} {ends}")
            if frame.exclude != "no others":
                parts.append(f"EXCLUDE {frame.exclude.upper()}")
        return " ".join(parts)

    def _frame_bound(self, bound: FrameBound) -> str:
        if bound.offset is None:
            return bound.kind.upper()
        return f"{self.operand(bound.offset)} {bound.kind.upper()}"


def write_type(type_name: TypeName) -> str:
    """A type as a person writes it."""
    name, space, zone = type_name.name.partition(" with")
    if type_name.schema is not None or type_name.name not in _TYPE_WORDS:
        name, space, zone = quote_qualified(type_name.schema, type_name.name), "", ""
    if name == "character" and not type_name.modifiers:
        name = "bpchar"  # `character` alone means character(1).
    if type_name.interval_fields is not None:
        name += f" {type_name.interval_fields}"
    if type_name.modifiers:
        name += f"({','.join(map(str, type_name.modifiers))})"
    prefix = "SETOF " if type_name.is_setof else ""
    return f"{prefix}{name}{space}{zone}{'[]' * type_name.array_dimensions}"


def _write_literal(_writer: ExpressionWriter, node: Literal) -> str:
    kind = node.kind
    if kind is Literal.Kind.STRING:
        return quote_literal(node.text)
    if kind is Literal.Kind.NULL:
        return "NULL"
    if kind is Literal.Kind.BIT_STRING:
        return f"X'{node.text[1:]}'" if node.text.startswith("x") else f"B'{node.text}'"
    return node.text


def _write_parameter(_writer: ExpressionWriter, node: Parameter) -> str:
    return f"${node.index + 1}"


def _write_name(_writer: ExpressionWriter, node: Name) -> str:
    return quote_qualified(*node.parts)


def _write_star(_writer: ExpressionWriter, node: Star) -> str:
    return "".join([f"{quote_identifier(part)}." for part in node.qualifier]) + "*"


def _symbol(node: Unary | Binary) -> str:
    if node.schema is None:
        return node.operator
    return f"OPERATOR({quote_identifier(node.schema)}.{node.operator})"


def _write_unary(writer: ExpressionWriter, node: Unary) -> str:
    return f"{_symbol(node)} {writer.operand(node.operand)}"


def _write_binary(writer: ExpressionWriter, node: Binary) -> str:
    return f"{writer.operand(node.left)} {_symbol(node)} {writer.operand(node.right)}"


def _write_pattern(writer: ExpressionWriter, node: PatternMatch) -> str:
    negation = "NOT " if node.is_negated else ""
    text = f"{writer.operand(node.operand)} {negation}{node.kind.upper()} {writer.operand(node.pattern)}"
    return text if node.escape is None else f"{text} ESCAPE {writer.operand(node.escape)}"


def _write_and(writer: ExpressionWriter, node: And) -> str:
    return " AND ".join([writer.operand(operand) for operand in node.operands])


def _write_or(writer: ExpressionWriter, node: Or) -> str:
    return " OR ".join([writer.operand(operand) for operand in node.operands])


def _write_not(writer: ExpressionWriter, node: Not) -> str:
    return f"NOT {writer.operand(node.operand)}"


def _write_is_null(writer: ExpressionWriter, node: IsNull) -> str:
    return f"{writer.operand(node.operand)} IS {'NOT ' if node.is_negated else ''}NULL"


def _write_is_boolean(writer: ExpressionWriter, node: IsBoolean) -> str:
    word = "UNKNOWN" if node.value is None else str(node.value).upper()
    return f"{writer.operand(node.operand)} IS {'NOT ' if node.is_negated else ''}{word}"


def _write_is_distinct(writer: ExpressionWriter, node: IsDistinct) -> str:
    words = "IS NOT DISTINCT FROM" if node.is_negated else "IS DISTINCT FROM"
    return f"{writer.operand(node.left)} {words} {writer.operand(node.right)}"


def _write_between(writer: ExpressionWriter, node: Between) -> str:
    negation = "NOT " if node.is_negated else ""
    symmetric = " SYMMETRIC" if node.is_symmetric else ""
    return (
        f"{writer.operand(node.operand)} {negation}BETWEEN{symmetric}"
        f" {writer.operand(node.low)} AND {writer.operand(node.high)}"
    )


def _write_in_list(writer: ExpressionWriter, node: InList) -> str:
    negation = "NOT " if node.is_negated else ""
    return f"{writer.operand(node.operand)} {negation}IN ({writer.join(node.items)})"


def _write_cast(writer: ExpressionWriter, node: Cast) -> str:
    return f"{writer.operand(node.operand)}::{write_type(node.type_name)}"


def _write_case(writer: ExpressionWriter, node: Case) -> str:
    parts = ["CASE"]
    if node.operand is not None:
        parts.append(writer.operand(node.operand))
    parts.extend(
        [
            f"WHEN {writer.write(branch.condition)} THEN {writer.write(branch.result)}"
            for branch in node.branches
        ]
    )
    if node.default is not None:
        parts.append(f"ELSE {writer.write(node.default)}")
    parts.append("END")
    return " ".join(parts)


def _write_coalesce(writer: ExpressionWriter, node: Coalesce) -> str:
    return f"COALESCE({writer.join(node.operands)})"


def _write_nullif(writer: ExpressionWriter, node: NullIf) -> str:
    return f"NULLIF({writer.write(node.left)}, {writer.write(node.right)})"


def _write_extreme(writer: ExpressionWriter, node: Extreme) -> str:
    return f"{'GREATEST' if node.is_greatest else 'LEAST'}({writer.join(node.operands)})"


def _write_call(writer: ExpressionWriter, node: FunctionCall) -> str:
    special = _write_special_call(writer, node)
    if special is not None:
        return special
    text = f"{quote_qualified(*node.name)}({_write_arguments(writer, node)})"
    if node.is_within_group:
        text += f" WITHIN GROUP (ORDER BY {writer.order(node.order_by)})"
    if node.filter is not None:
        text += f" FILTER (WHERE {writer.write(node.filter)})"
    window = node.window
    if window is None:
        return text
    if window.name is not None:
        return f"{text} OVER {quote_identifier(window.name)}"
    return f"{text} OVER ({writer.window(window)})"


def _write_special_call(writer: ExpressionWriter, node: FunctionCall) -> str | None:
    """The spellings that read better than a call by a quoted name; None for a plain call."""
    if node.window is not None:
        return None
    if node.is_sql_syntax and node.name[-1] in _VALUE_FUNCTIONS:
        arguments = f"({writer.join(node.arguments)})" if node.arguments else ""
        return node.name[-1].upper() + arguments
    return write_sql_syntax(writer.write, node)


def _write_arguments(writer: ExpressionWriter, node: FunctionCall) -> str:
    if node.is_star:
        return "*"
    names = {index: name for name, index in node.argument_names}
    arguments = []
    for index, argument in enumerate(node.arguments):
        text = writer.write(argument)
        if index in names:
            text = f"{quote_identifier(names[index])} => {text}"
        if node.is_variadic and index == len(node.arguments) - 1:
            text = f"VARIADIC {text}"
        arguments.append(text)
    inside = ", ".join(arguments)
    if node.is_distinct:
        inside = f"DISTINCT {inside}"
    if node.order_by and not node.is_within_group:
        inside += f" ORDER BY {writer.order(node.order_by)}"
    return inside


def _write_subquery(writer: ExpressionWriter, node: Subquery) -> str:
    return writer.query(node.query)


def _write_exists(writer: ExpressionWriter, node: Exists) -> str:
    return f"EXISTS {writer.query(node.query)}"


def _write_array_subquery(writer: ExpressionWriter, node: ArraySubquery) -> str:
    return f"ARRAY{writer.query(node.query)}"


def _write_quantified_subquery(writer: ExpressionWriter, node: QuantifiedSubquery) -> str:
    words = f"{node.operator} {'ALL' if node.is_all else 'ANY'}"
    if node.is_not_in:
        words = "NOT IN"
    return f"{writer.operand(node.operand)} {words} {writer.query(node.query)}"


def _write_quantified_array(writer: ExpressionWriter, node: QuantifiedArray) -> str:
    word = "ALL" if node.is_all else "ANY"
    return f"{writer.operand(node.operand)} {node.operator} {word} ({writer.write(node.array)})"


def _write_row(writer: ExpressionWriter, node: Row) -> str:
    return f"ROW({writer.join(node.items)})"


def _write_array(writer: ExpressionWriter, node: ArrayConstructor) -> str:
    return f"ARRAY[{writer.join(node.items)}]"


def _write_subscript(writer: ExpressionWriter, node: Subscript) -> str:
    index = "" if node.index is None else writer.write(node.index)
    if node.is_slice:
        index += ":" + ("" if node.upper is None else writer.write(node.upper))
    operand = writer.write(node.operand)
    return f"{operand}[{index}]" if node.is_joined else f"({operand})[{index}]"


def _write_field(writer: ExpressionWriter, node: FieldAccess) -> str:
    field = "*" if node.field == "*" else quote_identifier(node.field)
    return f"({writer.write(node.operand)}).{field}"


def _write_collate(writer: ExpressionWriter, node: Collate) -> str:
    return f"{writer.operand(node.operand)} COLLATE {quote_qualified(*node.collation)}"


def _write_grouping(writer: ExpressionWriter, node: Grouping) -> str:
    return f"GROUPING({writer.join(node.operands)})"


def _write_default(_writer: ExpressionWriter, _node: Default) -> str:
    return "DEFAULT"


# Any, because the key says what type of node the function takes.
_WRITERS: dict[type, Callable[[ExpressionWriter, Any], str]] = {
    And: _write_and,
    ArrayConstructor: _write_array,
    ArraySubquery: _write_array_subquery,
    Between: _write_between,
    Binary: _write_binary,
    Case: _write_case,
    Cast: _write_cast,
    Coalesce: _write_coalesce,
    Collate: _write_collate,
    Default: _write_default,
    Exists: _write_exists,
    Extreme: _write_extreme,
    FieldAccess: _write_field,
    FunctionCall: _write_call,
    Grouping: _write_grouping,
    InList: _write_in_list,
    IsBoolean: _write_is_boolean,
    IsDistinct: _write_is_distinct,
    IsNull: _write_is_null,
    Literal: _write_literal,
    Name: _write_name,
    Not: _write_not,
    NullIf: _write_nullif,
    Or: _write_or,
    Parameter: _write_parameter,
    PatternMatch: _write_pattern,
    QuantifiedArray: _write_quantified_array,
    QuantifiedSubquery: _write_quantified_subquery,
    Row: _write_row,
    Star: _write_star,
    Subquery: _write_subquery,
    Subscript: _write_subscript,
    Unary: _write_unary,
    **JSON_WRITERS,
}
