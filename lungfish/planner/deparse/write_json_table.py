"""JSON_TABLE written as ruleutils.c writes it: a line for each column, nested ones indented by four more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.planner.deparse.json_table_nodes import JsonColumnNode, JsonTableNode
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.sql.unparse_json import wrapper_words

if TYPE_CHECKING:
    from lungfish.planner.deparse.write_expression import ExpressionWriter

_INDENT = 4


def write_json_table(writer: ExpressionWriter, node: JsonTableNode) -> None:
    """The whole of it, without its alias."""
    layout = writer.layout
    layout.add("JSON_TABLE(")
    layout.indent += _INDENT
    _line(writer)
    writer.write(node.context, show_implicit=True)
    layout.add(f", {quote_literal(node.path)} AS {quote_identifier(node.path_name)}")
    if node.passing:
        _line(writer, "PASSING")
        layout.indent += _INDENT
        for index, (name, value) in enumerate(node.passing):
            layout.add("," if index else "")
            _line(writer)
            writer.write(value, show_implicit=True)
            layout.add(f" AS {quote_identifier(name)}")
        layout.indent -= _INDENT
    _line(writer, "COLUMNS (")
    _columns(writer, node.columns)
    _line(writer, ")")
    layout.add(" ERROR ON ERROR" if node.raises_errors else "")
    layout.indent -= _INDENT
    _line(writer, ")")


def _line(writer: ExpressionWriter, word: str = "") -> None:
    writer.layout.keyword(word)


def _columns(writer: ExpressionWriter, columns: tuple[JsonColumnNode, ...]) -> None:
    """A plan's own columns, then the plans below it."""
    writer.layout.indent += _INDENT
    own = [column for column in columns if column.kind != "nested"]
    nested = [column for column in columns if column.kind == "nested"]
    for index, column in enumerate([*own, *nested]):
        writer.layout.add("," if index else "")
        _line(writer)
        if column.kind == "nested":
            _nested(writer, column)
        else:
            _column(writer, column)
    writer.layout.indent -= _INDENT


def _nested(writer: ExpressionWriter, column: JsonColumnNode) -> None:
    name = quote_identifier(column.path_name)
    writer.layout.add(f"NESTED PATH {quote_literal(column.path)} AS {name}")
    _line(writer, "COLUMNS (")
    _columns(writer, column.columns)
    _line(writer, ")")


def _column(writer: ExpressionWriter, column: JsonColumnNode) -> None:
    add = writer.layout.add
    name = quote_identifier(column.name)
    if column.kind == "ordinality":
        add(f"{name} FOR ORDINALITY")
        return
    assert column.type is not None, "only FOR ORDINALITY has no type"
    add(f"{name} {writer.type(column.type)}")
    add(" EXISTS" if column.kind == "exists" else " FORMAT JSON" if column.has_format else "")
    add(f" PATH {quote_literal(column.path)}")
    if column.kind == "query":
        add(wrapper_words(column.wrapper, "omit" if column.omits_quotes else "keep"))
    for clause, behavior in (("EMPTY", column.on_empty), ("ERROR", column.on_error)):
        if behavior is not None:
            add(f" {behavior.kind.upper()}")
            if behavior.default is not None:
                add(" ")
                writer.write(behavior.default, show_implicit=True)
            add(f" ON {clause}")
