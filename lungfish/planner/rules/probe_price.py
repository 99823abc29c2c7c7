"""Whether a subquery had better be asked for each outer row by an index, or be computed once for all of them."""

from __future__ import annotations

from lungfish.planner.cost import (
    OPERATOR_START,
    group_cost,
    index_scan_cost,
    nested_loop_cost,
    seq_scan_cost,
)
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import LogicalPlan, LogicalScan
from lungfish.planner.plan_tree import walk_plan
from lungfish.planner.rewriting import Rewriting


def is_probe_cheaper(
    context: Rewriting,
    outer_row_count: float,
    plan: LogicalPlan,
    inner: ColumnRef,
    share: float,
    *,
    by_pairs: bool = False,
) -> bool:
    """Whether looking a share of `inner`'s table up for each outer row costs less than reading it once. `by_pairs`: than comparing all its
    rows with all outer ones.
    """
    for scan in walk_plan(plan):
        if not isinstance(scan, LogicalScan):
            continue
        position = inner.index - scan.first_column
        if not 0 <= position < len(scan.table.columns):
            continue
        number = scan.table.columns[position].number
        if not any(index.columns[0].column_number == number for index in scan.table.indexes):
            return False
        total = context.cardinality.rows(scan)
        found = max(total * share, 1.0)
        each = index_scan_cost(found, 1, 0) + 3 * OPERATOR_START
        whole = seq_scan_cost(total, 0) + group_cost(total)
        if by_pairs:
            whole = nested_loop_cost(outer_row_count, total, 0.0)
        return outer_row_count * each < whole
    return False
