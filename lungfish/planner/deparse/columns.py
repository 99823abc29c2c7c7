"""Which entry of which range table a column number stands for, as its place in the text sees it.

A join with an alias hides its sides: outside of it their columns are the join's. As a side gets its `parent` only when the join is
complete, what is translated inside of a join still finds the side itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lungfish import errors
from lungfish.planner.deparse.nodes import Column, RangeItem
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.scope import RangeEntry, Scope
from lungfish.sql.ast.expressions import Name


class ColumnPlaces:
    """The columns of all items translated so far."""

    __slots__ = ("_columns", "_items", "_of_item")

    def __init__(self) -> None:
        self._columns: dict[int, tuple[RangeItem, int]] = {}
        self._items: dict[int, RangeItem] = {}
        self._of_item: dict[RangeItem, list[tuple[str, ColumnRef]]] = {}

    def add(self, entry: RangeEntry, item: RangeItem) -> None:
        """The columns of an item that is no join."""
        self.name(entry, item)
        self._of_item[item] = list(zip(entry.names, entry.columns(), strict=True))
        for position, ref in enumerate(entry.columns()):
            self._columns[ref.index] = (item, position)

    def add_join(self, columns: Sequence[tuple[str, ColumnRef]], item: RangeItem) -> None:
        """A join's columns in order. Only those that are computed are its own."""
        self._of_item[item] = list(columns)
        for position, (_, ref) in enumerate(columns):
            self._columns.setdefault(ref.index, (item, position))

    def name(self, entry: RangeEntry, item: RangeItem) -> None:
        """Let what the binder finds under the entry's name be the item."""
        self._items[id(entry)] = item

    def columns_of(self, item: RangeItem) -> list[tuple[str, ColumnRef]]:
        """The item's columns by the names that the text sees."""
        return self._of_item[item]

    def is_of(self, number: int, items: Sequence[RangeItem]) -> bool:
        """Whether the column is one of these items'."""
        found = self._columns.get(number)
        return found is not None and any(found[0] is item for item in items)

    def knows(self, ref: ColumnRef) -> bool:
        """Whether it is a column that an item of FROM shows."""
        return ref.index in self._columns

    def column(self, ref: ColumnRef) -> Column:
        """The column as it is called here."""
        found = self._columns.get(ref.index)
        if found is None:
            raise errors.FeatureNotSupported("writing this column back as SQL is not supported")
        item, position = found
        outer = item.parent
        while outer is not None:
            if outer.alias is not None:
                numbers = [each.index for _, each in self._of_item[outer]]
                item, position = outer, numbers.index(ref.index)
            outer = outer.parent
        return Column(item, position, ref.type)

    def places_of(self, numbers: Iterable[int]) -> list[tuple[RangeItem, int]]:
        """Where columns come from, as it is now: once a subquery is translated, its columns stand for what they were made of."""
        return [self._columns[number] for number in numbers if number in self._columns]

    def item_of(self, entry: RangeEntry) -> RangeItem | None:
        """The item behind what the binder found under a name; None for USING's alias."""
        found = self._items.get(id(entry))
        if found is None and not entry.is_join:
            return self._columns[entry.column(0).index][0]
        return found

    def table_of(self, node: Name, scope: Scope) -> RangeItem:
        """The table that `tableoid`, perhaps qualified, is of."""
        if len(node.parts) > 1:
            found = scope.find_entry(node.parts[-2])
            assert found is not None, "the name was found when it was bound"
            return self._item_with_rows(found[0])
        for each in scope.chain():
            for entry in each.entries:
                if entry.shows_columns and (entry.table is not None or entry.table_oid is not None):
                    return self._item_with_rows(entry)
        raise AssertionError("tableoid was found when it was bound")

    def _item_with_rows(self, entry: RangeEntry) -> RangeItem:
        item = self.item_of(entry)
        assert item is not None, "only tables have a tableoid"
        return item
