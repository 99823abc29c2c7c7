"""Physical plans: how a statement will be done. Made by the physical planner, run by the executor, shown by EXPLAIN.

Every node is frozen and never written to while it runs, so one plan serves many executions. Each has `columns`, what it yields,
and `estimate`. Expressions in a node refer to the columns of its input by position; a join's input is its left side's columns,
then its right side's.
"""

from __future__ import annotations

from dataclasses import field

from lungfish.catalog.objects import Index, SystemView, Table
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    DatedLiteral,
    OutputColumn,
    SortKey,
    WindowCall,
)
from lungfish.planner.partition_facts import KeyTest
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import SqlType


@frozen
class Estimate:
    """What the optimiser expects: rows out, and cost in PostgreSQL's sense (1.0 is one page read in sequence)."""

    rows: float = 1.0
    startup_cost: float = 0.0
    total_cost: float = 0.0


@frozen
class SeqScan:
    """Reads a table. Yields the table's columns at `column_indexes` (positions in `table.columns`), then, with
    `with_tuple_id`, the TupleId as BIGINT. `filter` refers to this output."""

    table: Table
    column_indexes: tuple[int, ...]
    filter: BoundExpression | None
    with_tuple_id: bool
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # What the statement calls it.
    alias: str = ""
    # Of a partition: no row is looked for unless all of them may hold.
    tests: tuple[KeyTest, ...] = ()


@frozen
class KeyBound:
    """One end of an index range; the value may hold OuterRef, ParameterRef and Constant, no ColumnRef."""

    value: BoundExpression
    is_inclusive: bool


@frozen
class IndexScan:
    """Reads a table through an index: `equals` are values for the index's leading columns, `lower` and `upper` bound the
    next one. `any_of`: instead of a range, the leading column equals one of these values (IN lists). A NULL among the
    values finds nothing. Output and `filter` as in SeqScan; rows come in the index's order, or backwards."""

    table: Table
    index: Index
    equals: tuple[BoundExpression, ...]
    lower: KeyBound | None
    upper: KeyBound | None
    any_of: tuple[BoundExpression, ...]
    is_backward: bool
    column_indexes: tuple[int, ...]
    filter: BoundExpression | None
    with_tuple_id: bool
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # What the statement calls it.
    alias: str = ""
    # As in SeqScan.
    tests: tuple[KeyTest, ...] = ()


@frozen
class SystemViewScan:
    """Rows of a system view, made by its provider at the start of the scan; then filtered."""

    view: SystemView
    column_indexes: tuple[int, ...]
    filter: BoundExpression | None
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # What the statement calls it.
    alias: str = ""


@frozen
class FunctionScan:
    """Rows of set-returning functions side by side (the shorter ones padded with nulls); plain functions give one row.
    `with_ordinality` adds a BIGINT column counting from 1."""

    calls: tuple[BoundExpression, ...]
    with_ordinality: bool
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # What the statement calls it.
    alias: str = ""


@frozen
class ProjectSet:
    """A select list with set-returning functions in it: `expressions` may hold such calls at their top.
    Each input row gives as many rows as the longest set; shorter ones are padded with nulls."""

    input: PhysicalPlan
    expressions: tuple[BoundExpression, ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class ValuesScan:
    """Literal rows. One row of no expressions is SELECT without FROM."""

    rows: tuple[tuple[BoundExpression, ...], ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # What the statement calls it.
    alias: str = ""


@frozen
class EmptyScan:
    """No rows: a filter was found false at planning time."""

    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class Filter:
    input: PhysicalPlan
    predicate: BoundExpression
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class Project:
    input: PhysicalPlan
    expressions: tuple[BoundExpression, ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class HashJoin:
    """`kind`: inner, left, right, full, semi, anti, or "null-aware anti" (NOT IN). Semi and anti yield the left columns only.
    Keys are pairs of equal types: `left_keys` over the left input, `right_keys` over the right one. `null_equals[i]`: nulls
    match in key i (IS NOT DISTINCT FROM). `condition` (over left then right columns) must hold besides."""

    kind: str
    left: PhysicalPlan
    right: PhysicalPlan
    left_keys: tuple[BoundExpression, ...]
    right_keys: tuple[BoundExpression, ...]
    null_equals: tuple[bool, ...]
    condition: BoundExpression | None
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class NestedLoopJoin:
    """Any join condition; kinds as in HashJoin (without null-aware anti; right and full not when lateral).

    With `is_lateral` the right side is run again for each left row and sees it as OuterRef level 1 (this is also how an
    index is probed by an outer row); otherwise it is run once and kept."""

    kind: str
    left: PhysicalPlan
    right: PhysicalPlan
    condition: BoundExpression | None
    is_lateral: bool
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class HashAggregate:
    """Groups by `keys`; yields the keys, then the aggregates, then, with several `grouping_sets`, one INTEGER column: the
    number of the set that the row belongs to (the planner makes GROUPING() of it by a CASE).

    `grouping_sets` are sets of key positions; () alone means one group even without rows, when `keys` is empty.
    Nulls are one group. Keys not in a row's set are null in it."""

    input: PhysicalPlan
    keys: tuple[BoundExpression, ...]
    aggregates: tuple[AggregateCall, ...]
    grouping_sets: tuple[tuple[int, ...], ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class Sort:
    input: PhysicalPlan
    keys: tuple[SortKey, ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class Limit:
    """With `keys` (the input is then sorted by them) and `has_ties`, rows equal to the last one come too."""

    input: PhysicalPlan
    limit: BoundExpression | None
    offset: BoundExpression | None
    has_ties: bool
    keys: tuple[SortKey, ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class TopN:
    """ORDER BY with a LIMIT, done without a full sort."""

    input: PhysicalPlan
    keys: tuple[SortKey, ...]
    limit: BoundExpression
    offset: BoundExpression | None
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class Distinct:
    """Rows that differ in all columns; with `on`, the first row of each value of `on` (the input is then sorted)."""

    input: PhysicalPlan
    on: tuple[BoundExpression, ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class Append:
    """UNION ALL."""

    inputs: tuple[PhysicalPlan, ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class SetOperation:
    """`kind`: intersect or except, with or without ALL. (UNION is Distinct over Append.)"""

    kind: str
    is_all: bool
    left: PhysicalPlan
    right: PhysicalPlan
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class Window:
    """Adds a column a call to the input's columns. All calls share the partitioning and the order."""

    input: PhysicalPlan
    partition_by: tuple[BoundExpression, ...]
    order_by: tuple[SortKey, ...]
    calls: tuple[WindowCall, ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class CteScan:
    """Reads what WITH named: run once at its first reader, kept for the others. `cte_id` is unique in the statement;
    the plans stand in `PhysicalStatement.ctes`."""

    cte_id: int
    name: str
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # What the statement calls it.
    alias: str = ""


@frozen
class RecursiveUnion:
    """WITH RECURSIVE: `initial`, then `step` again and again, reading the rows of the round before through
    WorkTableScan(cte_id), until a round gives none. Without `is_all`, rows seen before are dropped."""

    cte_id: int
    initial: PhysicalPlan
    step: PhysicalPlan
    is_all: bool
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class WorkTableScan:
    cte_id: int
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # What the statement calls it.
    alias: str = ""


@frozen
class LockRows:
    """SELECT ... FOR UPDATE: locks the row of `table` whose TupleId is in column `tuple_id_index`, for each entry of `locks`,
    and looks again at rows that changed meanwhile. The columns of TupleIds are dropped from the output by a Project above."""

    input: PhysicalPlan
    # (table, position of its TupleId column, strength, wait): words of sql.ast.queries.LockingClause.
    locks: tuple[tuple[Table, int, str, str], ...]
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()


@frozen
class ConflictAction:
    """ON CONFLICT. `arbiters`: the unique indexes that count; empty: all. `assignments`, None for DO NOTHING: (column position,
    expression); they and `where` see the existing row's columns (all of the table's), then the proposed row's."""

    arbiters: tuple[Index, ...]
    assignments: tuple[tuple[int, BoundExpression], ...] | None
    where: BoundExpression | None


@frozen
class Returning:
    """RETURNING: expressions over the old row's columns (nulls for INSERT), then the new row's (nulls for DELETE), then,
    for UPDATE and DELETE, the other columns of the input (FROM, USING); MERGE has the new or else the old row before those.
    Last, if `has_presence`, whether there is an old row and whether there is a new one."""

    expressions: tuple[BoundExpression, ...]
    # WITH CHECK OPTION: the names of views, and what must be true of a new row once it is stored.
    checks: tuple[tuple[str, BoundExpression], ...] = ()
    has_presence: bool = False


@frozen
class InsertRows:
    """The input yields whole rows: one column for each of the table's columns in order, defaults filled in and cast to the column's
    type (generated stored columns hold NULL: the executor computes `generated`). Constraints are the executor's affair."""

    table: Table
    input: PhysicalPlan
    conflict: ConflictAction | None
    returning: Returning | None
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # The tables whose rows it may change, where they are not those of `table` alone. The input then has, behind the
    # TupleId, the oid of the table that the row is of (INSERT's has neither), and RETURNING sees it behind old and new row.
    members: tuple[Table, ...] = ()


@frozen
class UpdateRows:
    """The input yields the old row (all of the table's columns), then its TupleId, then other columns (FROM).
    `assignments`: (column position, expression over the input, cast to the column's type). `recheck`: the WHERE over the input:
    it is looked at again when the row changed while we waited for its lock."""

    table: Table
    input: PhysicalPlan
    assignments: tuple[tuple[int, BoundExpression], ...]
    recheck: BoundExpression | None
    returning: Returning | None
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # The tables whose rows it may change, where they are not those of `table` alone. The input then has, behind the
    # TupleId, the oid of the table that the row is of (INSERT's has neither), and RETURNING sees it behind old and new row.
    members: tuple[Table, ...] = ()


@frozen
class DeleteRows:
    """Input and `recheck` as in UpdateRows."""

    table: Table
    input: PhysicalPlan
    recheck: BoundExpression | None
    returning: Returning | None
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # The tables whose rows it may change, where they are not those of `table` alone. The input then has, behind the
    # TupleId, the oid of the table that the row is of (INSERT's has neither), and RETURNING sees it behind old and new row.
    members: tuple[Table, ...] = ()


@frozen
class MergeBranch:
    """One WHEN of MERGE. `match`: matched, not matched by target, not matched by source. `kind`: insert, update, delete, nothing.
    `condition` and the values see the target's columns, its TupleId, then the source's columns. For an insert `assignments` hold
    every column."""

    match: str
    condition: BoundExpression | None
    kind: str
    assignments: tuple[tuple[int, BoundExpression], ...]


@frozen
class MergeRows:
    """The input joins the target (all columns, TupleId) with the source (columns, then a BOOLEAN that is true where there is a source
    row); unmatched sides are null."""

    table: Table
    input: PhysicalPlan
    branches: tuple[MergeBranch, ...]
    returning: Returning | None
    columns: tuple[OutputColumn, ...]
    estimate: Estimate = Estimate()
    # The tables whose rows it may change, where they are not those of `table` alone. The input then has, behind the
    # TupleId, the oid of the table that the row is of (INSERT's has neither), and RETURNING sees it behind old and new row.
    members: tuple[Table, ...] = ()


PhysicalPlan = (
    SeqScan
    | IndexScan
    | SystemViewScan
    | FunctionScan
    | ProjectSet
    | ValuesScan
    | EmptyScan
    | Filter
    | Project
    | HashJoin
    | NestedLoopJoin
    | HashAggregate
    | Sort
    | Limit
    | TopN
    | Distinct
    | Append
    | SetOperation
    | Window
    | CteScan
    | RecursiveUnion
    | WorkTableScan
    | LockRows
    | InsertRows
    | UpdateRows
    | DeleteRows
    | MergeRows
)


@frozen
class PhysicalStatement:
    """A whole planned statement. `tag`: SELECT, INSERT, UPDATE, DELETE or MERGE. `ctes` by id, in order of definition;
    those in `modifying_ctes` run even if nobody reads them."""

    root: PhysicalPlan
    tag: str
    ctes: tuple[tuple[int, PhysicalPlan], ...] = ()
    modifying_ctes: frozenset[int] = frozenset()
    parameter_types: tuple[SqlType, ...] = field(default=())
    # Objects whose change makes the plan stale, by oid; the catalog's version covers them for now.
    is_read_only: bool = True
    is_volatile: bool = False
    # What routines in SQL it runs: "volatile" if one of them is so, "stable" if none is; "" where there are none.
    routines: str = ""
    # What rules have made of the statement: then these run one after the other, and `root` is nothing.
    steps: tuple[RuleStep, ...] | None = None
    # Literals that were read under the settings of the session that planned it.
    dated_literals: tuple[DatedLiteral, ...] = ()
    # Every table that the plan touches, once: (table, "read", "lock" or "change"), the strongest use of each.
    table_uses: tuple[tuple[Table, str], ...] = ()


@frozen
class RuleStep:
    """One of the statements that rules have made of one. `origin`: see rule_rewrite.py."""

    statement: PhysicalStatement
    origin: str
    # Whether the whole answers with its tag and what it returns.
    sets_tag: bool
