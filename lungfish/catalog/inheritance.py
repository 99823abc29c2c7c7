"""Which tables belong together: parents, children, and the members over which a statement about a parent goes.

A parent made by INHERITS has rows of its own and those of its descendants; a partitioned table has those of its leaves only. The
two never mix: a partitioned table neither inherits from others by INHERITS nor is inherited from.

How often a column or a check is inherited is not stored: it is the number of direct parents that have it, by its name.
"""

from __future__ import annotations

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Column, Constraint, Index, Oid, Table
from lungfish.catalog.partitions import ordered_partitions


def members(table: Table, catalog: Catalog) -> tuple[Table, ...]:
    """The tables that a statement about the table goes over; none if that is the table alone."""
    if table.partition_key is not None:
        return leaves(table, catalog)
    if not catalog.has_children(table.oid):
        return ()
    return descendants(table, catalog)


def descendants(table: Table, catalog: Catalog) -> tuple[Table, ...]:
    """The table, its children, theirs, ..., each once: nearer ones first, then by oid."""
    found: dict[Oid, Table] = {table.oid: table}
    waiting = [table]
    for each in waiting:
        for child in catalog.children(each.oid):
            if child.oid not in found:
                found[child.oid] = child
                waiting.append(child)
    return tuple(waiting)


def leaves(table: Table, catalog: Catalog) -> tuple[Table, ...]:
    """The partitions of a partitioned table that have rows, in the order of their bounds."""
    found: list[Table] = []
    for part in ordered_partitions(table, catalog):
        if part.partition_key is None:
            found.append(part)
        else:
            found += leaves(part, catalog)
    return tuple(found)


def parents_of(table: Table, catalog: Catalog) -> list[Table]:
    """The tables that it inherits from directly, or is a partition of."""
    return [catalog.table(oid) for oid in table.parents]


def ancestors(table: Table, catalog: Catalog) -> set[Oid]:
    """All tables from which it inherits, directly or not."""
    found: set[Oid] = set()
    waiting = list(table.parents)
    while waiting:
        oid = waiting.pop()
        if oid not in found:
            found.add(oid)
            waiting += catalog.table(oid).parents
    return found


def partitioned_above(table: Table, catalog: Catalog) -> list[Table]:
    """The partitioned tables of which the table is a part, the nearest first."""
    found: list[Table] = []
    while table.partition_bound is not None:
        table = catalog.table(table.parents[0])
        found.append(table)
    return found


def column_inherit_count(table: Table, name: str, catalog: Catalog) -> int:
    """How many direct parents have the column."""
    if not table.parents:
        return 0
    return sum(parent.column_position(name) is not None for parent in parents_of(table, catalog))


def not_null_inherit_count(table: Table, name: str, catalog: Catalog) -> int:
    """How many direct parents have a column of that name that is NOT NULL in children too."""
    return sum(
        (position := parent.column_position(name)) is not None
        and parent.columns[position].passes_not_null
        for parent in parents_of(table, catalog)
    )


def not_null_of(table: Table, column: Column) -> Constraint | None:
    """The constraint that names the NOT NULL of a column."""
    for item in table.constraints:
        if item.kind == "not null" and item.columns[0] == column.number:
            return item
    return None


def constraint_inherit_count(table: Table, constraint: Constraint, catalog: Catalog) -> int:
    """From how many direct parents the constraint comes: checks go by name, NOT NULL by its column,
    keys and foreign keys of partitions by oid."""
    if constraint.parent_oid is not None:
        return 1
    if not table.parents:
        return 0
    if constraint.kind == "not null":
        column = table.columns[table.position_of_number(constraint.columns[0])]
        return not_null_inherit_count(table, column.name, catalog)
    if constraint.kind != "check":
        return 0
    return sum(
        any(
            item.kind == "check" and item.name == constraint.name and not item.is_no_inherit
            for item in parent.constraints
        )
        for parent in parents_of(table, catalog)
    )


def index_of_oid(oid: Oid, catalog: Catalog) -> Index:
    """The index with that oid. Raises KeyError if there is none."""
    for table in catalog.tables():
        for index in table.indexes:
            if index.oid == oid:
                return index
    raise KeyError(oid)


def part_of_index(table: Table, whole: Index, catalog: Catalog) -> Index | None:
    """The part that a partition has of an index of a partitioned table above it."""
    for index in table.indexes:
        part = index
        while part.oid != whole.oid and part.parent_oid is not None:
            part = index_of_oid(part.parent_oid, catalog)
        if part.oid == whole.oid:
            return index
    return None
