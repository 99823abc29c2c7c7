"""What is known of a leaf's rows because of the bounds by which it is a partition: enough to see that a predicate finds none.

Only keys that are plain columns are told, and of a range the first column; a predicate that is not understood may find rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.catalog.partition_parts import PartitionBound
from lungfish.catalog.partitions import (
    bound_of,
    comparable,
    key_types,
    list_value,
    partitions_of,
    range_end,
)
from lungfish.functions.partition_hash import partition_hash
from lungfish.planner.expressions import BoundExpression
from lungfish.types.compare import comparison_key
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import SqlType

# Whether rows may be there whose key column compares so (=, <, <=, >, >=) with a value that is not null.
MayCompare = Callable[[str, Any], bool]


@frozen
class KeyFact:
    """A column by whose value rows have come to a leaf. `position`: in the leaf's columns."""

    position: int
    type: SqlType
    may_compare: MayCompare
    may_be_null: bool
    may_be_set: bool = True
    # Whether `may_compare` takes values as they are, not what they are compared by.
    takes_values: bool = False

    def may_be(self, operator: str, value: Any) -> bool:
        """Whether the key of some row may compare so with a value of its type."""
        if value is None:
            return False
        key = None if self.takes_values else comparison_key(self.type)
        return self.may_compare(operator, value if key is None else key(value))


@frozen
class KeyTest:
    """A comparison of the key with a value that is known when the statement runs: if it cannot hold, no row of the leaf is looked for."""

    operator: str
    value: BoundExpression
    fact: KeyFact


def facts_of(leaf: Table, catalog: Catalog) -> tuple[KeyFact, ...]:
    """What its own bound and those of the tables above say."""
    found: list[KeyFact] = []
    part = leaf
    while part.partition_bound is not None:
        parent = catalog.table(part.parents[0])
        fact = _fact(leaf, part, parent, catalog)
        if fact is not None:
            found.append(fact)
        part = parent
    return tuple(found)


def _fact(leaf: Table, part: Table, parent: Table, catalog: Catalog) -> KeyFact | None:
    key = parent.partition_key
    assert key is not None, "a partition's parent is partitioned"
    number = key.columns[0].column_number
    if not number or (key.strategy == "hash" and len(key.columns) > 1):
        return None
    name = parent.columns[parent.position_of_number(number)].name
    position = leaf.column_position(name)
    assert position is not None, "a partition has its parent's columns"
    kind = key_types(parent)[0]
    bound = bound_of(part)
    others = [bound_of(item) for item in partitions_of(parent, catalog) if item.oid != part.oid]
    match key.strategy:
        case "list":
            return _list_fact(position, kind, bound, others)
        case "range":
            return _range_fact(position, parent, bound, others)
        case _:
            may = _hash_test(kind, bound)
            is_null_here = bound.remainder == 0
            return KeyFact(position, kind, may, may_be_null=is_null_here, takes_values=True)


def _list_fact(
    position: int, kind: SqlType, bound: PartitionBound, others: list[PartitionBound]
) -> KeyFact:
    def known(item: PartitionBound) -> set[Any]:
        return {
            comparable(list_value(text, kind), kind) for text in item.values if text is not None
        }

    if bound.is_default:
        taken = {value for item in others for value in known(item)}
        is_null_taken = any(None in item.values for item in others)
        return KeyFact(
            position,
            kind,
            lambda operator, value: operator != "=" or value not in taken,
            not is_null_taken,
        )
    values = known(bound)

    def may(operator: str, value: Any) -> bool:
        return any(_holds(each, operator, value) for each in values)

    return KeyFact(position, kind, may, None in bound.values, bool(values))


def _holds(left: Any, operator: str, right: Any) -> bool:
    match operator:
        case "=":
            return bool(left == right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _range_fact(
    position: int, parent: Table, bound: PartitionBound, others: list[PartitionBound]
) -> KeyFact:
    kinds = key_types(parent)

    def ends(item: PartitionBound) -> tuple[tuple[int, Any], tuple[int, Any]]:
        return range_end(item.lower, kinds)[0], range_end(item.upper, kinds)[0]

    if bound.is_default:
        taken = [ends(item) for item in others] if len(kinds) == 1 else []

        def may_default(operator: str, value: Any) -> bool:
            place = (0, value)
            return operator != "=" or not any(low <= place < high for low, high in taken)

        return KeyFact(position, kinds[0], may_default, may_be_null=True)
    low, high = ends(bound)
    # With more columns the upper end's first value may itself be within.
    is_open = len(kinds) == 1

    def may(operator: str, value: Any) -> bool:
        place = (0, value)
        is_below_end = place < high if is_open else place <= high
        match operator:
            case "=":
                return low <= place and is_below_end
            case "<":
                return low < place
            case "<=":
                return low <= place
            case ">":
                return place < high
            case _:
                return is_below_end

    return KeyFact(position, kinds[0], may, may_be_null=False)


def _hash_test(kind: SqlType, bound: PartitionBound) -> MayCompare:
    def may(operator: str, value: Any) -> bool:
        if operator != "=":
            return True
        return partition_hash((value,), (kind,)) % bound.modulus == bound.remainder

    return may
