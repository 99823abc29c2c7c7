"""Scans: a table read in sequence or through the index that is cheapest for the predicates (and the order) at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lungfish.catalog.objects import Index
from lungfish.planner.access_paths import (
    Bound,
    Comparison,
    IndexMatch,
    comparisons_of,
    match_index,
    matched_rows,
)
from lungfish.planner.bind_stored import bind_over_table, parse_expression
from lungfish.planner.cost import index_scan_cost, seq_scan_cost, sort_cost
from lungfish.planner.expression_tree import add_columns, conjunction, conjuncts_of
from lungfish.planner.expressions import (
    TUPLE_ID_COLUMN,
    BoundExpression,
    CastTo,
    ColumnRef,
    IsNullExpr,
    OutputColumn,
    SortKey,
)
from lungfish.planner.logical import LogicalScan, LogicalSystemScan
from lungfish.planner.physical import (
    EmptyScan,
    Estimate,
    IndexScan,
    KeyBound,
    PhysicalPlan,
    SeqScan,
    SystemViewScan,
)
from lungfish.planner.physical_columns import Frames, Planned, Translator
from lungfish.planner.planning import Planning
from lungfish.planner.rules.prune_partitions import tests_at_run_time
from lungfish.planner.scope import Clause
from lungfish.planner.substitution import substitute
from lungfish.types.frozen import frozen

Order = tuple[tuple[int, bool, bool], ...]


@frozen
class WantedOrder:
    """An order that the reader would otherwise have to sort into, and of how many rows it takes only the first."""

    keys: tuple[SortKey, ...]
    limit: float | None = None


@dataclass(slots=True)
class _Path:
    """One way to read the table, priced."""

    cost: float
    rows: float
    match: IndexMatch | None
    is_backward: bool = False
    order: Order = ()

    @property
    def is_point(self) -> bool:
        """Whether at most one row is found."""
        return self.match is not None and self.match.is_point

    @property
    def key_count(self) -> int:
        """How many key columns the index has; 0 for a scan of the table."""
        return 0 if self.match is None else len(self.match.index.columns)


def plan_scan(
    planning: Planning,
    scan: LogicalScan,
    conjuncts: tuple[BoundExpression, ...],
    required: frozenset[int],
    frames: Frames,
    wanted: WantedOrder | None = None,
) -> Planned:
    """The cheapest scan of the table for the conjuncts."""
    numbers = _numbers(scan, conjuncts, required)
    described, first = scan.table.columns, scan.first_column
    for number in numbers:
        position = number - first
        if position == len(described):
            planning.name_as(number, TUPLE_ID_COLUMN)
        else:
            column = described[position]
            planning.name_as(number, OutputColumn(column.name, column.type))
    paths = _paths(planning, scan, conjuncts, wanted)
    if isinstance(paths, IndexMatch):
        return Planned(EmptyScan(planning.columns(numbers), Estimate(0.0, 0.0, 0.0)), numbers)
    # Of two indexes that cost the same the narrower one: its entries for one key come in the order of the rows.
    planning.use(scan.table, "read")
    best = min(paths, key=lambda path: (_price(path, wanted), path.key_count))
    return _make(planning, scan, conjuncts, numbers, best, frames)


def _numbers(
    scan: LogicalScan, conjuncts: Sequence[BoundExpression], required: frozenset[int]
) -> tuple[int, ...]:
    """The columns that are read: those that somebody needs, the filter included; the TupleId last."""
    needed = set(required)
    for conjunct in conjuncts:
        add_columns(conjunct, needed)
    first = scan.first_column
    numbers = [first + position for position in scan.positions if first + position in needed]
    if scan.with_tuple_id:
        numbers.append(scan.tuple_id_column)
    return tuple(numbers)


def _price(path: _Path, wanted: WantedOrder | None) -> float:
    """The path's cost, with that of the sort which it does not save."""
    if wanted is None:
        return path.cost
    if gives_order(path.order, wanted.keys):
        if wanted.limit is None or path.rows <= wanted.limit:
            return path.cost
        return path.cost * wanted.limit / path.rows
    return path.cost + sort_cost(path.rows)


def gives_order(order: Order, keys: Sequence[SortKey]) -> bool:
    """Whether rows in `order` are sorted by `keys`."""
    if len(keys) > len(order):
        return False
    for (number, is_descending, nulls_first), key in zip(order, keys, strict=False):
        expression = key.expression
        if not isinstance(expression, ColumnRef) or expression.index != number:
            return False
        if key.is_descending != is_descending or key.nulls_first != nulls_first:
            return False
    return True


def _paths(
    planning: Planning,
    scan: LogicalScan,
    conjuncts: tuple[BoundExpression, ...],
    wanted: WantedOrder | None,
) -> list[_Path] | IndexMatch:
    """All paths; or the match that shows that there are no rows."""
    cardinality = planning.cardinality
    total = cardinality.rows(scan)
    rows = total * cardinality.selectivity_all(conjuncts) if conjuncts else total
    paths = [_Path(seq_scan_cost(total, len(conjuncts)), max(rows, 1.0), None)]
    indexes = scan.table.indexes
    if not indexes or (not conjuncts and wanted is None):
        return paths
    comparisons = comparisons_of(scan, conjuncts)
    if not comparisons and wanted is None:
        return paths
    compared = _compared_columns(comparisons)
    for index in indexes:
        if wanted is None and not _may_match(scan, index, compared):
            continue
        if index.predicate is not None and not _is_implied(planning, scan, index, conjuncts):
            continue
        keys = _key_expressions(planning, scan, index)
        match = match_index(scan, index, comparisons, keys)
        if match.is_empty:
            return match
        paths.extend(_index_paths(planning, scan, conjuncts, match, keys, wanted))
    return paths


def _compared_columns(comparisons: Sequence[Comparison]) -> set[int]:
    """The columns that comparisons are about."""
    found: set[int] = set()
    for each in comparisons:
        key = each.key
        if isinstance(key, CastTo):
            key = key.operand
        if isinstance(key, ColumnRef):
            found.add(key.index)
    return found


def _may_match(scan: LogicalScan, index: Index, compared: set[int]) -> bool:
    """A quick look at the index's first column, before it is matched in earnest."""
    number = index.columns[0].column_number
    return not number or scan.first_column + scan.table.position_of_number(number) in compared


def _index_paths(
    planning: Planning,
    scan: LogicalScan,
    conjuncts: tuple[BoundExpression, ...],
    match: IndexMatch,
    keys: Sequence[BoundExpression],
    wanted: WantedOrder | None,
) -> list[_Path]:
    forward = _index_order(match, keys, is_backward=False)
    found = matched_rows(match, scan, planning.cardinality)
    rest = len(conjuncts) - len(match.used) + len(match.recheck)
    cost = index_scan_cost(found, max(len(match.any_of), 1), rest)
    if match.is_useful:
        others = tuple(each for each in conjuncts if each not in match.used)
        rows = max(
            found * planning.cardinality.selectivity_all(others), 1.0 if not match.is_point else 0.5
        )
        paths = [_Path(cost, rows, match, order=forward)]
    elif wanted is not None:
        rows = max(found * planning.cardinality.selectivity_all(conjuncts), 1.0)
        paths = (
            [_Path(cost, rows, match, order=forward)] if gives_order(forward, wanted.keys) else []
        )
    else:
        return []
    if wanted is not None and not match.any_of:
        backward = _index_order(match, keys, is_backward=True)
        if gives_order(backward, wanted.keys):
            paths.append(_Path(cost, rows, match, is_backward=True, order=backward))
    return paths


def _index_order(match: IndexMatch, keys: Sequence[BoundExpression], *, is_backward: bool) -> Order:
    """The order of the rows that the match finds; columns held to one value do not count."""
    if match.any_of:
        return ()
    order: list[tuple[int, bool, bool]] = []
    for position in range(len(match.equals), len(keys)):
        key, column = keys[position], match.index.columns[position]
        if not isinstance(key, ColumnRef):
            break
        order.append(
            (
                key.index,
                column.is_descending is not is_backward,
                column.nulls_first is not is_backward,
            )
        )
    return tuple(order)


# Indexes over expressions, and partial ones.


def _key_expressions(planning: Planning, scan: LogicalScan, index: Index) -> list[BoundExpression]:
    """The index's key columns as expressions over the scan."""
    table = scan.table
    keys: list[BoundExpression] = []
    for column in index.columns:
        if column.expression is None:
            position = table.position_of_number(column.column_number)
            described = table.columns[position]
            keys.append(ColumnRef(scan.first_column + position, described.type, described.name))
        else:
            keys.append(_over_scan(planning, scan, column.expression, Clause.INDEX))
    return keys


def _over_scan(planning: Planning, scan: LogicalScan, text: str, clause: Clause) -> BoundExpression:
    bound = bind_over_table(parse_expression(text), scan.table, planning.state, clause)
    numbers = {
        position: ColumnRef(scan.first_column + position, column.type, column.name)
        for position, column in enumerate(scan.table.columns)
    }
    return substitute(bound, numbers)


def _is_implied(
    planning: Planning, scan: LogicalScan, index: Index, conjuncts: Sequence[BoundExpression]
) -> bool:
    """Whether a partial index holds every row that the conjuncts let through: each part of its predicate is one of them."""
    assert index.predicate is not None
    parts = conjuncts_of(_over_scan(planning, scan, index.predicate, Clause.INDEX_PREDICATE))
    compared = [each.key for each in comparisons_of(scan, conjuncts)]
    for part in parts:
        if part in conjuncts:
            continue
        # A comparison is true of no null.
        if isinstance(part, IsNullExpr) and part.is_negated and part.operand in compared:
            continue
        return False
    return True


# The node.


def _make(
    planning: Planning,
    scan: LogicalScan,
    conjuncts: tuple[BoundExpression, ...],
    numbers: tuple[int, ...],
    path: _Path,
    frames: Frames,
) -> Planned:
    columns = planning.columns(numbers)
    indexes = tuple(
        number - scan.first_column for number in numbers if number != scan.tuple_id_column
    )
    translate = planning.translator({number: at for at, number in enumerate(numbers)}, frames)
    # Bounds are computed before there is a row of the table, and so are tests.
    outside = planning.translator({}, frames)
    tests = tuple(
        replace(test, value=outside(test.value)) for test in tests_at_run_time(scan, conjuncts)
    )
    estimate = Estimate(path.rows, 0.0, path.cost)
    match = path.match
    if match is None:
        predicate = _predicate(conjuncts, translate)
        plan: PhysicalPlan = SeqScan(
            scan.table,
            indexes,
            predicate,
            scan.with_tuple_id,
            columns,
            estimate,
            scan.alias,
            tests,
        )
        return Planned(plan, numbers)
    rest = [each for each in conjuncts if each not in match.used or each in match.recheck]
    plan = IndexScan(
        scan.table,
        match.index,
        tuple(outside(value) for value in match.equals),
        _key_bound(match.lower, outside),
        _key_bound(match.upper, outside),
        tuple(outside(value) for value in match.any_of),
        path.is_backward,
        indexes,
        _predicate(rest, translate),
        scan.with_tuple_id,
        columns,
        estimate,
        scan.alias,
        tests,
    )
    return Planned(plan, numbers, path.order)


def _predicate(
    conjuncts: Sequence[BoundExpression], translate: Translator
) -> BoundExpression | None:
    if not conjuncts:
        return None
    return conjunction([translate(each) for each in conjuncts])


def _key_bound(bound: Bound | None, outside: Translator) -> KeyBound | None:
    return None if bound is None else KeyBound(outside(bound.value), bound.is_inclusive)


def plan_system_scan(
    planning: Planning,
    scan: LogicalSystemScan,
    conjuncts: tuple[BoundExpression, ...],
    required: frozenset[int],
    frames: Frames,
) -> Planned:
    """A system view, filtered."""
    needed = set(required)
    for conjunct in conjuncts:
        add_columns(conjunct, needed)
    first = scan.first_column
    positions = tuple(position for position in scan.positions if first + position in needed)
    numbers = tuple(first + position for position in positions)
    for position in positions:
        column = scan.view.columns[position]
        planning.name_as(first + position, OutputColumn(column.name, column.type))
    translate = planning.translator({number: at for at, number in enumerate(numbers)}, frames)
    rows = planning.cardinality.rows(scan)
    found = max(rows * planning.cardinality.selectivity_all(conjuncts), 1.0)
    plan = SystemViewScan(
        scan.view,
        positions,
        _predicate(conjuncts, translate),
        planning.columns(numbers),
        Estimate(found, 0.0, seq_scan_cost(rows, len(conjuncts))),
        scan.alias,
    )
    return Planned(plan, numbers)
