"""A table's rows copied into a new heap: what a change of the stored row's shape needs, and CLUSTER and VACUUM (FULL) ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lungfish.catalog.objects import Table
from lungfish.executor.ddl.constraints import qualified
from lungfish.executor.ddl.context import DdlContext


def rewrite(
    context: DdlContext,
    old: Table,
    new: Table,
    values: list[str],
    change_row: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None = None,
    *,
    order: str = "",
) -> Table:
    """Copy the rows of `old` into a new heap laid out as `new`; `values` are expressions over the old columns, whose
    outermost casts are assignments; `change_row` is what is done to the row of their values; `order` is an ORDER BY for the new heap.

    The stored row keeps the visible columns only, in order; indexes are made anew.
    """
    types = tuple(column.type for column in new.columns)
    indexes = tuple(
        replace(index, relation_id=context.change.new_relation_id()) for index in new.indexes
    )
    moved = replace(
        new,
        relation_id=context.change.new_relation_id(),
        stored_types=types,
        stored_positions=tuple(range(len(types))),
        indexes=indexes,
        # Rows were valid before; what is new is looked at by the caller.
        constraints=(),
    )
    tail = f" ORDER BY {order}" if order else ""
    written = [
        "NULL" if column.is_virtual else value
        for column, value in zip(new.columns, values, strict=True)
    ]
    rows = context.runner.query_assigned(
        f"SELECT {', '.join(written)} FROM ONLY {qualified(context, old)}{tail}"
    )
    relaxed = replace(
        moved,
        # They belonged to the table before, too; of a partitioned one there are none.
        parents=(),
        partition_key=None,
        partition_bound=None,
        columns=tuple(
            replace(item, is_not_null=False, generated=None, is_virtual=False)
            for item in moved.columns
        ),
    )
    context.change.put(moved)
    context.change.relations.create_table(moved)
    changed = rows if change_row is None else map(change_row, rows)
    context.runner.insert_rows(relaxed, changed, expected_count=len(rows))
    finished = replace(moved, constraints=new.constraints)
    context.change.put(finished)
    return finished
