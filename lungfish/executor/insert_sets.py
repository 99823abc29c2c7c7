"""INSERT ... VALUES of many sets of parameters, where a row is nothing but parameters and constants: see storage/table_sets.py.

For `executemany`; whatever is not so simple goes by columns (`insert_batches`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.executor.context import ExecutionContext, Run
from lungfish.executor.lane_expressions import bare_value
from lungfish.executor.table_writer import TableWriter
from lungfish.executor.violations import unique_violation
from lungfish.planner.expressions import BoundExpression, Constant, ParameterRef
from lungfish.planner.physical import InsertRows
from lungfish.storage.table import TableStore
from lungfish.storage.table_index import UniqueConflict
from lungfish.storage.table_sets import SetRows, insert_sets


@dataclass(frozen=True, slots=True)
class GivenSets:
    """Sets of internal values."""

    sets: list[tuple[Any, ...]]
    # The parameters that some set has a NULL for.
    nullable: frozenset[int]


def insert_given_sets(
    root: InsertRows,
    row: Sequence[BoundExpression],
    given: GivenSets,
    context: ExecutionContext,
) -> bool:
    """Store a row for each set, `row` being the plan's one row of VALUES. False: nothing was done, it is none for this way.

    Raises UniqueViolation, QueryCanceled.
    """
    table = root.table
    made = _set_rows(row)
    if made is None or table.partition_key is not None:
        return False
    run = Run(context)
    writer = TableWriter(table, run)
    rules, store = writer.rules, writer.store
    # A serializable transaction's stores are of another class.
    if not writer.takes_columns or not rules.is_stored_plainly or type(store) is not TableStore:
        return False
    never_null = {*store.rows.key_positions, *rules.not_null}
    if any(_may_be_null(made, position, given.nullable) for position in never_null):
        return False
    try:
        return insert_sets(store, context.transaction, given.sets, made, run.check_cancel)
    except UniqueConflict as conflict:
        raise unique_violation(table, conflict) from None


def _set_rows(row: Sequence[BoundExpression]) -> SetRows | None:
    """How the row is made of a set; None if more is to be done than to put values in their places."""
    bare = [bare_value(expression) for expression in row]
    if not all(isinstance(each, (ParameterRef, Constant)) for each in bare):
        return None
    return SetRows(
        tuple(each.index if isinstance(each, ParameterRef) else -1 for each in bare),
        tuple(each.value if isinstance(each, Constant) else None for each in bare),
    )


def _may_be_null(rows: SetRows, position: int, nullable: frozenset[int]) -> bool:
    source = rows.sources[position]
    return rows.constants[position] is None if source < 0 else source in nullable
