"""Exclusion constraints: no two rows of a table may have all of some operators true between their keys.

The constraint's index, a B+Tree whatever USING says, holds the keys in order. A row is in it before it is looked at, so of two
transactions at least one meets the other's row. Leading keys compared by `=` narrow the search to those equal. If one range compared
by `&&` follows and is the last, only rows that begin before its end matter; and as the rows there overlap with none of each other,
the search ends at the first, from the high end downwards, that begins and ends before the range. Other keys are all looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any, cast

from lungfish.catalog.objects import Constraint, Index, Table
from lungfish.executor.context import DETACHED, ExecutionContext, Row, Run
from lungfish.executor.expressions.calls import row_function
from lungfish.executor.index_scan import find_index
from lungfish.executor.violations import clashing_rows, empty_period, exclusion_violation
from lungfish.planner.callees import find_operator
from lungfish.storage.ids import TupleId
from lungfish.storage.keys import WHOLE_RANGE, Bound, KeyCodec, KeyRange
from lungfish.storage.rows import Values
from lungfish.storage.table_clash import ClashSearch, Look
from lungfish.storage.table_index import TableIndex
from lungfish.types.range_sets import RangeLine
from lungfish.types.range_value import RangeValue
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind

Test = Callable[[Any, Any], bool | None]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A constraint, compiled."""

    constraint: Constraint
    index: Index
    # For each key whether two values of it clash.
    tests: tuple[Test, ...]
    # How many leading keys are compared by `=`.
    equal_count: int
    # The line of the last key, where that is the only other one and a range compared by `&&`.
    line: RangeLine | None


def exclusions_of(table: Table) -> tuple[Exclusion, ...]:
    """The table's exclusion constraints."""
    return tuple(
        _compile(
            constraint, next(each for each in table.indexes if each.oid == constraint.index_oid)
        )
        for constraint in table.constraints
        if constraint.operators
    )


def _compile(constraint: Constraint, index: Index) -> Exclusion:
    types = [_key_type(key.type) for key in index.columns]
    operators = constraint.operators
    equal_count = 0
    while equal_count < len(operators) and operators[equal_count] == "=":
        equal_count += 1
    last = types[-1]
    has_line = (
        equal_count == len(types) - 1 and operators[-1] == "&&" and last.kind is TypeKind.RANGE
    )
    return Exclusion(
        constraint,
        index,
        tuple(map(operator_test, operators, types)),
        equal_count,
        RangeLine(last.base) if has_line else None,
    )


def _key_type(sql_type: SqlType | None) -> SqlType:
    assert sql_type is not None, "a key has a type"
    return sql_type


def operator_test(operator: str, sql_type: SqlType) -> Test:
    """Whether the operator is true of two values of the type."""
    found = find_operator(operator, (sql_type, sql_type))
    call = row_function(found.callee, found.argument_types, BOOLEAN)
    return lambda left, right: cast("bool | None", call((left, right), DETACHED))


def check_exclusion(
    table: Table,
    exclusion: Exclusion,
    address: TupleId,
    context: ExecutionContext,
    *,
    ignored: Set[TupleId],
) -> None:
    """Raise ExclusionViolation if another row clashes with the one at the address, as that is now.

    `ignored`: the row itself, and rows of the same statement that are looked at after it.
    """
    store = context.tables.table_store(table)
    with context.snapshot_of_now() as snapshot:
        values = store.get(snapshot, address)
    if values is None:
        return
    index = find_index(store, exclusion.index)
    found = find_clashing(exclusion, index, values, context, table, ignored=ignored)
    if found is not None:
        key, other = index.key_of(values), index.key_of(found[1])
        raise exclusion_violation(table, exclusion.index, key, other)


def find_clashing(
    exclusion: Exclusion,
    index: TableIndex,
    values: Values,
    context: ExecutionContext,
    table: Table,
    *,
    ignored: Set[TupleId] = frozenset(),
) -> tuple[TupleId, Values] | None:
    """The row that clashes with stored values, in the table or about to be; waits for who decides on it."""
    context.cancellation.check()
    if index.predicate is not None and not index.predicate(values):
        return None
    key = index.key_of(values)
    if exclusion.constraint.is_period and _is_empty(key[-1]):
        raise empty_period(table, exclusion.index)
    # NULL clashes with nothing, and an empty range overlaps with nothing.
    if None in key or (exclusion.line is not None and key[-1].is_empty):
        return None
    search = ClashSearch(
        _key_range(exclusion, index.btree.codec, key),
        _look(exclusion, index, key),
        stops=exclusion.line is not None and not exclusion.constraint.is_deferrable,
        ignored=ignored,
    )
    return context.tables.table_store(table).find_clash(context.transaction, index, search)


def _is_empty(period: Any) -> bool:
    """Whether a period that is not NULL has no part at all."""
    return period.is_empty if isinstance(period, RangeValue) else period == ()


def _key_range(exclusion: Exclusion, codec: KeyCodec, key: Values) -> KeyRange:
    equals = key[: exclusion.equal_count]
    if exclusion.line is None or key[-1].upper is None:
        return codec.range(equals) if equals else WHOLE_RANGE
    # The greatest range that begins where this one ends.
    end = RangeValue(key[-1].upper, None, is_lower_inclusive=True)
    return codec.range(equals, upper=Bound(end, True))


def _look(exclusion: Exclusion, index: TableIndex, key: Values) -> Callable[[Values], Look]:
    tests, line = exclusion.tests, exclusion.line

    def look(values: Values) -> Look:
        other = index.key_of(values)
        if None in other:
            return Look.OTHER
        if all(
            test(left, right) is True for test, left, right in zip(tests, key, other, strict=True)
        ):
            return Look.CLASH
        if line is not None and not other[-1].is_empty and line.low(other[-1]) < line.low(key[-1]):
            return Look.PASSED
        return Look.OTHER

    return look


def has_same_key(exclusion: Exclusion, table: Table, old: Row, new: Sequence[Any]) -> bool:
    """Whether a change of a row leaves its key as it was. Keys that are expressions may always have changed."""
    if exclusion.index.predicate is not None:
        return False
    for part in exclusion.index.columns:
        if part.expression is not None:
            return False
        position = table.position_of_number(part.column_number)
        if old[position] != new[position]:
            return False
    return True


def require_no_clashes(table: Table, index: Index, context: ExecutionContext) -> None:
    """Look at all rows of a table that has got an exclusion constraint. Requires: nobody writes to the table.

    Raises ExclusionViolation.
    """
    exclusion = next(each for each in exclusions_of(table) if each.index.oid == index.oid)
    store = context.tables.table_store(table)
    stored = find_index(store, index)
    seen: set[TupleId] = set()
    check = Run(context).check_cancel
    with context.snapshot_of_now() as snapshot:
        for chunk in store.index_scan(snapshot, stored, WHOLE_RANGE):
            check()
            seen.update(address for address, _ in chunk)
        for chunk in store.index_scan(snapshot, stored, WHOLE_RANGE):
            check()
            for address, values in chunk:
                # Each pair is met once: by the later of its rows in the index.
                found = find_clashing(exclusion, stored, values, context, table, ignored=seen)
                seen.discard(address)
                if found is not None:
                    key, other = stored.key_of(values), stored.key_of(found[1])
                    raise clashing_rows(table, index, key, other)
