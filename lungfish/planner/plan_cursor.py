"""The query of a cursor: its columns, and behind them of which stored rows each of its rows is made.

UPDATE and DELETE ... WHERE CURRENT OF need to know the latter. As in PostgreSQL (execCurrentOf) a query without FOR UPDATE tells it only
where it is a plain scan of one table, perhaps filtered, projected or limited; one with FOR UPDATE for every table that it locks.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid
from lungfish.planner.binder import bind_statement, new_state
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import (
    LogicalAppend,
    LogicalFilter,
    LogicalLimit,
    LogicalLock,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalScan,
)
from lungfish.planner.optimizer import optimize
from lungfish.planner.physical import (
    Append,
    CteScan,
    EmptyScan,
    Filter,
    FunctionScan,
    IndexScan,
    Limit,
    PhysicalPlan,
    PhysicalStatement,
    Project,
    SeqScan,
    Sort,
    SystemViewScan,
    TopN,
    ValuesScan,
)
from lungfish.planner.physical_planner import plan_physical
from lungfish.planner.plan_tree import replace_fields
from lungfish.planner.statistics import Statistics
from lungfish.sql.ast.queries import Query
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import BIGINT


@frozen
class CursorSource:
    """A table, or several that are read as one, of which a cursor's row has a row."""

    members: tuple[Oid, ...]
    # Where among the query's columns the row's TupleId is, and the oid of its table; None: the only member's.
    tuple_id_position: int
    table_oid_position: int | None = None


@frozen
class CursorPlan:
    """What DECLARE runs."""

    statement: PhysicalStatement
    # How many columns of its rows are the query's own.
    column_count: int
    sources: tuple[CursorSource, ...]
    # Whether it has FOR UPDATE or the like, and whether its plan can be run backwards.
    is_locking: bool
    is_reversible: bool


def plan_cursor(
    query: Query, catalog: Catalog, search_path: Sequence[str], statistics: Statistics
) -> CursorPlan:
    """Plan the query of DECLARE."""
    state = new_state(catalog, tuple(search_path))
    bound = bind_statement(query, state)
    root = bound.root
    assert isinstance(root, LogicalOutput), "a query is planned"
    beneath, found, is_locking = _sources(root.input)
    count = len(root.columns)
    columns = list(root.columns)
    sources: list[CursorSource] = []
    for members, tuple_id, table_oid in found:
        sources.append(
            CursorSource(members, len(columns), None if table_oid is None else len(columns) + 1)
        )
        columns += [tuple_id] if table_oid is None else [tuple_id, table_oid]
    bound = replace_fields(bound, root=LogicalOutput(beneath, tuple(columns)))
    planned = plan_physical(optimize(bound, statistics), statistics, state)
    return CursorPlan(
        planned,
        count,
        tuple(sources),
        is_locking,
        not is_locking and _is_reversible(planned.root),
    )


_Found = tuple[tuple[Oid, ...], ColumnRef, ColumnRef | None]


def _sources(plan: LogicalPlan) -> tuple[LogicalPlan, list[_Found], bool]:
    """The plan, made to yield the TupleIds of its rows, with the columns that have them; and whether it locks rows."""
    match plan:
        case LogicalLock():
            return plan, [((table.oid,), ref, None) for table, ref, _, _ in plan.locks], True
        case LogicalProject() | LogicalFilter() | LogicalLimit():
            beneath, found, is_locking = _sources(plan.input)
            return replace_fields(plan, input=beneath), found, is_locking
        case LogicalScan():
            scan = replace_fields(plan, with_tuple_id=True)
            tuple_id = ColumnRef(plan.tuple_id_column, BIGINT, "ctid")
            return scan, [((plan.table.oid,), tuple_id, None)], False
        case LogicalAppend():
            members = _members(plan)
            if members:
                *_, tuple_id, table_oid = plan.columns
                return plan, [(members, tuple_id, table_oid)], False
    return plan, [], False


def _members(plan: LogicalAppend) -> tuple[Oid, ...]:
    """The tables of a family that is read as one; none where it is another UNION ALL."""
    if [column.name for column in plan.columns[-2:]] != ["ctid", "tableoid"]:
        return ()
    members: list[Oid] = []
    for each in plan.inputs:
        if not (isinstance(each, LogicalProject) and isinstance(each.input, LogicalScan)):
            return ()
        if not each.input.with_tuple_id:
            return ()
        members.append(each.input.table.oid)
    return tuple(members)


def _is_reversible(plan: PhysicalPlan) -> bool:
    """Whether PostgreSQL would let a cursor without SCROLL go backwards over such a plan (ExecSupportsBackwardScan)."""
    match plan:
        case (
            SeqScan()
            | IndexScan()
            | SystemViewScan()
            | FunctionScan()
            | EmptyScan()
            | CteScan()
            | Sort()
            | TopN()
        ):
            return True
        case ValuesScan():
            # One row is a Result, which goes forward only.
            return len(plan.rows) > 1
        case Filter() | Project() | Limit():
            return _is_reversible(plan.input)
        case Append():
            return all(map(_is_reversible, plan.inputs))
    return False
