"""Stored expressions as pg_get_expr shows them: every cast said, and every operator in parentheses unless `is_pretty`.

The text that the user wrote is what is kept; this is made of it when somebody asks. What cannot be written back is shown as it was
written.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.catalog import Catalog
from lungfish.catalog.objects import Column, Table
from lungfish.planner.bind_stored import bind_over_table, parse_expression
from lungfish.planner.bind_trace import BindTrace
from lungfish.planner.binder import new_state
from lungfish.planner.deparse import Deparsing, translate_over_table, write_expression
from lungfish.planner.deparse.nodes import CollateNode, Func, Listed, Node, NullIf, Word
from lungfish.planner.deparse.translate_call import typed_literal
from lungfish.planner.expressions import Constant
from lungfish.planner.scope import Clause
from lungfish.sql.ast.expressions import Literal
from lungfish.sql.quoting import quote_identifier
from lungfish.types.sql_type import UNKNOWN

_CLAUSES = {clause.value: clause for clause in Clause}
_DEFAULT_COLLATION = "default"
_PLAIN = Deparsing(("public",))


def show_stored(
    text: str, table: Table, catalog: Catalog, *, what: str, how: Deparsing = _PLAIN
) -> str:
    """The expression's text; `what` is one of `Clause`'s values."""
    node = _read(text, table, catalog, what, how)
    if node is None:
        return text if how.is_pretty else f"({text})"
    return write_expression(node, catalog, how)


def show_default(
    text: str, table: Table, column: Column, catalog: Catalog, *, how: Deparsing = _PLAIN
) -> str:
    """The text of a column's default, a bare literal being of the column's type."""
    literal = parse_expression(text)
    empty = replace(table, columns=())
    if isinstance(literal, Literal) and literal.kind in (Literal.Kind.STRING, Literal.Kind.NULL):
        value = None if literal.kind is Literal.Kind.NULL else literal.text
        try:
            typed = typed_literal(Constant(value, UNKNOWN), column.type.base.unmodified)
            return write_expression(typed, catalog, how)
        except errors.Error:
            return f"({text})"
    node = _read(text, empty, catalog, Clause.DEFAULT.value, how)
    return f"({text})" if node is None else write_expression(node, catalog, how)


def show_key(text: str, table: Table, catalog: Catalog, *, how: Deparsing = _PLAIN) -> str:
    """An index's expression: in parentheses, unless it looks like a call; behind them its collation."""
    node = _read(text, table, catalog, Clause.INDEX.value, how)
    if node is None:
        return f"({text})"
    collation = ""
    while isinstance(node, CollateNode):
        if node.collation != _DEFAULT_COLLATION:
            collation = collation or f" COLLATE {quote_identifier(node.collation)}"
        node = node.operand
    shown = write_expression(node, catalog, how)
    is_call = isinstance(node, Func | Listed | NullIf | Word)
    return (shown if is_call else f"({shown})") + collation


def _read(text: str, table: Table, catalog: Catalog, what: str, how: Deparsing) -> Node | None:
    """The expression as it was analysed; None if it is to be shown as it was written."""
    state = new_state(catalog, ("public",))
    trace = BindTrace(how.search_path)
    trace.attach(state)
    try:
        bound = bind_over_table(parse_expression(text), table, state, _CLAUSES[what])
        return translate_over_table(bound, table, trace, catalog)
    except errors.Error:
        # It names what is found by another search path, or holds what cannot be written back.
        return None
