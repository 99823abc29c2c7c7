"""Logical plans: what a statement computes, before anybody decides how.

Columns are *numbers unique in the statement*, not positions: a `ColumnRef` made by the binder keeps its meaning wherever a
rule moves it, and the physical planner alone turns numbers into positions (the rejected alternative, positions from the
start, makes each rule that reorders joins or drops columns renumber everything above it). From this follow three things:

1. A plan is correlated exactly if it uses a number that nothing inside it makes (`free_columns` in substitution.py).
2. `LogicalProject`, `LogicalWindow` and `LogicalProjectSet` *add* columns to those of their input; what nobody needs is dropped
   by the rule `prune_columns`. Renaming a column costs nothing: only `LogicalOutput` has names and an order.
3. A number may be null-extended on its way up through an outer join, or by GROUPING SETS' keys (these get new numbers). A rule
   that carries a fact about a column upwards has to stop there.
"""

from __future__ import annotations

from dataclasses import field

from lungfish.catalog.objects import Index, SystemView, Table
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    Call,
    ColumnRef,
    SortKey,
    WindowCall,
)
from lungfish.planner.partition_facts import KeyFact
from lungfish.types.frozen import frozen

# A column that a node makes, and what it is.
Item = tuple[ColumnRef, BoundExpression]
# The name of a view, and what it asks of a new row.
Check = tuple[str, BoundExpression]


@frozen
class LogicalScan:
    """A table. Its column at position p has the number `first_column` + p, its TupleId the one after the last."""

    table: Table
    alias: str
    first_column: int
    # The positions that are read, ascending.
    positions: tuple[int, ...]
    with_tuple_id: bool = False
    # Of a leaf that is read with its partitioned table: what its bounds tell of its rows. It follows from the table, and holds
    # functions, of which no two are equal.
    facts: tuple[KeyFact, ...] = field(default=(), compare=False)

    @property
    def tuple_id_column(self) -> int:
        """The number of the TupleId's column."""
        return self.first_column + len(self.table.columns)


@frozen
class LogicalSystemScan:
    """A system view; columns are numbered as in `LogicalScan`."""

    view: SystemView
    alias: str
    first_column: int
    positions: tuple[int, ...]


@frozen
class LogicalFunctionScan:
    """Functions in FROM, side by side. `columns`: those of the calls in order, then the ordinality."""

    calls: tuple[BoundExpression, ...]
    alias: str
    with_ordinality: bool
    columns: tuple[ColumnRef, ...]


@frozen
class LogicalValues:
    """Literal rows. One row without columns is SELECT without FROM."""

    rows: tuple[tuple[BoundExpression, ...], ...]
    columns: tuple[ColumnRef, ...]
    alias: str = "*VALUES*"


@frozen
class LogicalEmpty:
    """No rows at all."""

    columns: tuple[ColumnRef, ...]


@frozen
class LogicalFilter:
    """The rows for which every one of `conjuncts` is true."""

    input: LogicalPlan
    conjuncts: tuple[BoundExpression, ...]


@frozen
class LogicalProject:
    """Adds computed columns to the input's."""

    input: LogicalPlan
    items: tuple[Item, ...]


@frozen
class LogicalProjectSet:
    """Adds columns of set-returning calls; each input row gives as many rows as the longest set."""

    input: LogicalPlan
    items: tuple[tuple[ColumnRef, Call], ...]


@frozen
class LogicalJoin:
    """`kind`: inner, left, right, full, semi, anti or "null-aware anti"; no conjuncts on inner make a cross join.

    Semi and anti joins yield the left columns only. With `is_lateral` the right side uses columns of the left one.
    """

    kind: str
    left: LogicalPlan
    right: LogicalPlan
    conjuncts: tuple[BoundExpression, ...] = ()
    is_lateral: bool = False


@frozen
class LogicalAggregate:
    """Groups the input. Yields the keys, the aggregates and, with several grouping sets, `set_number`."""

    input: LogicalPlan
    keys: tuple[Item, ...]
    aggregates: tuple[tuple[ColumnRef, AggregateCall], ...]
    # Sets of positions in `keys`; one set of all keys is plain GROUP BY.
    grouping_sets: tuple[tuple[int, ...], ...]
    set_number: ColumnRef | None = None


@frozen
class LogicalWindow:
    """Adds a column for each call; all share partitioning and order."""

    input: LogicalPlan
    partition_by: tuple[BoundExpression, ...]
    order_by: tuple[SortKey, ...]
    calls: tuple[tuple[ColumnRef, WindowCall], ...]


@frozen
class LogicalSort:
    input: LogicalPlan
    keys: tuple[SortKey, ...]


@frozen
class LogicalLimit:
    """`keys` matter only with `has_ties`; the input is then sorted by them."""

    input: LogicalPlan
    limit: BoundExpression | None
    offset: BoundExpression | None
    has_ties: bool = False
    keys: tuple[SortKey, ...] = ()


@frozen
class LogicalDistinct:
    """One row for each value of `on` (the first, of a sorted input); without `on`, for each value of `columns`.
    Yields `columns` only.
    """

    input: LogicalPlan
    columns: tuple[ColumnRef, ...]
    on: tuple[ColumnRef, ...] = ()


@frozen
class LogicalAppend:
    """UNION ALL. Column i of the result is column `input_columns[k][i]` of input k."""

    inputs: tuple[LogicalPlan, ...]
    input_columns: tuple[tuple[ColumnRef, ...], ...]
    columns: tuple[ColumnRef, ...]


@frozen
class LogicalSetOperation:
    """`kind`: intersect or except."""

    kind: str
    is_all: bool
    left: LogicalPlan
    right: LogicalPlan
    left_columns: tuple[ColumnRef, ...]
    right_columns: tuple[ColumnRef, ...]
    columns: tuple[ColumnRef, ...]


@frozen
class LogicalCteScan:
    """Reads a query of WITH; `source_columns` are that query's own numbers for `columns`."""

    cte_id: int
    name: str
    alias: str
    columns: tuple[ColumnRef, ...]
    source_columns: tuple[ColumnRef, ...]


@frozen
class LogicalRecursiveUnion:
    cte_id: int
    initial: LogicalPlan
    step: LogicalPlan
    is_all: bool
    initial_columns: tuple[ColumnRef, ...]
    step_columns: tuple[ColumnRef, ...]
    columns: tuple[ColumnRef, ...]


@frozen
class LogicalWorkTable:
    """The rows that the last round of the recursion gave."""

    cte_id: int
    name: str
    columns: tuple[ColumnRef, ...]


@frozen
class LogicalLock:
    """FOR UPDATE. Each lock: table, number of its TupleId column, strength, wait."""

    input: LogicalPlan
    locks: tuple[tuple[Table, ColumnRef, str, str], ...]


@frozen
class LogicalOutput:
    """The root of a query: which columns, in which order, under which names (the names of the `ColumnRef`s)."""

    input: LogicalPlan
    columns: tuple[ColumnRef, ...]


@frozen
class LogicalConflict:
    """ON CONFLICT; `existing` and `proposed` are the columns that assignments and `where` see."""

    arbiters: tuple[Index, ...]
    assignments: tuple[tuple[int, BoundExpression], ...] | None
    where: BoundExpression | None
    existing: tuple[ColumnRef, ...]
    proposed: tuple[ColumnRef, ...]


@frozen
class LogicalReturning:
    """RETURNING: items over the columns `old`, `new` and those of the input; MERGE, which learns for each row only which of the two
    a plain name means, has them once more as `current`, with what was done (MERGE_ACTION()) behind them."""

    items: tuple[Item, ...]
    old: tuple[ColumnRef, ...]
    new: tuple[ColumnRef, ...]
    current: tuple[ColumnRef, ...] = ()
    # WITH CHECK OPTION: the names of views, and what must be true of each new row; there may be no more to it than that.
    checks: tuple[Check, ...] = ()
    # Columns that tell whether there is an old row and a new one, where an item asks.
    presence: tuple[ColumnRef, ...] = ()


@frozen
class LogicalInsert:
    """`values` gives a column of the input for each column of the table."""

    table: Table
    input: LogicalPlan
    values: tuple[ColumnRef, ...]
    conflict: LogicalConflict | None
    returning: LogicalReturning | None
    # The tables whose rows it may change, where they are not those of `table` alone.
    members: tuple[Table, ...] = ()


@frozen
class LogicalUpdate:
    """`target` is the scan of the table within `input`."""

    table: Table
    input: LogicalPlan
    target: LogicalScan
    assignments: tuple[tuple[int, BoundExpression], ...]
    # The WHERE, looked at again when a row changed under us.
    recheck: tuple[BoundExpression, ...]
    returning: LogicalReturning | None
    # The tables whose rows it may change, where they are not those of `table` alone.
    members: tuple[Table, ...] = ()


@frozen
class LogicalDelete:
    table: Table
    input: LogicalPlan
    target: LogicalScan
    recheck: tuple[BoundExpression, ...]
    returning: LogicalReturning | None
    # The tables whose rows it may change, where they are not those of `table` alone.
    members: tuple[Table, ...] = ()


@frozen
class LogicalMergeBranch:
    """See `physical.MergeBranch`."""

    match: str
    condition: BoundExpression | None
    kind: str
    assignments: tuple[tuple[int, BoundExpression], ...]


@frozen
class LogicalMerge:
    """The input joins `target` with the source, whose columns end with the flag `has_source`."""

    table: Table
    input: LogicalPlan
    target: LogicalScan
    source_columns: tuple[ColumnRef, ...]
    has_source: ColumnRef
    branches: tuple[LogicalMergeBranch, ...]
    returning: LogicalReturning | None
    # The tables whose rows it may change, where they are not those of `table` alone.
    members: tuple[Table, ...] = ()


LogicalModification = LogicalInsert | LogicalUpdate | LogicalDelete | LogicalMerge

LogicalPlan = (
    LogicalScan
    | LogicalSystemScan
    | LogicalFunctionScan
    | LogicalValues
    | LogicalEmpty
    | LogicalFilter
    | LogicalProject
    | LogicalProjectSet
    | LogicalJoin
    | LogicalAggregate
    | LogicalWindow
    | LogicalSort
    | LogicalLimit
    | LogicalDistinct
    | LogicalAppend
    | LogicalSetOperation
    | LogicalCteScan
    | LogicalRecursiveUnion
    | LogicalWorkTable
    | LogicalLock
    | LogicalOutput
    | LogicalModification
)


@frozen
class LogicalCte:
    """A query of WITH that is kept apart. `is_materialized` None leaves the choice to us."""

    cte_id: int
    name: str
    plan: LogicalPlan
    is_materialized: bool | None
    is_modifying: bool = False


@frozen
class LogicalStatement:
    """A bound statement. `tag`: SELECT, INSERT, UPDATE, DELETE or MERGE."""

    root: LogicalPlan
    tag: str
    ctes: tuple[LogicalCte, ...]
    # The first column number that is free, for rules that make columns.
    next_column: int
    # Whether any subquery expression was bound, and any FOR UPDATE: without, nobody need look for them.
    has_subqueries: bool = True
    locks_rows: bool = True
