"""The whole way of a statement through the planner: bind, optimise, plan."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid
from lungfish.planner.bind_state import BindState
from lungfish.planner.binder import bind_statement, new_state
from lungfish.planner.expressions import OutputColumn
from lungfish.planner.logical import LogicalOutput
from lungfish.planner.optimizer import optimize
from lungfish.planner.physical import PhysicalStatement
from lungfish.planner.physical_planner import plan_physical
from lungfish.planner.plan_rules import check_ruled, plan_steps
from lungfish.planner.routine_frame import RoutineFrame
from lungfish.planner.rule_rewrite import Rewritten, Ruled, rewrite_by_rules
from lungfish.planner.statistics import DefaultStatistics, Statistics
from lungfish.sql.ast import Statement
from lungfish.sql.ast.dml import Delete, Insert, Merge, Update
from lungfish.sql.ast.queries import Query
from lungfish.types.sql_type import SqlType

NO_STATISTICS = DefaultStatistics()
CHANGES = (Insert, Update, Delete, Merge)


def plan_statement(
    statement: Statement,
    catalog: Catalog,
    *,
    parameter_types: Sequence[SqlType | None] = (),
    search_path: Sequence[str] = ("public",),
    statistics: Statistics = NO_STATISTICS,
    routine: RoutineFrame | None = None,
) -> PhysicalStatement:
    """Plan a query or a change of rows; with `routine` one of that routine's body.

    `parameter_types`: those of $1, $2, ...; None where the statement is to infer one. Raises PostgreSQL's errors for a statement
    that is wrong, FeatureNotSupported for one that Lungfish cannot plan.
    """
    state = new_state(catalog, tuple(search_path), parameter_types)
    state.routine = routine
    if isinstance(statement, CHANGES):
        rewritten = rewrite_by_rules(statement, state)
        if rewritten is not None:
            assert not isinstance(statement, Merge), "MERGE is not rewritten"
            return _plan_rewritten(statement, rewritten, state, statistics)
    bound = bind_statement(statement, state)
    return plan_physical(optimize(bound, statistics), statistics, state)


def routines_used(query: Query, catalog: Catalog, search_path: Sequence[str]) -> frozenset[Oid]:
    """The routines that a query calls, or that were put into it."""
    state = new_state(catalog, tuple(search_path), ())
    bind_statement(query, state)
    return frozenset(state.routines_used)


def _plan_rewritten(
    statement: Ruled, rewritten: Sequence[Rewritten], state: BindState, statistics: Statistics
) -> PhysicalStatement:
    """The plan of what rules have made of a statement."""

    def plan_step(item: Rewritten, types: Sequence[SqlType | None]) -> PhysicalStatement:
        own = new_state(state.catalog, item.search_path, types)
        own.routine = state.routine
        bound = bind_statement(item.node, own, item.guards)
        return plan_physical(optimize(bound, statistics), statistics, own)

    types = check_ruled(statement, state)
    return plan_steps(rewritten, type(statement).__name__.upper(), types, plan_step)


def output_collations(
    query: Query,
    catalog: Catalog,
    search_path: Sequence[str],
    parameter_types: Sequence[SqlType | None],
) -> tuple[str | None, ...] | None:
    """The collations of a query's columns, None for one that could not be determined; None if all have those of their types."""
    state = new_state(catalog, tuple(search_path), parameter_types)
    bind_statement(query, state)
    return state.output_collations


def describe_statement(
    statement: Statement,
    catalog: Catalog,
    search_path: Sequence[str],
    parameter_types: Sequence[SqlType | None],
) -> tuple[tuple[OutputColumn, ...], tuple[SqlType | None, ...]]:
    """The columns of a statement's result and the types of its parameters; nothing is computed, as planning does it of constants."""
    state = new_state(catalog, tuple(search_path), parameter_types)
    bound = bind_statement(statement, state)
    root = bound.root
    columns = root.columns if isinstance(root, LogicalOutput) else ()
    return (
        tuple(OutputColumn(column.name, column.type) for column in columns),
        tuple(state.parameters.types),
    )


def describe_query(
    query: Query, catalog: Catalog, search_path: Sequence[str]
) -> tuple[OutputColumn, ...]:
    """The names and types of a query's columns, of which nothing is computed."""
    bound = bind_statement(query, new_state(catalog, tuple(search_path)))
    assert isinstance(bound.root, LogicalOutput)
    return tuple(OutputColumn(column.name, column.type) for column in bound.root.columns)
