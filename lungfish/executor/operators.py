"""Every kind of plan node with the maker of its operator. A new kind is added here."""

from __future__ import annotations

from collections.abc import Mapping

from lungfish.executor.aggregate import make_hash_aggregate
from lungfish.executor.change_rows import make_delete, make_update
from lungfish.executor.compiler import OperatorMaker
from lungfish.executor.cte import make_cte_scan, make_recursive_union, make_work_table_scan
from lungfish.executor.distinct import make_append, make_distinct, make_set_operation
from lungfish.executor.filter import make_filter
from lungfish.executor.hash_join import make_hash_join
from lungfish.executor.index_scan import make_index_scan
from lungfish.executor.insert import make_insert
from lungfish.executor.limit import make_limit
from lungfish.executor.lock_rows import make_lock_rows
from lungfish.executor.merge import make_merge
from lungfish.executor.nested_loop import make_nested_loop_join
from lungfish.executor.project import make_project, make_project_set
from lungfish.executor.scan import make_seq_scan, make_system_view_scan
from lungfish.executor.sort import make_sort, make_top_n
from lungfish.executor.values_scan import make_empty_scan, make_function_scan, make_values_scan
from lungfish.executor.window import make_window
from lungfish.planner import physical

OPERATOR_MAKERS: Mapping[type, OperatorMaker] = {
    physical.SeqScan: make_seq_scan,
    physical.IndexScan: make_index_scan,
    physical.SystemViewScan: make_system_view_scan,
    physical.FunctionScan: make_function_scan,
    physical.ProjectSet: make_project_set,
    physical.ValuesScan: make_values_scan,
    physical.EmptyScan: make_empty_scan,
    physical.Filter: make_filter,
    physical.Project: make_project,
    physical.HashJoin: make_hash_join,
    physical.NestedLoopJoin: make_nested_loop_join,
    physical.HashAggregate: make_hash_aggregate,
    physical.Sort: make_sort,
    physical.Limit: make_limit,
    physical.TopN: make_top_n,
    physical.Distinct: make_distinct,
    physical.Append: make_append,
    physical.SetOperation: make_set_operation,
    physical.CteScan: make_cte_scan,
    physical.RecursiveUnion: make_recursive_union,
    physical.WorkTableScan: make_work_table_scan,
    physical.Window: make_window,
    physical.LockRows: make_lock_rows,
    physical.InsertRows: make_insert,
    physical.UpdateRows: make_update,
    physical.DeleteRows: make_delete,
    physical.MergeRows: make_merge,
}
