"""SQL/JSON back to SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from lungfish.sql.ast.expressions import Expression, TypeName, WindowDefinition
from lungfish.sql.ast.json import (
    IsJson,
    JsonAggregate,
    JsonArray,
    JsonArrayQuery,
    JsonBehavior,
    JsonFormat,
    JsonObject,
    JsonParse,
    JsonQuery,
    JsonReturning,
    JsonScalar,
    JsonSerialize,
    JsonTable,
    JsonTableColumn,
    JsonValue,
)
from lungfish.sql.ast.queries import OrderItem, Query
from lungfish.sql.quoting import quote_identifier, quote_literal


class Writer(Protocol):
    """What writes the parts: `unparse_expressions.ExpressionWriter`."""

    def write(self, expression: Expression) -> str: ...
    def operand(self, expression: Expression) -> str: ...
    def query(self, query: Query) -> str: ...
    def order(self, items: Iterable[OrderItem]) -> str: ...
    def window(self, window: WindowDefinition) -> str: ...
    def type_name(self, type_name: TypeName) -> str: ...


def _format(written: JsonFormat | None) -> str:
    if written is None:
        return ""
    return " FORMAT JSON" + (f" ENCODING {written.encoding}" if written.encoding else "")


def _value(writer: Writer, value: JsonValue) -> str:
    return writer.write(value.expression) + _format(value.format)


def _returning(writer: Writer, returning: JsonReturning | None) -> str:
    if returning is None:
        return ""
    return f" RETURNING {writer.type_name(returning.type_name)}{_format(returning.format)}"


def _behavior(writer: Writer, behavior: JsonBehavior | None, clause: str) -> str:
    if behavior is None:
        return ""
    default = "" if behavior.expression is None else f" {writer.operand(behavior.expression)}"
    return f" {behavior.kind.upper()}{default} ON {clause}"


def wrapper_words(wrapper: str, quotes: str) -> str:
    """The clauses of a wrapper and of quotes, each with a blank before it."""
    text = {"": "", "none": " WITHOUT WRAPPER"}.get(wrapper, f" WITH {wrapper.upper()} WRAPPER")
    return text + (f" {quotes.upper()} QUOTES" if quotes else "")


def _passing(writer: Writer, passing: tuple[tuple[str, JsonValue], ...]) -> str:
    if not passing:
        return ""
    written = [f"{_value(writer, value)} AS {quote_identifier(name)}" for name, value in passing]
    return f" PASSING {', '.join(written)}"


def _write_object(writer: Writer, node: JsonObject) -> str:
    members = ", ".join(
        f"{writer.operand(each.key)} : {_value(writer, each.value)}" for each in node.members
    )
    text = members + " ABSENT ON NULL" * node.is_absent_on_null
    text += " WITH UNIQUE KEYS" * node.has_unique_keys
    return f"JSON_OBJECT({text}{_returning(writer, node.returning)})"


def _write_array(writer: Writer, node: JsonArray) -> str:
    items = ", ".join(_value(writer, item) for item in node.items)
    nulls = "" if node.is_absent_on_null or not node.items else " NULL ON NULL"
    return f"JSON_ARRAY({items}{nulls}{_returning(writer, node.returning)})"


def _write_array_query(writer: Writer, node: JsonArrayQuery) -> str:
    inside = writer.query(node.query)[1:-1]
    return f"JSON_ARRAY({inside}{_format(node.format)}{_returning(writer, node.returning)})"


def _write_aggregate(writer: Writer, node: JsonAggregate) -> str:
    inside = _value(writer, node.value)
    if node.key is not None:
        inside = (
            f"{writer.operand(node.key)} : {inside}" + " ABSENT ON NULL" * node.is_absent_on_null
        )
        inside += " WITH UNIQUE KEYS" * node.has_unique_keys
    else:
        if node.order_by:
            inside += f" ORDER BY {writer.order(node.order_by)}"
        inside += "" if node.is_absent_on_null else " NULL ON NULL"
    name = "JSON_ARRAYAGG" if node.key is None else "JSON_OBJECTAGG"
    text = f"{name}({inside}{_returning(writer, node.returning)})"
    if node.filter is not None:
        text += f" FILTER (WHERE {writer.write(node.filter)})"
    if node.window is None:
        return text
    if node.window.name is not None:
        return f"{text} OVER {quote_identifier(node.window.name)}"
    return f"{text} OVER ({writer.window(node.window)})"


def _write_parse(writer: Writer, node: JsonParse) -> str:
    unique = " WITH UNIQUE KEYS" if node.has_unique_keys else ""
    return f"JSON({_value(writer, node.value)}{unique})"


def _write_scalar(writer: Writer, node: JsonScalar) -> str:
    return f"JSON_SCALAR({writer.write(node.operand)})"


def _write_serialize(writer: Writer, node: JsonSerialize) -> str:
    return f"JSON_SERIALIZE({_value(writer, node.value)}{_returning(writer, node.returning)})"


def _write_is_json(writer: Writer, node: IsJson) -> str:
    kind = "" if node.item_kind == "value" else f" {node.item_kind.upper()}"
    unique = " WITH UNIQUE KEYS" if node.has_unique_keys else ""
    operand = writer.operand(node.operand.expression) + _format(node.operand.format)
    return f"{operand} IS JSON{kind}{unique}"


def _write_query(writer: Writer, node: JsonQuery) -> str:
    text = f"{_value(writer, node.context)}, {writer.write(node.path)}"
    text += _passing(writer, node.passing) + _returning(writer, node.returning)
    text += wrapper_words(node.wrapper, node.quotes)
    text += _behavior(writer, node.on_empty, "EMPTY") + _behavior(writer, node.on_error, "ERROR")
    return f"JSON_{node.function.upper()}({text})"


def _write_column(writer: Writer, column: JsonTableColumn) -> str:
    if column.kind == "nested":
        assert column.path is not None
        name = "" if column.path_name is None else f" AS {quote_identifier(column.path_name)}"
        inside = ", ".join(_write_column(writer, each) for each in column.columns)
        return f"NESTED PATH {quote_literal(column.path)}{name} COLUMNS ({inside})"
    if column.kind == "ordinality":
        return f"{quote_identifier(column.name)} FOR ORDINALITY"
    assert column.type_name is not None
    text = f"{quote_identifier(column.name)} {writer.type_name(column.type_name)}"
    text += " EXISTS" if column.kind == "exists" else ""
    text += _format(column.format) if column.kind == "formatted" else ""
    text += "" if column.path is None else f" PATH {quote_literal(column.path)}"
    text += "" if column.kind == "exists" else wrapper_words(column.wrapper, column.quotes)
    text += _behavior(writer, column.on_empty, "EMPTY")
    return text + _behavior(writer, column.on_error, "ERROR")


def write_json_table(writer: Writer, item: JsonTable) -> str:
    """JSON_TABLE(...) without its alias."""
    name = "" if item.path_name is None else f" AS {quote_identifier(item.path_name)}"
    text = f"{_value(writer, item.context)}, {quote_literal(item.path)}{name}"
    columns = ", ".join(_write_column(writer, column) for column in item.columns)
    text += f"{_passing(writer, item.passing)} COLUMNS ({columns})"
    return f"JSON_TABLE({text}{_behavior(writer, item.on_error, 'ERROR')})"


# Any, because the key says what type of node the function takes.
JSON_WRITERS: dict[type, Callable[[Any, Any], str]] = {
    IsJson: _write_is_json,
    JsonAggregate: _write_aggregate,
    JsonArray: _write_array,
    JsonArrayQuery: _write_array_query,
    JsonObject: _write_object,
    JsonParse: _write_parse,
    JsonQuery: _write_query,
    JsonScalar: _write_scalar,
    JsonSerialize: _write_serialize,
}
# These need no parentheses as operands.
JSON_ATOMS = tuple(kind for kind in JSON_WRITERS if kind is not IsJson)
