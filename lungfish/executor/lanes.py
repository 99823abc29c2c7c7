"""Lanes: whole prepared statements about a few rows, run in one uninterrupted call of compiled code.

A lane is only ever a shortcut: it does the whole statement or says that it will not, having done nothing; then the statement's row
pipeline does it (`row_pipeline.py`). So it raises no error of its own: what would be one, it leaves to the pipeline, which words it.

Compiled code that runs no Python code keeps the interpreter's lock from its beginning to its end. So to all other threads a lane is a
single step, and takes no mutex, latch or fence: it looks whether somebody holds one just now, and if so leaves the statement alone.

Here plans are turned into lanes: those that look one row up by a whole unique key, change the rows of a range of an index, insert one row, or read
a few rows by indexes (`lane_sources.py`), with expressions that lane_expressions.py knows, in tables that ask nothing of their rows but NOT NULL.
The lanes themselves are in native_lanes.pyx, native_range_lanes.pyx and native_sources.pyx.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.executor.context import Row, TableProvider
from lungfish.executor.deferred_keys import deferrable_keys
from lungfish.executor.exclusions import exclusions_of
from lungfish.executor.foreign_keys import foreign_keys_of, foreign_keys_to
from lungfish.executor.index_scan import find_index
from lungfish.executor.lane_expressions import NodeList, make_condition, make_nodes
from lungfish.executor.lane_sources import make_key_range, make_source
from lungfish.native import compiled_module
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.physical import (
    DeleteRows,
    IndexScan,
    InsertRows,
    PhysicalPlan,
    PhysicalStatement,
    Project,
    Returning,
    UpdateRows,
    ValuesScan,
)
from lungfish.storage.native import NativeTable
from lungfish.storage.table_index import TableIndex
from lungfish.storage.transactions import Transaction

# What indexes alone see to.
_KEY_CONSTRAINTS = frozenset({"primary key", "unique", "not null"})

_compiled: Any = compiled_module("lungfish.executor.native_lanes")
_sources: Any = compiled_module("lungfish.executor.native_sources")
_ranges: Any = compiled_module("lungfish.executor.native_range_lanes")


class Lane(Protocol):
    """One statement with its plan, for any parameters of the types that it was planned for."""

    def run(self, values: Row, transaction: Transaction | None) -> list[Row] | int | None:
        """The rows that the statement gives, or how many it has changed if it gives none; None: not done.

        `values` are internal ones. Without a transaction the statement, which only reads, is one by itself; with one that is READ COMMITTED it
        sees what is committed now, else what `transaction.snapshot` sees, which is there.

        Requires: the statement's table locks are held (without a transaction: nobody wants a lock that conflicts), the transaction
        is RUNNING, not expired, and may write if the statement does.
        """


class _Lookup(NamedTuple):
    """One row by its key: the first arguments of the lanes that look one up."""

    table: NativeTable
    table_index: TableIndex
    key: NodeList


def make_lane(statement: PhysicalStatement, catalog: Catalog, tables: TableProvider) -> Lane | None:
    """The statement's lane; None if it has none."""
    root = statement.root
    if _compiled is None or statement.ctes:
        return None
    match root:
        case InsertRows():
            return _insert(root, catalog, tables)
        case UpdateRows():
            return _update(root, catalog, tables)
        case DeleteRows():
            return _delete(root, catalog, tables)
    return _select(root, tables) or _few_rows(root, tables)


def _few_rows(root: PhysicalPlan, tables: TableProvider) -> Lane | None:
    """The lane of a SELECT of more than one row by its key."""
    source = None if _sources is None else make_source(root, tables)
    if source is None:
        return None
    lane: Lane = _sources.SourceLane(source)
    return lane


def _select(root: PhysicalPlan, tables: TableProvider) -> Lane | None:
    scan, picked = root, None
    if isinstance(root, Project):
        scan, picked = root.input, root.expressions
    if not isinstance(scan, IndexScan) or scan.with_tuple_id:
        return None
    lookup = _lookup(scan, tables)
    fields = [scan.table.stored_positions[column] for column in scan.column_indexes]
    if picked is not None:
        columns = [item.index for item in picked if isinstance(item, ColumnRef)]
        if len(columns) != len(picked):
            return None
        fields = [fields[column] for column in columns]
    if lookup is None or not fields or not lookup.table.row_format.is_plain(tuple(fields)):
        return None
    lane: Lane = _compiled.SelectLane(*lookup, tuple(fields))
    return lane


def _delete(root: DeleteRows, catalog: Catalog, tables: TableProvider) -> Lane | None:
    if root.members or not _is_simple(root.table, catalog):
        return None
    looked_at = _columns_looked_at(root.returning, _conditions(root.input), root.table)
    returning = _returning_nodes(root.returning, looked_at)
    if returning is None or looked_at.new:
        return None
    return _changing(root.input, looked_at, None, returning, tables)


def _update(root: UpdateRows, catalog: Catalog, tables: TableProvider) -> Lane | None:
    table = root.table
    if root.members or not _is_simple(table, catalog):
        return None
    positions = [position for position, _ in root.assignments]
    values = [expression for _, expression in root.assignments]
    looked_at = _columns_looked_at(root.returning, (*values, *_conditions(root.input)), table)
    returning = _returning_nodes(root.returning, looked_at)
    assigned = make_nodes(values, looked_at.places, are_stored=True)
    if returning is None or assigned is None:
        return None
    fields = tuple(table.stored_positions[position] for position in positions)
    if not set(fields).isdisjoint(tables.table_store(table).rows.key_positions):
        return None
    not_null = tuple(table.columns[position].is_not_null for position in positions)
    return _changing(root.input, looked_at, (fields, assigned, not_null), returning, tables)


def _conditions(plan: PhysicalPlan) -> tuple[BoundExpression, ...]:
    """What is asked of each row that an UPDATE or DELETE finds by an index."""
    return (plan.filter,) if isinstance(plan, IndexScan) and plan.filter is not None else ()


def _changing(
    scan: PhysicalPlan,
    looked_at: _LookedAt,
    changed: tuple[tuple[int, ...], NodeList, tuple[bool, ...]] | None,
    returning: _ReturningNodes,
    tables: TableProvider,
) -> Lane | None:
    """The lane of an UPDATE, or (nothing `changed`) a DELETE, of the rows that a scan finds."""
    if not isinstance(scan, IndexScan):
        return None
    fields = () if changed is None else changed[0]
    native = tables.table_store(scan.table).rows.native
    if native is None or not native.row_format.is_plain((*fields, *looked_at.old, *looked_at.new)):
        return None
    lane: Lane
    read = looked_at.old, looked_at.new
    lookup = _lookup(scan, tables)
    if lookup is not None:
        if changed is None:
            lane = _compiled.DeleteLane(*lookup, looked_at.old, returning.nodes)
        else:
            lane = _compiled.UpdateLane(*lookup, read, changed, returning.nodes)
        return lane
    key_range = None if _ranges is None else make_key_range(scan, tables, {})
    condition = None if scan.filter is None else make_condition(scan.filter, looked_at.places)
    if key_range is None or (condition is None) != (scan.filter is None):
        return None
    lane = _ranges.RangeChangeLane(key_range, read, condition, changed, returning.nodes)
    return lane


def _insert(root: InsertRows, catalog: Catalog, tables: TableProvider) -> Lane | None:
    table, values = root.table, root.input
    if root.conflict is not None or root.members:
        return None
    if not isinstance(values, ValuesScan) or len(values.rows) != 1:
        return None
    if not _is_simple(table, catalog) or len(table.stored_types) != len(table.columns):
        return None
    native = tables.table_store(table).rows.native
    row = make_nodes(values.rows[0], are_stored=True)
    # RETURNING sees the new row only, which is whole and as it is stored.
    new = tuple(range(len(table.columns)))
    returning = _returning_nodes(root.returning, _LookedAt((), new, {len(new) + n: n for n in new}))
    if native is None or row is None or returning is None or not native.takes_rows():
        return None
    not_null = tuple(column.is_not_null for column in table.columns)
    lane: Lane = _compiled.InsertLane(native, row, not_null, returning.nodes)
    return lane


class _LookedAt(NamedTuple):
    """The columns of a row that a change looks at: stored positions in the old row and in the new one."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    # Where each column that an expression names stands in the row of all these.
    places: dict[int, int]


class _ReturningNodes(NamedTuple):
    nodes: NodeList | None


def _columns_looked_at(
    returning: Returning | None, values: Sequence[BoundExpression], table: Table
) -> _LookedAt:
    """What an UPDATE or DELETE looks at. RETURNING sees the old row's columns, then the new one's."""
    outputs = () if returning is None else returning.expressions
    used = sorted({index for each in (*outputs, *values) for index in columns_of(each)})
    width, stored = len(table.columns), table.stored_positions
    # Others, behind the new row, have no place.
    known = [index for index in used if index < 2 * width]
    return _LookedAt(
        tuple(stored[index] for index in known if index < width),
        tuple(stored[index - width] for index in known if index >= width),
        {index: place for place, index in enumerate(known)},
    )


def _returning_nodes(returning: Returning | None, looked_at: _LookedAt) -> _ReturningNodes | None:
    """RETURNING compiled, if the statement has it; None if it cannot be."""
    if returning is None:
        return _ReturningNodes(None)
    if returning.checks:
        return None
    nodes = make_nodes(returning.expressions, looked_at.places)
    return None if nodes is None else _ReturningNodes(nodes)


def _lookup(plan: PhysicalPlan, tables: TableProvider) -> _Lookup | None:
    """The look-up of one row, if the plan is that and nothing else."""
    if not isinstance(plan, IndexScan) or plan.filter is not None or plan.any_of:
        return None
    if not plan.index.is_unique or len(plan.equals) != len(plan.index.columns):
        return None
    key = make_nodes(plan.equals)
    store = tables.table_store(plan.table)
    index = find_index(store, plan.index)
    native = store.rows.native
    if native is None or key is None or not native.serves(index):
        return None
    return _Lookup(native, index, key)


def _is_simple(table: Table, catalog: Catalog) -> bool:
    """Whether the table asks nothing of its rows but NOT NULL, and has one row where the catalog says so."""
    return not (
        table.partition_key is not None
        or table.partition_bound is not None
        or any(column.generated is not None for column in table.columns)
        or any(item.kind not in _KEY_CONSTRAINTS for item in table.constraints)
        or foreign_keys_of(table, catalog)
        or foreign_keys_to(table, catalog)
        or deferrable_keys(table)
        or exclusions_of(table)
        or any(constraint.operators for constraint in table.constraints)
    )
