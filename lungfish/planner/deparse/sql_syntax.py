"""Functions that SQL calls with keywords: EXTRACT, SUBSTRING, TRIM, AT TIME ZONE and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.planner.deparse.nodes import Const, Func, Node

if TYPE_CHECKING:
    from lungfish.planner.deparse.write_expression import ExpressionWriter

_TRIMS = {"btrim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}
# Words between the arguments; a call with fewer has fewer of them.
_SEPARATED = {
    "overlay": ("OVERLAY(", " PLACING ", " FROM ", " FOR "),
    "substring": ("SUBSTRING(", " FROM ", " FOR "),
    "substring similar": ("SUBSTRING(", " SIMILAR ", " ESCAPE "),
    "pg_collation_for": ("COLLATION FOR (",),
}


def write_sql_syntax(writer: ExpressionWriter, node: Func) -> bool:
    """Write the call with its keywords; False if it has none."""
    name, arguments = node.name, node.arguments
    add, write = writer.layout.add, writer.write
    if name in _SEPARATED:
        for word, argument in zip(_SEPARATED[name], arguments, strict=False):
            add(word)
            write(argument)
        add(")")
    elif name in _TRIMS:
        add(f"TRIM({_TRIMS[name]}")
        if len(arguments) == 2:
            add(" ")
            write(arguments[1])
        add(" FROM ")
        write(arguments[0])
        add(")")
    elif name == "timezone":
        add("(")
        writer.within(arguments[-1], node, show_implicit=False)
        if len(arguments) == 2:
            add(" AT TIME ZONE ")
            writer.within(arguments[0], node, show_implicit=False)
            add(")")
        else:
            add(" AT LOCAL)")
    elif name == "extract":
        add(f"EXTRACT({_word(arguments[0])} FROM ")
        write(arguments[1])
        add(")")
    elif name == "position":
        add("POSITION((")
        write(arguments[1])
        add(") IN (")
        write(arguments[0])
        add("))")
    elif name == "overlaps":
        _write_overlaps(writer, arguments)
    elif name == "normalize":
        add("NORMALIZE(")
        write(arguments[0])
        add(f", {_word(arguments[1])})" if len(arguments) == 2 else ")")
    elif name == "is_normalized":
        add("(")
        writer.within(arguments[0], node, show_implicit=False)
        add(f" IS {_word(arguments[1])} NORMALIZED)" if len(arguments) == 2 else " IS NORMALIZED)")
    else:
        return False
    return True


def _write_overlaps(writer: ExpressionWriter, arguments: tuple[Node, ...]) -> None:
    for word, argument in zip(("((", ", ", ") OVERLAPS (", ", "), arguments, strict=True):
        writer.layout.add(word)
        writer.write(argument)
    writer.layout.add("))")


def _word(node: Node) -> str:
    assert isinstance(node, Const), "the grammar takes a word only"
    return str(node.value)
