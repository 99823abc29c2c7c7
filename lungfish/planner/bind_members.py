"""A table read together with those that inherit from it, or a partitioned one: UNION ALL over its members.

Each member is scanned by itself and shows the parent's columns, found by name, and what table its rows are of:

    Append                  the parent's columns | ctid | tableoid
      Project               tableoid := the member's oid
        Scan of a member    the member's columns | ctid

The numbers of the Append's columns are laid out like those of a scan of the parent, so that statements that change rows may treat
them as one; `tableoid` has the number after the TupleId's.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.inheritance import members
from lungfish.catalog.objects import Table
from lungfish.planner.bind_state import BindState
from lungfish.planner.expressions import ColumnRef, Constant
from lungfish.planner.logical import (
    Item,
    LogicalAppend,
    LogicalEmpty,
    LogicalPlan,
    LogicalProject,
    LogicalScan,
)
from lungfish.planner.partition_facts import facts_of
from lungfish.sql.ast.queries import TableReference
from lungfish.types.sql_type import BIGINT, OID


def members_of(table: Table, item: TableReference, state: BindState) -> tuple[Table, ...] | None:
    """The tables that the reference goes over; None where it is a plain table's, or says ONLY."""
    if table.partition_key is None and not state.catalog.has_children(table.oid):
        return None
    if item.is_only:
        return () if table.partition_key is not None else None
    return members(table, state.catalog)


def table_oid_column(first: int, table: Table) -> ColumnRef:
    """The column that tells of which member a row is, where `first` is the number of the parent's first column."""
    return ColumnRef(first + len(table.columns) + 1, OID, "tableoid")


def append_members(
    table: Table,
    tables: Sequence[Table],
    alias: str,
    first: int,
    state: BindState,
    *,
    locked: bool = False,
) -> tuple[LogicalPlan, list[tuple[Table, ColumnRef]]]:
    """The rows of the members. `locked`: also a column for each member that holds its rows' TupleIds, null for the others'.

    Requires: the numbers from `first` on are reserved for the parent's columns, the TupleId and tableoid.
    """
    columns = [
        *(ColumnRef(first + at, item.type, item.name) for at, item in enumerate(table.columns)),
        ColumnRef(first + len(table.columns), BIGINT, "ctid"),
        table_oid_column(first, table),
    ]
    marks = [(member, state.new_column("ctid", BIGINT)) for member in tables] if locked else []
    columns += [mark for _, mark in marks]
    inputs: list[LogicalPlan] = []
    input_columns: list[tuple[ColumnRef, ...]] = []
    for member in tables:
        own = state.reserve_columns(len(member.columns) + 1)
        scan = LogicalScan(
            member,
            alias,
            own,
            tuple(range(len(member.columns))),
            with_tuple_id=True,
            facts=facts_of(member, state.catalog),
        )
        refs = [_member_column(member, own, item.name) for item in table.columns]
        row_id = ColumnRef(scan.tuple_id_column, BIGINT, "ctid")
        table_oid = state.new_column("tableoid", OID)
        items: list[Item] = [(table_oid, Constant(int(member.oid), OID))]
        own_marks: list[ColumnRef] = []
        for other, _ in marks:
            if other is member:
                own_marks.append(row_id)
            else:
                null = state.new_column("ctid", BIGINT)
                items.append((null, Constant(None, BIGINT)))
                own_marks.append(null)
        inputs.append(LogicalProject(scan, tuple(items)))
        input_columns.append((*refs, row_id, table_oid, *own_marks))
    if not inputs:
        return LogicalEmpty(tuple(columns)), marks
    return LogicalAppend(tuple(inputs), tuple(input_columns), tuple(columns)), marks


def _member_column(member: Table, first: int, name: str) -> ColumnRef:
    position = member.column_position(name)
    assert position is not None, "a child has its parent's columns"
    return ColumnRef(first + position, member.columns[position].type, name)
