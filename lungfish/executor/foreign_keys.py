"""Foreign keys as the executor sees them, and how the rows on either side are found.

The *child* refers, the *parent* is referred to. Values of the two sides may differ in type (integer and bigint, say), so each side
has casts to the other's types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.inheritance import part_of_index, partitioned_above
from lungfish.catalog.objects import Constraint, Index, Table
from lungfish.executor.context import ExecutionContext, Row, Run
from lungfish.executor.index_scan import find_index
from lungfish.executor.key_codes import UNKNOWN, RowCodes
from lungfish.executor.rows import rows_batch
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.types.casts import Cast, require_find_cast
from lungfish.types.compare import values_equal
from lungfish.types.settings import CANONICAL
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.storage.snapshots import Snapshot
    from lungfish.storage.table import TableStore

# The values of a foreign key's columns, in the constraint's order.
KeyValues = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key with both tables resolved."""

    constraint: Constraint
    child: Table
    parent: Table
    # Positions of the key's columns in `child.columns` and `parent.columns`, in the constraint's order.
    child_positions: tuple[int, ...]
    parent_positions: tuple[int, ...]
    to_parent: tuple[Cast, ...]
    to_child: tuple[Cast, ...]
    # The unique index of the parent, and which column of the key each of its columns is.
    parent_index: Index
    parent_index_order: tuple[int, ...]
    # An index whose first columns are the child's key, if there is one.
    child_index: Index | None
    child_index_order: tuple[int, ...]
    # Where `parent` is a leaf of the partitioned table that the constraint names: the same for that table.
    whole: ForeignKey | None = None

    def child_key(self, row: Sequence[Any]) -> KeyValues:
        """The key of a row of the child."""
        return tuple([row[position] for position in self.child_positions])

    def parent_key(self, row: Sequence[Any]) -> KeyValues:
        """The key of a row of the parent."""
        return tuple([row[position] for position in self.parent_positions])

    def as_parent_key(self, key: KeyValues) -> KeyValues:
        """A child's key in the parent's types. Requires: no nulls."""
        return _cast_all(self.to_parent, key)

    def as_child_key(self, key: KeyValues) -> KeyValues:
        """A parent's key in the child's types; nulls stay."""
        return _cast_all(self.to_child, key)


def _cast_all(casts: Sequence[Cast], key: KeyValues) -> KeyValues:
    return tuple(
        [
            value if value is None or cast.is_identity else cast.scalar(value, CANONICAL)
            for cast, value in zip(casts, key, strict=True)
        ]
    )


def foreign_keys_of(table: Table, catalog: Catalog) -> tuple[ForeignKey, ...]:
    """The foreign keys of which the table is the child."""
    return tuple(
        _resolve(constraint, table, catalog)
        for constraint in table.constraints
        if constraint.kind == "foreign key" and constraint.is_enforced
    )


def foreign_keys_to(table: Table, catalog: Catalog) -> tuple[ForeignKey, ...]:
    """The foreign keys of which the table is the parent, or the partitioned tables above it are."""
    found: list[ForeignKey] = []
    for above in (table, *partitioned_above(table, catalog)):
        for child in catalog.referencing_tables(above.oid):
            # The rows of a partitioned child are looked for in its leaves, which have the foreign key too.
            if child.partition_key is None:
                found += [
                    _resolve(constraint, child, catalog, held=table)
                    for constraint in child.constraints
                    if constraint.kind == "foreign key"
                    and constraint.is_enforced
                    and constraint.referenced_table_oid == above.oid
                ]
    return tuple(found)


def _resolve(
    constraint: Constraint, child: Table, catalog: Catalog, *, held: Table | None = None
) -> ForeignKey:
    """`held`: the leaf whose rows it is about, where the parent is partitioned."""
    assert constraint.referenced_table_oid is not None, "a foreign key refers to a table"
    parent = catalog.table(constraint.referenced_table_oid)
    whole = None
    if held is not None and held.oid != parent.oid:
        whole = _resolve(constraint, child, catalog)
        constraint, parent = _of_leaf(constraint, parent, held, catalog), held
    child_positions = tuple(child.position_of_number(number) for number in constraint.columns)
    parent_positions = tuple(
        parent.position_of_number(number) for number in constraint.referenced_columns
    )
    child_types = [child.columns[position].type for position in child_positions]
    parent_types = [parent.columns[position].type for position in parent_positions]
    parent_index = next(
        index for index in parent.indexes if index.oid == constraint.referenced_index_oid
    )
    child_index, child_index_order = index_over(child, constraint.columns)
    return ForeignKey(
        constraint=constraint,
        child=child,
        parent=parent,
        child_positions=child_positions,
        parent_positions=parent_positions,
        to_parent=_casts(child_types, parent_types),
        to_child=_casts(parent_types, child_types),
        parent_index=parent_index,
        parent_index_order=tuple(
            constraint.referenced_columns.index(column.column_number)
            for column in parent_index.columns
        ),
        child_index=child_index,
        child_index_order=child_index_order,
        whole=whole,
    )


def _of_leaf(constraint: Constraint, parent: Table, leaf: Table, catalog: Catalog) -> Constraint:
    """The constraint as if it referred to a leaf of the partitioned table."""
    numbers = []
    for number in constraint.referenced_columns:
        name = parent.columns[parent.position_of_number(number)].name
        position = leaf.column_position(name)
        assert position is not None, "a partition has its parent's columns"
        numbers.append(leaf.columns[position].number)
    index = next(item for item in parent.indexes if item.oid == constraint.referenced_index_oid)
    part = part_of_index(leaf, index, catalog)
    assert part is not None, "each partition has its part of a key"
    return replace(constraint, referenced_columns=tuple(numbers), referenced_index_oid=part.oid)


def _casts(sources: Sequence[SqlType], targets: Sequence[SqlType]) -> tuple[Cast, ...]:
    """Casts that only bring values to the other representation: modifiers are left alone, so nothing is rounded or cut."""
    return tuple(
        require_find_cast(source.unmodified, target.unmodified)
        for source, target in zip(sources, targets, strict=True)
    )


def index_over(table: Table, numbers: Sequence[int]) -> tuple[Index | None, tuple[int, ...]]:
    """An index whose leading columns are these, in any order, and which of them each is."""
    for index in table.indexes:
        leading = [column.column_number for column in index.columns[: len(numbers)]]
        if index.predicate is None and sorted(leading) == sorted(numbers):
            return index, tuple(numbers.index(number) for number in leading)
    return None, ()


def parent_exists(foreign_key: ForeignKey, key: KeyValues, context: ExecutionContext) -> bool:
    """Whether the parent has a row with this key (of the child's types), which then cannot go before we end."""
    if foreign_key.whole is not None:
        foreign_key = foreign_key.whole
    if foreign_key.parent.partition_key is not None:
        of_leaf = _leaf_of(foreign_key, key, context)
        if of_leaf is None:
            return False
        foreign_key = of_leaf
    parent_key = foreign_key.as_parent_key(key)
    if not _survives(foreign_key, parent_key, key):
        return False
    store = context.tables.table_store(foreign_key.parent)
    index = find_index(store, foreign_key.parent_index)
    values = [parent_key[place] for place in foreign_key.parent_index_order]
    key_range = index.btree.codec.range(values)
    while True:
        with context.snapshot_of_now() as snapshot:
            found = store.index_scan(snapshot, index, key_range, is_backward=False)
            address = next((address for address, _ in chain.from_iterable(found)), None)
            if address is None:
                return False
            locked = store.lock(context.transaction, snapshot, address, mode=LockMode.FOR_KEY_SHARE)
        if locked.values is not None:
            row = visible_row(foreign_key.parent, locked.values)
            if _equal(foreign_key.parent, foreign_key.parent_positions, row, parent_key):
                return True
        # The row went while we waited for it: look again, another may have its key now.


def _leaf_of(
    foreign_key: ForeignKey, key: KeyValues, context: ExecutionContext
) -> ForeignKey | None:
    """The foreign key as one to the leaf where the row with that key must be. Keys have all that decides on the leaf."""
    parent = foreign_key.parent
    row: list[Any] = [None] * len(parent.columns)
    for position, value in zip(
        foreign_key.parent_positions, foreign_key.as_parent_key(key), strict=True
    ):
        row[position] = value
    router = context.programs.router(parent, context.catalog)
    try:
        leaf, _ = router.leaf_of(tuple(row), Run(context))
    except errors.CheckViolation:
        return None
    found = _resolve(foreign_key.constraint, foreign_key.child, context.catalog, held=leaf)
    return replace(found, whole=None)


def _survives(foreign_key: ForeignKey, parent_key: KeyValues, key: KeyValues) -> bool:
    """Whether a key survives the way to the parent's types and back: a value that does not has no parent."""
    if all(cast.is_identity for cast in foreign_key.to_parent):
        return True
    back = foreign_key.as_child_key(parent_key)
    types = [foreign_key.child.columns[position].type for position in foreign_key.child_positions]
    return all(
        values_equal(one, other, sql_type)
        for one, other, sql_type in zip(back, key, types, strict=True)
    )


def _equal(table: Table, positions: Sequence[int], row: Row, key: KeyValues) -> bool:
    return all(
        row[position] is not None
        and values_equal(row[position], value, table.columns[position].type)
        for position, value in zip(positions, key, strict=True)
    )


def refers_to(foreign_key: ForeignKey, row: Row, child_key: KeyValues) -> bool:
    """Whether a row of the child has this key (of the child's types)."""
    return _equal(foreign_key.child, foreign_key.child_positions, row, child_key)


def children(
    foreign_key: ForeignKey, keys: Sequence[KeyValues], context: ExecutionContext
) -> Iterator[tuple[TupleId, Row, int]]:
    """The child's rows that refer to one of `keys` (of the parent's types): address, row, and number of the key.

    They are looked up in an index of the child; without one the child is read once, for all keys together.
    """
    child_keys = [foreign_key.as_child_key(key) for key in keys]
    store = context.tables.table_store(foreign_key.child)
    with context.snapshot_of_now() as snapshot:
        if foreign_key.child_index is None:
            check = Run(context).check_cancel
            found = _scan_children(foreign_key, child_keys, store, snapshot, check)
        else:
            found = _look_up_children(foreign_key, child_keys, store, snapshot)
        # Whoever asks goes on to change these rows, so all must be found first.
        yield from list(found)


def goes_on_to_refer(
    foreign_key: ForeignKey, address: TupleId, key: KeyValues, context: ExecutionContext
) -> bool:
    """Whether a row that `children` found for a key (of the parent's types) will refer to it. Waits for one who is deleting the row."""
    store = context.tables.table_store(foreign_key.child)
    with context.snapshot_of_now() as snapshot:
        locked = store.lock(context.transaction, snapshot, address, mode=LockMode.FOR_KEY_SHARE)
    if locked.values is None:
        return False
    row = visible_row(foreign_key.child, locked.values)
    return refers_to(foreign_key, row, foreign_key.as_child_key(key))


def _look_up_children(
    foreign_key: ForeignKey,
    keys: Sequence[KeyValues],
    store: TableStore,
    snapshot: Snapshot,
) -> Iterator[tuple[TupleId, Row, int]]:
    assert foreign_key.child_index is not None, "asked for with an index only"
    index = find_index(store, foreign_key.child_index)
    for number, key in enumerate(keys):
        values = [key[place] for place in foreign_key.child_index_order]
        key_range = index.btree.codec.range(values)
        found = store.index_scan(snapshot, index, key_range, is_backward=False)
        for address, stored in chain.from_iterable(found):
            yield address, visible_row(foreign_key.child, stored), number


def _scan_children(
    foreign_key: ForeignKey,
    keys: Sequence[KeyValues],
    store: TableStore,
    snapshot: Snapshot,
    check: Callable[[], None],
) -> Iterator[tuple[TupleId, Row, int]]:
    child = foreign_key.child
    types = [child.columns[position].type for position in foreign_key.child_positions]
    codes = RowCodes(types, [False] * len(types))
    numbers = codes.encode(rows_batch(keys, types).columns, len(keys))
    number_of_code = {code: number for number, code in enumerate(numbers.tolist())}
    positions = [child.stored_positions[position] for position in foreign_key.child_positions]
    for batch in store.scan(snapshot, positions, with_tuple_id=True, check=check):
        found = codes.lookup(batch.columns[:-1], batch.row_count)
        addresses = batch.columns[-1].to_numpy()
        for place in np.flatnonzero(found != UNKNOWN).tolist():
            address = TupleId(int(addresses[place]))
            stored = store.get(snapshot, address)
            assert stored is not None, "the scan has just seen it"
            yield address, visible_row(child, stored), number_of_code[int(found[place])]


def visible_row(table: Table, stored: Sequence[Any]) -> Row:
    """The visible columns of a stored row."""
    return tuple([stored[position] for position in table.stored_positions])
