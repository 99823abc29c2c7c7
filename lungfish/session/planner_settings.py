"""Settings of PostgreSQL's planner and memory that Lungfish takes and leaves alone.

None of them changes an answer in PostgreSQL: they price plans, forbid a kind of plan, or bound memory. Scripts and test
suites set them, so they are accepted and shown as set. Lungfish's planner has its own prices.
"""

from __future__ import annotations

# (name, kind of value, default)
PLANNER_SETTINGS: tuple[tuple[str, str, str], ...] = (
    *(
        (f"enable_{name}", "boolean", "on")
        for name in (
            "async_append", "bitmapscan", "distinct_reordering", "gathermerge", "group_by_reordering", "hashagg",
            "hashjoin", "incremental_sort", "indexonlyscan", "indexscan", "material", "memoize", "mergejoin",
            "nestloop", "parallel_append", "parallel_hash", "partition_pruning", "presorted_aggregate",
            "self_join_elimination", "seqscan", "sort", "tidscan",
        )
    ),
    ("enable_partitionwise_aggregate", "boolean", "off"),
    ("enable_partitionwise_join", "boolean", "off"),
    ("constraint_exclusion", "text", "partition"),
    ("cpu_index_tuple_cost", "number", "0.005"),
    ("cpu_operator_cost", "number", "0.0025"),
    ("cpu_tuple_cost", "number", "0.01"),
    ("cursor_tuple_fraction", "number", "0.1"),
    ("debug_parallel_query", "text", "off"),
    ("default_statistics_target", "number", "100"),
    ("effective_cache_size", "text", "4GB"),
    ("effective_io_concurrency", "number", "16"),
    ("force_parallel_mode", "text", "off"),
    ("from_collapse_limit", "number", "8"),
    ("geqo", "boolean", "on"),
    ("geqo_effort", "number", "5"),
    ("geqo_threshold", "number", "12"),
    ("hash_mem_multiplier", "number", "2"),
    ("jit_above_cost", "number", "100000"),
    ("jit_inline_above_cost", "number", "500000"),
    ("jit_optimize_above_cost", "number", "500000"),
    ("join_collapse_limit", "number", "8"),
    ("logical_decoding_work_mem", "text", "64MB"),
    ("maintenance_work_mem", "text", "64MB"),
    ("max_parallel_maintenance_workers", "number", "2"),
    ("max_parallel_workers", "number", "8"),
    ("max_parallel_workers_per_gather", "number", "2"),
    ("min_parallel_index_scan_size", "text", "512kB"),
    ("min_parallel_table_scan_size", "text", "8MB"),
    ("parallel_leader_participation", "boolean", "on"),
    ("parallel_setup_cost", "number", "1000"),
    ("parallel_tuple_cost", "number", "0.1"),
    ("plan_cache_mode", "text", "auto"),
    ("random_page_cost", "number", "4"),
    ("recursive_worktable_factor", "number", "10"),
    ("seq_page_cost", "number", "1"),
    ("temp_buffers", "text", "8MB"),
)  # fmt: skip
