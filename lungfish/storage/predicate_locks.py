"""What serializable transactions have read and written, so that each can be compared with the others: SIREAD locks and write sets.

    read                          meets a write of
    a whole relation              any row of it
    a row (by its address)        that row
    a key of an index             a row that has, or had, that key there
    a range of an index           a row with, before or after, an entry in it

Whatever an index finds is covered by keys and ranges, also that it finds nothing: a change of a row concerns the entries that its old
and its new version have in *every* index of its table, whether they change or not. So readers need no locks on the rows they find,
and gaps none of their own. (Precision locking: Jordan, Banerjee, Batman, "Precision Locks", SIGMOD 1981. PostgreSQL locks tuples
and leaf pages instead, and meets writes beside those that were read more often.)

Relations are known by their table's oid, which outlives a rewrite; indexes by their relation. When a table's relations change, whatever
is known of it in detail becomes the whole relation (`Footprints.coarsen`).

Invariants, all guarded by the mutex of `serializable.py`:
1. `targets`, `places` and `wholes` have a transaction exactly where its own `Touched` says so; `forget` takes it out of all.
2. A footprint only grows, and may only be made coarser: what met a write before meets it afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Literal, TypeVar

from lungfish.storage.ids import RelationId, TupleId
from lungfish.storage.keys import Key, KeyRange, Position

# ("row", oid of the table, address) or ("key", relation of the index, key).
Target = tuple[Literal["row", "key"], int, Any]
# So many rows, keys and places of one relation are kept apart for one transaction; beyond, it has touched all of it.
DETAILS_OF_RELATION_MAX = 1024
# And so many of all relations together.
DETAILS_OF_MEMBER_MAX = 8192

MemberType = TypeVar("MemberType")


def row_target(oid: int, address: TupleId) -> Target:
    """A row by its address."""
    return ("row", oid, address)


def key_target(index: RelationId, key: Key) -> Target:
    """A key of an index."""
    return ("key", index, key)


class Touched:
    """What one transaction has touched of one relation."""

    __slots__ = ("count", "is_whole", "places", "targets")

    def __init__(self) -> None:
        self.is_whole = False
        self.targets: set[Target] = set()
        # Of each index: ranges (reads) or entries (writes).
        self.places: dict[RelationId, list[Any]] = {}
        self.count = 0


class Footprints(Generic[MemberType]):
    """The reads, or the writes, of all transactions."""

    def __init__(self) -> None:
        self._targets: dict[Target, dict[MemberType, None]] = {}
        self._places: dict[RelationId, dict[MemberType, list[Any]]] = {}
        self._wholes: dict[int, dict[MemberType, None]] = {}
        self._members: dict[MemberType, dict[int, Touched]] = {}
        self._touching: dict[int, dict[MemberType, Touched]] = {}

    # Adding

    def is_whole(self, member: MemberType, oid: int) -> bool:
        """Whether the member has touched all of the relation."""
        return member in self._wholes.get(oid, ())

    def add_whole(self, member: MemberType, oid: int) -> None:
        """All of a relation."""
        touched = self._touched(member, oid)
        if touched.is_whole:
            return
        self._drop_details(member, touched)
        touched.is_whole = True
        self._wholes.setdefault(oid, {})[member] = None

    def add_target(self, member: MemberType, oid: int, target: Target) -> None:
        """A row, or a key of an index."""
        touched = self._touched(member, oid)
        if touched.is_whole or target in touched.targets:
            return
        touched.targets.add(target)
        self._targets.setdefault(target, {})[member] = None
        self._count_detail(member, oid, touched)

    def add_range(
        self, member: MemberType, oid: int, index: RelationId, key_range: KeyRange
    ) -> None:
        """A range of an index; one that goes on where the last one ended is joined to it."""
        touched = self._touched(member, oid)
        if touched.is_whole:
            return
        ranges = self._places_of(member, touched, index)
        if ranges:
            low, high = ranges[-1]
            if high is not None and high == key_range.low:
                ranges[-1] = KeyRange(low, key_range.high)
                return
            if low is not None and low == key_range.high:
                ranges[-1] = KeyRange(key_range.low, high)
                return
        ranges.append(key_range)
        self._count_detail(member, oid, touched)

    def add_entry(self, member: MemberType, oid: int, index: RelationId, entry: Position) -> None:
        """An entry of an index that was added or removed, or whose row has changed."""
        touched = self._touched(member, oid)
        if not touched.is_whole:
            self._places_of(member, touched, index).append(entry)
            self._count_detail(member, oid, touched)

    def touch(self, member: MemberType, oid: int) -> None:
        """Something of a relation that has no place in an index and that nobody can have seen by its address: a new row."""
        self._touched(member, oid)

    def _touched(self, member: MemberType, oid: int) -> Touched:
        relations = self._members.setdefault(member, {})
        touched = relations.get(oid)
        if touched is None:
            touched = relations[oid] = Touched()
            self._touching.setdefault(oid, {})[member] = touched
        return touched

    def _places_of(self, member: MemberType, touched: Touched, index: RelationId) -> list[Any]:
        places = touched.places.get(index)
        if places is None:
            places = touched.places[index] = []
            self._places.setdefault(index, {})[member] = places
        return places

    def _count_detail(self, member: MemberType, oid: int, touched: Touched) -> None:
        touched.count += 1
        if touched.count > DETAILS_OF_RELATION_MAX:
            self.add_whole(member, oid)
            return
        relations = self._members[member]
        if len(relations) > DETAILS_OF_MEMBER_MAX // DETAILS_OF_RELATION_MAX:
            total = sum(each.count for each in relations.values())
            if total > DETAILS_OF_MEMBER_MAX:
                self.add_whole(member, max(relations, key=lambda each: relations[each].count))

    # Looking

    def touching(self, oid: int) -> Iterable[MemberType]:
        """Who has touched anything of the relation."""
        return self._touching.get(oid, ())

    def touching_whole(self, oid: int) -> Iterable[MemberType]:
        """Who has touched all of it."""
        return self._wholes.get(oid, ())

    def touching_target(self, target: Target) -> Iterable[MemberType]:
        """Who has touched a row or a key."""
        return self._targets.get(target, ())

    def ranges_around(self, index: RelationId, entry: Position) -> Iterator[MemberType]:
        """Of reads: who has read a range with the entry in it."""
        for member, ranges in self._places.get(index, {}).items():
            if any(is_within(entry, each) for each in ranges):
                yield member

    def entries_within(self, index: RelationId, key_range: KeyRange) -> Iterator[MemberType]:
        """Of writes: who has written an entry in the range."""
        for member, entries in self._places.get(index, {}).items():
            if any(is_within(each, key_range) for each in entries):
                yield member

    def facts(self) -> Iterator[tuple[MemberType, int, Touched]]:
        """Each transaction with what it has touched of each relation."""
        for member, relations in self._members.items():
            for oid, touched in relations.items():
                yield member, oid, touched

    def relations_of(self, member: MemberType) -> Iterable[int]:
        """The relations that the member has touched."""
        return self._members.get(member, ())

    # Less detail, and none

    def coarsen(self, oid: int) -> None:
        """Let everyone who has touched some of the relation have touched all of it."""
        for member in list(self._touching.get(oid, ())):
            self.add_whole(member, oid)

    def forget(self, member: MemberType) -> None:
        """The member is of no more interest."""
        for oid, touched in self._members.pop(member, {}).items():
            self._drop_details(member, touched)
            _discard(self._wholes, oid, member)
            _discard(self._touching, oid, member)

    def _drop_details(self, member: MemberType, touched: Touched) -> None:
        for target in touched.targets:
            _discard(self._targets, target, member)
        for index in touched.places:
            _discard(self._places, index, member)
        touched.targets.clear()
        touched.places.clear()
        touched.count = 0


def is_within(entry: Position, key_range: KeyRange) -> bool:
    """Whether an entry lies in a range."""
    low, high = key_range
    return (low is None or low <= entry) and (high is None or entry < high)


KeyOfMap = TypeVar("KeyOfMap")


def _discard(
    found: dict[KeyOfMap, dict[MemberType, Any]], key: KeyOfMap, member: MemberType
) -> None:
    members = found.get(key)
    if members is not None:
        members.pop(member, None)
        if not members:
            del found[key]
