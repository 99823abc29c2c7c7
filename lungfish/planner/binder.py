"""The door of the binder: a statement's tree in, a logical statement out."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.planner.bind_domain import make_domain_value
from lungfish.planner.bind_expression import bind_expression
from lungfish.planner.bind_guards import Guard
from lungfish.planner.bind_insert import bind_insert
from lungfish.planner.bind_merge import bind_merge
from lungfish.planner.bind_query import bind_query
from lungfish.planner.bind_rule_source import bind_rule_source
from lungfish.planner.bind_state import BindState, Seams
from lungfish.planner.bind_update import bind_delete, bind_update
from lungfish.planner.bind_with import bind_with
from lungfish.planner.derive_collations import derive_collations
from lungfish.planner.logical import LogicalOutput, LogicalStatement
from lungfish.planner.own_operators import cast_with
from lungfish.planner.rule_rewrite import Rewritten, rewrite_by_rules, single_statement
from lungfish.planner.scope import Scope
from lungfish.sql.ast import Statement, dml
from lungfish.sql.ast.queries import Query
from lungfish.types.sql_type import SqlType

Modification = dml.Insert | dml.Update | dml.Delete | dml.Merge


def bind_modification(
    node: Modification, around: Scope, guards: Sequence[Guard] = ()
) -> LogicalOutput:
    """A statement that changes rows, whatever rules there are; `guards` are those of its rules that have conditions."""
    match node:
        case dml.Insert():
            return bind_insert(node, around, guards)
        case dml.Update():
            return bind_update(node, around, guards)
        case dml.Delete():
            return bind_delete(node, around, guards)
        case dml.Merge():
            return bind_merge(node, around)


def _bind_nested(node: Modification, around: Scope) -> LogicalOutput:
    """A statement that changes rows, in WITH: its rules must leave it one statement."""
    state = around.state
    rewritten = rewrite_by_rules(node, state)
    if rewritten is None:
        return bind_modification(node, around)
    only = single_statement(rewritten, "data-modifying statements in WITH")
    outer_path, state.search_path = state.search_path, only.search_path
    try:
        return bind_rewritten(only, around)
    finally:
        state.search_path = outer_path


def bind_rewritten(item: Rewritten, around: Scope) -> LogicalOutput:
    """One of the statements that rules have made."""
    if isinstance(item.node, Query):
        return bind_query(item.node, around)
    return bind_modification(item.node, around, item.guards)


SEAMS = Seams(
    bind_query,
    bind_expression,
    bind_with,
    _bind_nested,
    make_domain_value,
    cast_with,
    bind_rule_source,
)


def new_state(
    catalog: Catalog,
    search_path: tuple[str, ...],
    parameter_types: Sequence[SqlType | None] | None = None,
) -> BindState:
    """The state of binding one statement; without `parameter_types` it may have no parameters."""
    return BindState(catalog, search_path=search_path, parameter_types=parameter_types, seams=SEAMS)


def bind_statement(
    statement: Statement, state: BindState, guards: Sequence[Guard] = ()
) -> LogicalStatement:
    """Bind a query or a change of rows. Raises FeatureNotSupported for any other statement.

    Rules have been looked at before: `guards` are those that have conditions.
    """
    root = Scope(state, None)
    state.root = root
    try:
        match statement:
            case Query():
                output, tag = bind_query(statement, root), "SELECT"
            case dml.Insert() | dml.Update() | dml.Delete() | dml.Merge():
                output = bind_modification(statement, root, guards)
                tag = type(statement).__name__.upper()
            case _:
                raise errors.FeatureNotSupported(f"{type(statement).__name__} cannot be planned")
    except RecursionError:
        raise errors.StatementTooComplex("stack depth limit exceeded") from None
    state.parameters.check()
    bound = LogicalStatement(
        output,
        tag,
        tuple(state.ctes),
        state.next_column,
        has_subqueries=state.has_subqueries,
        locks_rows=state.locks_rows,
    )
    if state.has_collations and state.trace is None:
        return derive_collations(bound, state)
    return bound
