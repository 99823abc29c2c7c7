"""Foreign keys with PERIOD: the periods of a referring row must be covered by those of the parent's rows with the same key, together.

    parent (1, [Jan, Apr))  (1, [Apr, Jul))          child (1, [Feb, Jun))     covered by both
                                                           (1, [Feb, Aug))     not covered: violates

The parent's key is one WITHOUT OVERLAPS, whose index has the period last. Rows of the parent that cover a part are locked as by any
foreign key. Only NO ACTION exists, as in PostgreSQL: a change of the parent's row is looked at when the statement is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from lungfish.executor.context import ExecutionContext
from lungfish.executor.foreign_keys import (
    ForeignKey,
    KeyValues,
    children,
    index_over,
    visible_row,
)
from lungfish.executor.index_scan import find_index
from lungfish.storage.lock_modes import LockMode
from lungfish.types.compare import values_equal
from lungfish.types.range_sets import RangeLine
from lungfish.types.range_value import RangeValue
from lungfish.types.sql_type import SqlType, TypeKind

if TYPE_CHECKING:
    from lungfish.storage.ids import TupleId
    from lungfish.storage.snapshots import Snapshot
    from lungfish.storage.table import TableStore


def is_covered(foreign_key: ForeignKey, key: KeyValues, context: ExecutionContext) -> bool:
    """Whether the parent's rows cover the period of this key (of the child's types), which then cannot go before we end."""
    line = _line(foreign_key)
    wanted = foreign_key.as_parent_key(key)
    store = context.tables.table_store(foreign_key.parent)
    while True:
        found: list[RangeValue] = []
        is_settled = True
        with context.snapshot_of_now() as snapshot:
            for address, period in list(_overlapping(foreign_key, wanted, store, snapshot)):
                locked = store.lock(
                    context.transaction, snapshot, address, mode=LockMode.FOR_KEY_SHARE
                )
                if locked.values is None:
                    is_settled = False
                    break
                row = visible_row(foreign_key.parent, locked.values)
                if foreign_key.parent_key(row)[-1] != period:
                    is_settled = False
                    break
                found += _parts(period)
        if is_settled:
            return _covers(line, found, wanted[-1])
        # A row changed while we waited for it: look again.


def _overlapping(
    foreign_key: ForeignKey, wanted: KeyValues, store: TableStore, snapshot: Snapshot
) -> Iterator[tuple[TupleId, Any]]:
    """The parent's rows with the same key whose periods have a part of the wanted one, and those periods."""
    line, types = _line(foreign_key), _parent_types(foreign_key)
    index = find_index(store, foreign_key.parent_index)
    scalars = [wanted[place] for place in foreign_key.parent_index_order[:-1]]
    chunks = store.index_scan(snapshot, index, index.btree.codec.range(scalars), is_backward=False)
    for address, stored in chain.from_iterable(chunks):
        held = foreign_key.parent_key(visible_row(foreign_key.parent, stored))
        if None in held or not all(
            values_equal(one, other, kind)
            for one, other, kind in zip(held[:-1], wanted[:-1], types, strict=False)
        ):
            continue
        if _overlap(line, held[-1], wanted[-1]):
            yield address, held[-1]


def find_uncovered(
    foreign_key: ForeignKey, old_keys: list[KeyValues], context: ExecutionContext
) -> KeyValues | None:
    """One of the parent's keys that have gone, or changed, without which a row of the child is not covered any more."""
    line = _line(foreign_key)
    gone: dict[KeyValues, list[Any]] = {}
    for key in old_keys:
        gone.setdefault(key[:-1], []).append(key[-1])
    scalars = list(gone)
    for _, row, number in children(_without_period(foreign_key), scalars, context):
        child_key = foreign_key.child_key(row)
        if None in child_key:
            continue
        for period in gone[scalars[number]]:
            if _overlap(line, period, child_key[-1]):
                if not is_covered(foreign_key, child_key, context):
                    return (*scalars[number], period)
                break
    return None


def _without_period(foreign_key: ForeignKey) -> ForeignKey:
    """The same about the columns that must be equal."""
    numbers = foreign_key.constraint.columns[:-1]
    child_index, child_index_order = index_over(foreign_key.child, numbers)
    return replace(
        foreign_key,
        child_positions=foreign_key.child_positions[:-1],
        parent_positions=foreign_key.parent_positions[:-1],
        to_parent=foreign_key.to_parent[:-1],
        to_child=foreign_key.to_child[:-1],
        child_index=child_index,
        child_index_order=child_index_order,
    )


def _parent_types(foreign_key: ForeignKey) -> list[SqlType]:
    columns = foreign_key.parent.columns
    return [columns[position].type for position in foreign_key.parent_positions]


def _line(foreign_key: ForeignKey) -> RangeLine:
    kind = _parent_types(foreign_key)[-1].base
    if kind.kind is TypeKind.MULTIRANGE:
        assert kind.element is not None, "a multirange is made of ranges"
        kind = kind.element
    return RangeLine(kind)


def _parts(period: Any) -> tuple[RangeValue, ...]:
    """The ranges that a period consists of: itself, or those of a multirange."""
    return (period,) if isinstance(period, RangeValue) else period


def _overlap(line: RangeLine, left: Any, right: Any) -> bool:
    return any(line.overlaps(one, other) for one in _parts(left) for other in _parts(right))


def _covers(line: RangeLine, held: list[RangeValue], wanted: Any) -> bool:
    """Whether the ranges together have all of the period. Nothing at all covers nothing, not even an empty period."""
    united = line.united(held)
    return bool(united) and all(
        any(line.contains(each, part) for each in united) for part in _parts(wanted)
    )
