"""Stored expressions: defaults, checks, generated columns, index keys and predicates, kept in the catalog as text.

They are parsed as the one target of a SELECT, and bound with the table's columns by *position*: ColumnRef(i) is column i of
the table, which is what the executor evaluates them over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from lungfish import errors
from lungfish.catalog.objects import Column, Table
from lungfish.catalog.type_uses import domain_default
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_assignment, coerce_boolean, resolve_unknown
from lungfish.planner.derive_collations import derive_in_expression
from lungfish.planner.expressions import BoundExpression, ColumnRef, Constant
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql import parse
from lungfish.sql.ast.expressions import Expression, FunctionCall, Literal
from lungfish.sql.ast.queries import Query, Select
from lungfish.types.sql_type import TypeKind

# Stored expressions name what they use with its schema, unless it is built in.
_SEARCH_PATH = ("public",)

BOOLEAN_CLAUSES = {
    Clause.CHECK: "CHECK",
    Clause.INDEX_PREDICATE: "WHERE",
    Clause.COPY_WHERE: "WHERE",
}


def require_no_statements(state: BindState, clause: Clause) -> None:
    """Raise FeatureNotSupported if what was bound for an index runs statements: storage evaluates it where none can be run."""
    if state.calls_routines and clause in (Clause.INDEX, Clause.INDEX_PREDICATE):
        raise errors.FeatureNotSupported(
            f"an SQL function that is more than one expression is not supported in {clause.value}"
        )


_BEFORE = "SELECT "


@contextmanager
def placed_in(text: str) -> Iterator[None]:
    """The place of an error within is one of the expression's text, which the statement may hold."""
    try:
        yield
    except errors.Error as error:
        error.in_part(text, len(_BEFORE))
        raise


@lru_cache(maxsize=1024)
def parse_expression(text: str) -> Expression:
    """The tree of a stored expression's text."""
    statement = parse(_BEFORE + text)[0].statement
    assert isinstance(statement, Query)
    body = statement.body
    assert isinstance(body, Select)
    return body.items[0].expression


def default_of(table: Table, position: int, state: BindState) -> BoundExpression:
    """The default of a column, cast to its type; NULL where it has none, and for generated columns."""
    column = table.columns[position]
    if column.generated is not None:
        return Constant(None, column.type)
    default = column.default
    if default is None and column.type.domain is not None:
        default = domain_default(column.type, state.catalog)
    if default is not None:
        node = parse_expression(default)
    elif column.sequence_oid is not None:
        node = _next_value(column.sequence_oid, state)
    elif column.type.domain is not None:
        node = Literal(Literal.Kind.NULL)
    else:
        return Constant(None, column.type)
    return _bound_default(node, column, state)


def stored_default(text: str, column: Column, state: BindState) -> BoundExpression:
    """A default that a view has for one of its columns, as what the table's column gets."""
    return _bound_default(parse_expression(text), column, state)


def _bound_default(node: Expression, column: Column, state: BindState) -> BoundExpression:
    scope = Scope(state, None)
    scope.clause = Clause.DEFAULT
    try:
        bound = scope.bind(node)
        return coerce_assignment(bound, column.type, column.name, state, -1)
    except errors.Error as error:
        # The place is one in the stored text, not in the statement.
        error.position = None
        raise


def _next_value(sequence_oid: int, state: BindState) -> Expression:
    sequence = state.catalog.object(sequence_oid)  # type: ignore[arg-type]
    assert sequence is not None
    schema = state.catalog.namespace_name(sequence.namespace_oid)  # type: ignore[union-attr]
    name = f'"{schema}"."{sequence.name}"'
    return FunctionCall(("nextval",), (Literal(Literal.Kind.STRING, name),))


def with_generated(
    values: Sequence[BoundExpression], table: Table, state: BindState
) -> list[BoundExpression]:
    """The values of a row's columns with those of its generated columns in their places."""
    made = list(values)
    for at, column in enumerate(table.columns):
        if column.generated is not None:
            made[at] = _generated_value(column, table, values, None, state)
    return made


def with_virtual(
    values: Sequence[BoundExpression],
    table: Table,
    state: BindState,
    *,
    table_oid: BoundExpression | None = None,
) -> Sequence[BoundExpression]:
    """The columns of a stored row with what virtual ones are in their places: for those who read it. `table_oid` is what `tableoid`
    means there, where rows of other tables are read too: even those are read by the expressions of this one."""
    made: list[BoundExpression] | None = None
    for at, column in enumerate(table.columns):
        if column.is_virtual:
            made = list(values) if made is None else made
            made[at] = _generated_value(column, table, values, table_oid, state)
    return values if made is None else made


def _generated_value(
    column: Column,
    table: Table,
    values: Sequence[BoundExpression],
    table_oid: BoundExpression | None,
    state: BindState,
) -> BoundExpression:
    assert column.generated is not None, "asked of generated columns"
    entry = RangeEntry(table.name, [each.name for each in table.columns], refs=values)
    entry.table, entry.table_oid = table, table_oid
    outer_path, frame, trace = state.search_path, state.routine, state.trace
    state.search_path, state.routine, state.trace = _SEARCH_PATH, None, None
    try:
        bound = bind_over_entry(parse_expression(column.generated), entry, state, Clause.GENERATED)
        return coerce_assignment(bound, column.type, column.name, state, -1)
    except errors.Error as error:
        # The place is one in the stored text, not in the statement.
        error.position = None
        raise
    finally:
        state.search_path, state.routine, state.trace = outer_path, frame, trace


def bind_over_table(
    node: Expression, table: Table, state: BindState, clause: Clause
) -> BoundExpression:
    """An expression over the columns of one row of the table, by position."""
    return _settled(bind_over_entry(node, entry_of(table, state), state, clause), table, state)


def _settled(bound: BoundExpression, table: Table, state: BindState) -> BoundExpression:
    """The expression over a row of the table with its collations derived."""
    state.note_collations(table.columns)
    if state.has_collations and state.trace is None:
        return derive_in_expression(bound, table.columns, state)
    return bound


def bind_over_stored_row(
    node: Expression, table: Table, state: BindState, clause: Clause
) -> BoundExpression:
    """The same to be computed of a stored row: virtual columns are what they are computed of."""
    entry = entry_of(table, state)
    if table.virtual_positions:
        refs = with_virtual(entry.refs(), table, state)
        schema = entry.schema
        entry = RangeEntry(table.name, entry.names, refs=refs)
        entry.table, entry.schema = table, schema
    return _settled(bind_over_entry(node, entry, state, clause), table, state)


def entry_of(table: Table, state: BindState) -> RangeEntry:
    """The columns of one row of the table, by position."""
    refs = [
        ColumnRef(position, column.type, column.name)
        for position, column in enumerate(table.columns)
    ]
    state.reserve_columns(len(refs))
    entry = RangeEntry(table.name, [column.name for column in table.columns], refs=refs)
    entry.table = state.stored_with = table
    # What stands for a domain's value is in no schema.
    if table.namespace_oid:
        entry.schema = state.catalog.namespace_name(table.namespace_oid)
    return entry


def bind_over_entry(
    node: Expression, entry: RangeEntry, state: BindState, clause: Clause
) -> BoundExpression:
    """An expression over the columns of one entry."""
    scope = Scope(state, None, [entry])
    scope.clause = clause
    bound = scope.bind(node)
    if clause in BOOLEAN_CLAUSES:
        return coerce_boolean(bound, BOOLEAN_CLAUSES[clause], state, node.position)
    if bound.type.kind is TypeKind.UNKNOWN:
        return resolve_unknown(bound, state, node.position)
    return bound
