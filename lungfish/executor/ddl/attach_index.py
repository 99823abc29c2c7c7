"""ALTER INDEX ... ATTACH PARTITION: an index of a partition becomes its part of an index of the partitioned table."""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import Index, IndexColumn, Oid, Table
from lungfish.catalog.partitions import partitions_of
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.partition_parts import is_same_index
from lungfish.sql.ast.partitions import AttachPartition
from lungfish.sql.ast.queries import ObjectName


def attach_index(context: DdlContext, name: ObjectName, action: AttachPartition) -> None:
    """Attach the index; with the last part the whole index becomes valid. Raises ObjectNotInPrerequisiteState."""
    table, whole = _find(context, name)
    child, part = _find(context, action.partition)
    if table.partition_key is None:
        raise errors.WrongObjectType(f'"{whole.name}" is not a partitioned index')
    if part.parent_oid == whole.oid:
        return
    problem = _problem(table, whole, child, part)
    if problem is not None:
        raise errors.ObjectNotInPrerequisiteState(
            f'cannot attach index "{part.name}" as a partition of index "{whole.name}"',
            detail=problem,
        )
    _attach(context, table, whole, child, part)
    _validate(context, context.catalog.table(table.oid), whole.oid)


def _find(context: DdlContext, name: ObjectName) -> tuple[Table, Index]:
    found = context.catalog.find_index(name.name, name.schema, context.search_path)
    if found is None:
        raise errors.UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    return found


def _problem(table: Table, whole: Index, child: Table, part: Index) -> str | None:
    """Why the index cannot be the part."""
    if part.parent_oid is not None:
        return f'Index "{part.name}" is already attached to another index.'
    if child.partition_bound is None or table.oid not in child.parents:
        return f'Index "{part.name}" is not an index on any partition of table "{table.name}".'
    if any(item.parent_oid == whole.oid for item in child.indexes):
        return f'Another index is already attached for partition "{child.name}".'
    if not is_same_index(part, _as_of(whole, table, child)):
        return "The index definitions do not match."
    own = any(item.index_oid == part.oid for item in child.constraints)
    if any(item.index_oid == whole.oid for item in table.constraints) and not own:
        return (
            f'The index "{whole.name}" belongs to a constraint in table "{table.name}" but no constraint '
            f'exists for index "{part.name}".'
        )
    return None


def _as_of(whole: Index, table: Table, child: Table) -> Index:
    """The whole index over the child's columns."""
    names = {column.number: column.name for column in table.columns}
    numbers = {column.name: column.number for column in child.columns}

    def turned(key: IndexColumn) -> IndexColumn:
        name = names.get(key.column_number)
        return key if name is None else replace(key, column_number=numbers[name])

    return replace(
        whole,
        columns=tuple(turned(key) for key in whole.columns),
        include=tuple(numbers[names[number]] for number in whole.include),
    )


def _attach(context: DdlContext, table: Table, whole: Index, child: Table, part: Index) -> None:
    constraint = next((item for item in table.constraints if item.index_oid == whole.oid), None)
    indexes = tuple(
        replace(item, parent_oid=whole.oid) if item is part else item for item in child.indexes
    )
    constraints = tuple(
        replace(item, parent_oid=constraint.oid)
        if constraint is not None and item.index_oid == part.oid
        else item
        for item in child.constraints
    )
    context.change.put(replace(child, indexes=indexes, constraints=constraints))


def _validate(context: DdlContext, table: Table, oid: Oid) -> None:
    """The index is valid once every partition has its valid part; then so may be the one that it is part of."""
    for child in partitions_of(table, context.catalog):
        if not any(item.parent_oid == oid and item.is_valid for item in child.indexes):
            return
    indexes = tuple(
        replace(item, is_valid=True) if item.oid == oid else item for item in table.indexes
    )
    context.change.put(replace(table, indexes=indexes))
    (index,) = (item for item in indexes if item.oid == oid)
    if index.parent_oid is not None:
        _validate(context, context.catalog.table(table.parents[0]), index.parent_oid)
