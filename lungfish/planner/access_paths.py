"""Access paths: the ways to read one table, of which the cheapest is taken.

For an index the conjuncts over the table are matched with its columns: equalities with the leading ones, then a range or an
IN list. What the index answers exactly leaves the filter; the rest stays. A value to search for may use anything but the
table's own columns: constants, parameters, and columns of an outer row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lungfish.catalog.objects import Index, Table
from lungfish.planner.cardinality import RANGE_PAIR, Cardinality
from lungfish.planner.expression_tree import columns_of, is_volatile
from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    CastTo,
    ColumnRef,
    Constant,
    InListExpr,
)
from lungfish.planner.key_values import Between, Exact, Outside, key_value
from lungfish.planner.logical import LogicalScan
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind

FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(slots=True)
class Bound:
    """One end of a range on an index column."""

    value: BoundExpression
    is_inclusive: bool


@dataclass(slots=True)
class IndexMatch:
    """What an index can do for the conjuncts."""

    index: Index
    equals: list[BoundExpression] = field(default_factory=list)
    lower: Bound | None = None
    upper: Bound | None = None
    any_of: tuple[BoundExpression, ...] = ()
    # Conjuncts that the index answers, and those of them that must be checked all the same.
    used: list[BoundExpression] = field(default_factory=list)
    recheck: list[BoundExpression] = field(default_factory=list)
    # A conjunct can never be true.
    is_empty: bool = False

    @property
    def is_useful(self) -> bool:
        """Whether the index narrows the scan down."""
        return bool(self.equals or self.lower or self.upper or self.any_of)

    @property
    def is_point(self) -> bool:
        """Whether at most one row can be found."""
        return self.index.is_key and len(self.equals) == len(self.index.columns)


@frozen
class Comparison:
    """A conjunct seen as `key operator value`, the value free of the table's columns."""

    conjunct: BoundExpression
    key: BoundExpression
    operator: str
    value: BoundExpression


# Expressions of an index by its position, or None for a plain column.
KeyExpressions = Callable[[Index], Sequence[BoundExpression | None]]


def comparisons_of(scan: LogicalScan, conjuncts: Sequence[BoundExpression]) -> list[Comparison]:
    """The conjuncts that compare something of the table with something from outside."""
    first, last = scan.first_column, scan.tuple_id_column
    found: list[Comparison] = []
    for conjunct in conjuncts:
        if isinstance(conjunct, Call) and len(conjunct.arguments) == 2:
            name = conjunct.function.name
            if name not in FLIPPED or is_volatile(conjunct):
                continue
            left, right = conjunct.arguments
            left_own = _uses(left, first, last)
            right_own = _uses(right, first, last)
            if left_own and not right_own:
                found.append(Comparison(conjunct, left, name, right))
            elif right_own and not left_own:
                found.append(Comparison(conjunct, right, FLIPPED[name], left))
        elif isinstance(conjunct, InListExpr) and not conjunct.is_negated:
            if not is_volatile(conjunct) and not any(
                _uses(item, first, last) for item in conjunct.items
            ):
                found.append(Comparison(conjunct, conjunct.operand, "in", conjunct))
        elif isinstance(conjunct, ColumnRef) and first <= conjunct.index < last:
            found.append(Comparison(conjunct, conjunct, "=", Constant(True, BOOLEAN)))
    return found


def _uses(node: BoundExpression, first: int, last: int) -> bool:
    return any(first <= number <= last for number in columns_of(node))


def match_index(
    scan: LogicalScan,
    index: Index,
    comparisons: Sequence[Comparison],
    keys: Sequence[BoundExpression],
) -> IndexMatch:
    """What the index does for the comparisons. `keys` are its columns as expressions over the scan."""
    match = IndexMatch(index)
    for position, (column, key) in enumerate(zip(index.columns, keys, strict=True)):
        key_type = column.type if column.type is not None else key.type
        own = [each for each in comparisons if _same_key(each.key, key)]
        if _take_equality(match, own, key_type):
            continue
        if position == 0 and _take_list(match, own, key_type):
            break
        _take_range(match, own, key_type, is_nullable=_is_nullable(scan.table, key, scan))
        break
    return match


def _same_key(node: BoundExpression, key: BoundExpression) -> bool:
    """Whether the node is the index's key, perhaps widened for the comparison."""
    if node == key:
        return True
    return (
        isinstance(node, CastTo)
        and not node.is_explicit
        and is_order_preserving(node)
        and node.operand == key
    )


_NUMBERS = (TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT)
_PRESERVING = {
    **dict.fromkeys(((a, b) for a in _NUMBERS for b in (*_NUMBERS, TypeKind.NUMERIC)), True),
    (TypeKind.SMALLINT, TypeKind.DOUBLE): True,
    (TypeKind.INTEGER, TypeKind.DOUBLE): True,
    (TypeKind.VARCHAR, TypeKind.TEXT): True,
    (TypeKind.NAME, TypeKind.TEXT): True,
    (TypeKind.DATE, TypeKind.TIMESTAMP): True,
}


def is_order_preserving(cast: CastTo) -> bool:
    """Whether different values stay different, and in order. (A bigint may lose digits as a double.)"""
    return not cast.type.modifiers and (cast.operand.type.kind, cast.type.kind) in _PRESERVING


def _is_nullable(table: Table, key: BoundExpression, scan: LogicalScan) -> bool:
    if isinstance(key, ColumnRef):
        return not table.columns[key.index - scan.first_column].is_never_null
    return True


def _take_equality(match: IndexMatch, own: Sequence[Comparison], type_: SqlType) -> bool:
    for each in own:
        if each.operator != "=":
            continue
        found = key_value(each.value, type_)
        if found is None:
            continue
        match.used.append(each.conjunct)
        if not isinstance(found, Exact):
            match.is_empty = True
            return True
        match.equals.append(found.value)
        return True
    return False


def _take_list(match: IndexMatch, own: Sequence[Comparison], type_: SqlType) -> bool:
    for each in own:
        if each.operator != "in":
            continue
        assert isinstance(each.value, InListExpr)
        found = [key_value(item, type_) for item in each.value.items]
        if any(item is None for item in found):
            continue
        exact = [item.value for item in found if isinstance(item, Exact)]
        match.any_of = tuple(dict.fromkeys(exact)) if _all_constant(exact) else tuple(exact)
        match.used.append(each.conjunct)
        match.is_empty = not exact
        return True
    return False


def _all_constant(items: Sequence[BoundExpression]) -> bool:
    return all(isinstance(item, Constant) for item in items)


def _take_range(
    match: IndexMatch, own: Sequence[Comparison], type_: SqlType, *, is_nullable: bool
) -> None:
    taken: list[BoundExpression] = []
    for each in own:
        is_lower = each.operator in (">", ">=")
        if each.operator not in RANGES or (match.lower if is_lower else match.upper) is not None:
            continue
        found = key_value(each.value, type_)
        if found is None:
            continue
        if isinstance(found, Outside):
            # Below all values means nothing for a lower bound, but that the column is not null: that stays in the filter.
            if (found.side > 0) == is_lower:
                match.is_empty = True
                taken.append(each.conjunct)
            continue
        bound = _bound(found, each.operator)
        if is_lower:
            match.lower = bound
        else:
            match.upper = bound
        taken.append(each.conjunct)
    match.used.extend(taken)
    if is_nullable and (match.lower is None or match.upper is None):
        # A range open at one end may run into the index's nulls, which no comparison is true of.
        match.recheck.extend(taken)


RANGES = frozenset({"<", "<=", ">", ">="})


def _bound(found: Exact | Between, operator: str) -> Bound:
    if isinstance(found, Exact):
        return Bound(found.value, operator in ("<=", ">="))
    return Bound(found.below, operator in ("<", "<="))


def matched_rows(match: IndexMatch, scan: LogicalScan, cardinality: Cardinality) -> float:
    """How many rows the index finds."""
    total = cardinality.rows(scan)
    if match.is_point:
        return 1.0
    used = match.used
    share = 1.0
    if match.lower is not None and match.upper is not None:
        # The ends may be columns of an outer row, so the estimate of predicates cannot tell that they are a pair.
        used = [each for each in used if not _is_range(each)]
        share = RANGE_PAIR
    return max(total * share * cardinality.selectivity_all(tuple(used)), 1.0)


def _is_range(conjunct: BoundExpression) -> bool:
    return isinstance(conjunct, Call) and conjunct.function.name in RANGES
