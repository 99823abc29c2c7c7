"""Stored expressions as pg_get_expr shows them: every operator in parentheses, every cast said.

The text that the user wrote is what is kept; this is made of it when somebody asks. What has no counterpart in a bound expression
(subqueries) is shown as it was written.
"""

from __future__ import annotations

import dataclasses

from lungfish import errors
from lungfish.catalog import Catalog
from lungfish.catalog.objects import Column, Table
from lungfish.planner.bind_expression import COLLATE
from lungfish.planner.bind_stored import bind_over_table, parse_expression
from lungfish.planner.binder import new_state
from lungfish.planner.explain_expression import Writer, write_constant
from lungfish.planner.expression_tree import walk
from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    ColumnRef,
    Constant,
    ExtremeExpr,
    InListExpr,
    SubqueryExpr,
)
from lungfish.planner.scope import Clause
from lungfish.sql.ast.expressions import Literal
from lungfish.sql.quoting import quote_identifier
from lungfish.types.sql_type import NAME, SqlType, TypeKind

_CLAUSES = {clause.value: clause for clause in Clause}
# Written without parentheses.
_BARE_WORDS = frozenset(
    {"current_date", "current_user", "session_user", "current_role", "user", "current_catalog", "current_schema",
     "current_timestamp", "localtimestamp", "current_time", "localtime"}
)  # fmt: skip
_DEFAULT_COLLATION = Constant("default", NAME)
_SEQUENCE_FUNCTIONS = frozenset({"nextval", "currval", "setval"})


def show_stored(text: str, table: Table, catalog: Catalog, *, what: str) -> str:
    """The expression's text; `what` is one of `Clause`'s values."""
    bound = _bound(text, table, catalog, what)
    return f"({text})" if bound is None else _written(bound, table)


def show_default(text: str, table: Table, column: Column, catalog: Catalog) -> str:
    """The text of a column's default, a bare literal being of the column's type."""
    bound = _bound(text, dataclasses.replace(table, columns=()), catalog, Clause.DEFAULT.value)
    if bound is None:
        return f"({text})"
    if isinstance(bound, Constant) and column.type.domain is None:
        literal = parse_expression(text)
        if isinstance(literal, Literal) and literal.kind is Literal.Kind.STRING:
            return (
                f"{write_constant(bound).rpartition('::')[0]}::{_type_name(column.type.unmodified)}"
            )
    return _written(bound, table)


def show_key(text: str, table: Table, catalog: Catalog) -> str:
    """An index's expression: in parentheses, unless it looks like a call; behind them its collation."""
    bound = _bound(text, table, catalog, Clause.INDEX.value)
    collation = ""
    while isinstance(bound, Call) and bound.function is COLLATE:
        bound, name = bound.arguments
        if name != _DEFAULT_COLLATION:
            collation = collation or f" COLLATE {_collation(name)}"
    if bound is None:
        return f"({text})"
    shown = _written(bound, table)
    is_call = isinstance(bound, (CoalesceExpr, ExtremeExpr)) or (
        isinstance(bound, Call) and shown[0].isalpha()
    )
    return (shown if is_call else f"({shown})") + collation


def _bound(text: str, table: Table, catalog: Catalog, what: str) -> BoundExpression | None:
    """The expression without anything made simpler; None if it is to be shown as it was written."""
    state = new_state(catalog, ("public",))
    state.keeps_collations = True
    try:
        bound = bind_over_table(parse_expression(text), table, state, _CLAUSES[what])
    except errors.Error:
        # It names what is found by another search path.
        return None
    if any(isinstance(part, SubqueryExpr) for part in walk(bound)):
        return None
    return bound


def _written(bound: BoundExpression, table: Table) -> str:
    if isinstance(bound, CastTo) and not bound.is_explicit:
        bound = bound.operand
    names = tuple(quote_identifier(column.name) for column in table.columns)
    return _StoredWriter(names).write(bound)


@dataclasses.dataclass(frozen=True, slots=True)
class _StoredWriter(Writer):
    """As EXPLAIN writes, but before anything was made simpler."""

    def write(self, node: BoundExpression) -> str:
        """The expression as text."""
        match node:
            case Constant():
                return _constant(node)
            case CastTo():
                return f"({self.write(node.operand)})::{_type_name(node.type)}"
            case CaseExpr() if _is_nullif(node):
                ((condition, _),) = node.branches
                return f"NULLIF({', '.join(map(self.write, condition.arguments))})"  # type: ignore[union-attr]
            case CaseExpr():
                branches = "".join(
                    f"\n    WHEN {self.write(condition)} THEN {self.write(result)}"
                    for condition, result in node.branches
                )
                return f"\nCASE{branches}\n    ELSE {self.write(node.default)}\nEND"
        return Writer.write(self, node)

    def _in_list(self, node: InListExpr) -> str:
        operator, word = ("<>", "ALL") if node.is_negated else ("=", "ANY")
        items = ", ".join(map(self.write, node.items))
        return f"({self.write(node.operand)} {operator} {word} (ARRAY[{items}]))"

    def _call(self, node: Call) -> str:
        name, arguments = node.function.name, node.arguments
        if name in _SEQUENCE_FUNCTIONS and _is_name(arguments[0]):
            sequence, *rest = map(self.write, arguments)
            shown = sequence.rpartition("::")[0]
            return f"{name}({', '.join([f'{shown}::regclass', *rest])})"
        if node.function is COLLATE:
            return f"({self.write(arguments[0])} COLLATE {_collation(arguments[1])})"
        if name in _BARE_WORDS and not arguments:
            return name.upper()
        if name == "position":
            text, part = map(self.write, arguments)
            return f"POSITION(({part}) IN ({text}))"
        if name == "extract" and isinstance(arguments[0], Constant):
            return f"EXTRACT({arguments[0].value} FROM {self.write(arguments[1])})"
        if name == "array_subscript":
            array, *indices = map(self.write, arguments)
            shown = array if isinstance(arguments[0], ColumnRef) else f"({array})"
            return shown + "".join(f"[{index}]" for index in indices)
        return Writer._call(self, node)


def _constant(node: Constant) -> str:
    """A constant as it was written: a number that stands for one of another type was cast to it."""
    if node.value is not None and node.type.kind in (TypeKind.DOUBLE, TypeKind.REAL):
        number = write_constant(node).split("'")[1]
        return f"({number})::{node.type}" if number[0].isdigit() else write_constant(node)
    shown = write_constant(node)
    if node.type.kind is TypeKind.NUMERIC and shown.isdigit():
        return f"({shown})::numeric"
    if node.type.kind is TypeKind.CHAR and shown.endswith("::character"):
        return f"{shown.removesuffix('character')}bpchar"
    return shown


def _collation(name: BoundExpression) -> str:
    assert isinstance(name, Constant)
    return quote_identifier(name.value)


def _type_name(sql_type: SqlType) -> str:
    if sql_type.kind is TypeKind.CHAR and not sql_type.modifiers:
        return "bpchar"
    return str(sql_type)


def _is_nullif(node: CaseExpr) -> bool:
    """Whether it is `CASE WHEN a = b THEN NULL ELSE a END`, which the binder makes of NULLIF(a, b)."""
    if len(node.branches) != 1:
        return False
    condition, result = node.branches[0]
    is_null = isinstance(result, Constant) and result.value is None
    return is_null and isinstance(condition, Call) and condition.arguments[0] == node.default


def _is_name(node: BoundExpression) -> bool:
    return isinstance(node, Constant) and node.type.kind is TypeKind.TEXT
