"""The names under which a query's tables and columns are shown: unique where that is needed, and those of today.

As PostgreSQL's ruleutils.c chooses them (`set_rtable_names`, `set_using_names`, `set_relation_column_names`,
`set_join_column_names`):

1. Each entry of the range table gets a name that no entry here or further out has; `_1`, `_2`, ... is put behind it otherwise.
2. Columns that USING merges get one name on both sides, whatever they are called there now; a join without an alias hands the
   names that it was given on to its sides.
3. Where a merged column is not one of the two it was made of (FULL JOIN, other types) and the join has no name, the column's
   name must be unique in the whole query.
4. Every other column keeps its name, made unique within its entry. Columns that were added since the text was read get names
   too, so that they cannot be taken for others.
"""

from __future__ import annotations

from lungfish.planner.deparse.nodes import JoinFacts, QueryTree, RangeItem

_NAME_LENGTH_MAX = 63


class Namespace:
    """The names of one query level; `parents` are those around it, innermost first."""

    __slots__ = ("_unique_using", "_using_names", "parents", "tree")

    def __init__(self, tree: QueryTree, parents: tuple[Namespace, ...]) -> None:
        self.tree = tree
        self.parents = parents
        self._using_names: list[str] = []
        self._choose_references()
        self._unique_using = any(_has_computed_merge(item) for item in tree.from_items)
        for item in tree.from_items:
            self._choose_using(item, ())
        for item in tree.items:
            if item.join is None:
                self._choose_columns(item)
            else:
                self._choose_join_columns(item, item.join)

    def references(self) -> list[str]:
        """The names of the entries."""
        return [item.reference for item in self.tree.items if item.reference is not None]

    # Tables.

    def _choose_references(self) -> None:
        counters = {name: 0 for parent in self.parents for name in parent.references()}
        for item in self.tree.items:
            name = item.alias
            if name is None and item.join is None:
                name = item.name
            if name is not None:
                name = _unique(name, counters)
            item.reference = name

    # Columns.

    def _is_free(self, name: str, item: RangeItem) -> bool:
        return not (
            name in item.names
            or name in item.new_names
            or name in item.parent_using
            or name in self._using_names
        )

    def _made_unique(self, name: str, item: RangeItem) -> str:
        if self._is_free(name, item):
            return name
        number = 1
        while not self._is_free(f"{_cut(name, number)}_{number}", item):
            number += 1
        return f"{_cut(name, number)}_{number}"

    def _choose_using(self, item: RangeItem, parent_using: tuple[str, ...]) -> None:
        join = item.join
        if join is None:
            return
        if item.alias is None:
            for position, name in enumerate(item.names):
                if name is not None:
                    _push(join, position, name)
        for position, name in enumerate(join.using):
            _expand(item, len(join.using))
            chosen = item.names[position]
            if chosen is None:
                if item.alias is not None and position < len(item.column_aliases):
                    name = item.column_aliases[position]
                chosen = self._made_unique(name, item)
                if self._unique_using:
                    self._using_names.append(chosen)
                item.names[position] = chosen
            join.using_names.append(chosen)
            parent_using = (*parent_using, chosen)
            _push(join, position, chosen)
        join.left.parent_using = join.right.parent_using = parent_using
        self._choose_using(join.left, parent_using)
        self._choose_using(join.right, parent_using)

    def _choose_columns(self, item: RangeItem) -> None:
        _expand(item, len(item.real_names))
        is_changed = False
        new_names: list[str] = []
        for position, real in enumerate(item.real_names):
            if real is None:
                item.names[position] = None
                continue
            name = item.names[position]
            if name is None:
                given = position < len(item.column_aliases)
                wanted = item.column_aliases[position] if given else real
                name = self._made_unique(wanted, item)
                item.names[position] = name
            new_names.append(name)
            item.is_new.append(position >= len(item.old_names))
            is_changed = is_changed or name != real
        item.new_names = new_names
        if item.kind == "relation":
            item.prints_columns = is_changed
        else:
            item.prints_columns = item.kind == "function" or bool(item.column_aliases) or is_changed

    def _choose_join_columns(self, item: RangeItem, join: JoinFacts) -> None:
        count = len(item.old_names)
        _expand(item, count)
        is_changed = False
        for position in range(len(join.using_names), count):
            real = _child_name(join, position)
            if real is None or item.alias is None:
                item.names[position] = real
                continue
            name = item.names[position]
            if name is None:
                given = position < len(item.column_aliases)
                name = self._made_unique(item.column_aliases[position] if given else real, item)
                item.names[position] = name
            is_changed = is_changed or name != real
        is_changed = self._choose_later_columns(item, join) or is_changed
        item.prints_columns = item.alias is not None and is_changed

    def _choose_later_columns(self, item: RangeItem, join: JoinFacts) -> bool:
        """The names that the join's columns have if it is read again; whether one was made other than below."""
        merged = len(join.using_names)
        item.new_names = [name for name in item.names[:merged] if name is not None]
        item.is_new = [False] * merged
        is_changed = False
        for side, columns in ((join.left, join.left_columns), (join.right, join.right_columns)):
            taken = {columns[position] for position in range(merged)}
            places = {at: position for position, at in enumerate(columns) if at is not None}
            old = [at for at, name in enumerate(side.names) if name is not None]
            old = old[: side.is_new.count(False)]
            following = iter(old)
            for name, is_new in zip(side.new_names, side.is_new, strict=True):
                if not is_new:
                    at = next(following)
                    if at in taken:
                        continue
                    own = item.names[places[at]]
                    assert own is not None, "the column below is still there"
                    item.new_names.append(own)
                else:
                    own = name if item.alias is None else self._made_unique(name, item)
                    is_changed = is_changed or own != name
                    item.new_names.append(own)
                item.is_new.append(is_new)
        return is_changed


def _has_computed_merge(item: RangeItem) -> bool:
    join = item.join
    if join is None:
        return False
    if item.alias is None and any(source is None for source in join.sources[: len(join.using)]):
        return True
    return _has_computed_merge(join.left) or _has_computed_merge(join.right)


def _child_name(join: JoinFacts, position: int) -> str | None:
    left, right = join.left_columns[position], join.right_columns[position]
    if left is not None:
        return join.left.names[left]
    assert right is not None, "a join's column is one of a side"
    return join.right.names[right]


def _expand(item: RangeItem, count: int) -> None:
    item.names += [None] * (count - len(item.names))


def _push(join: JoinFacts, position: int, name: str) -> None:
    """Have the sides call a column of the join by its name."""
    left, right = join.left_columns[position], join.right_columns[position]
    for side, at in ((join.left, left), (join.right, right)):
        if at is not None:
            _expand(side, at + 1)
            side.names[at] = name


def _unique(name: str, counters: dict[str, int]) -> str:
    """A name that is not among `counters`, to which it is added."""
    if name not in counters:
        counters[name] = 0
        return name
    while True:
        counters[name] += 1
        made = f"{_cut(name, counters[name])}_{counters[name]}"
        if made not in counters:
            counters[made] = 0
            return made


def _cut(name: str, number: int) -> str:
    """The name, short enough for `_number` behind it."""
    room = _NAME_LENGTH_MAX - len(str(number)) - 1
    return name.encode()[:room].decode(errors="ignore")
