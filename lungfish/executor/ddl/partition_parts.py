"""What a partitioned table's partitions have because it has it: their parts of its indexes, keys and foreign keys.

A part names what it is part of by `parent_oid`. A partition that has a fitting index or constraint already gives that one; else it
gets a new one. The partitioned table's own index stays empty.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.chosen_names import choose_numbered_name
from lungfish.catalog.inheritance import index_of_oid
from lungfish.catalog.objects import Constraint, Index, Oid, Table
from lungfish.catalog.partitions import partitions_of
from lungfish.errors import (
    DependentObjectsStillExist,
    InvalidObjectDefinition,
    InvalidTableDefinition,
)
from lungfish.executor.ddl.constraints import validate_constraint
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import choose_index_name, index_words
from lungfish.executor.ddl.partition_columns import require_partition_columns

_LABELS = {"primary key": "pkey", "unique": "key"}


def add_parts_to(context: DdlContext, parent: Table, child_oid: Oid) -> None:
    """Give a new or attached partition its parts of all that its parent has."""
    for index in parent.indexes:
        constraint = next(
            (item for item in parent.constraints if item.index_oid == index.oid), None
        )
        add_index_part(context, parent, context.catalog.table(child_oid), index, constraint)
    for constraint in parent.constraints:
        if constraint.kind == "foreign key":
            add_reference_part(context, parent, context.catalog.table(child_oid), constraint)


def add_to_partitions(context: DdlContext, table: Table, before: Table) -> None:
    """Give all partitions their parts of the indexes and foreign keys that the table has and `before` had not."""
    known = {index.oid for index in before.indexes} | {item.oid for item in before.constraints}
    for child in partitions_of(table, context.catalog):
        context.runner.lock_table(child, "access exclusive")
        for index in table.indexes:
            if index.oid not in known:
                constraint = next(
                    (item for item in table.constraints if item.index_oid == index.oid), None
                )
                current = context.catalog.table(child.oid)
                add_index_part(context, table, current, index, constraint)
        for item in table.constraints:
            if item.kind == "foreign key" and item.oid not in known:
                add_reference_part(context, table, context.catalog.table(child.oid), item)


def _numbers(parent: Table, child: Table) -> dict[int, int]:
    """The numbers of a child's columns by those of its parent's."""
    found = {0: 0}
    for column in parent.columns:
        position = child.column_position(column.name)
        assert position is not None, "a child has its parent's columns"
        found[column.number] = child.columns[position].number
    return found


def add_index_part(
    context: DdlContext, parent: Table, child: Table, index: Index, constraint: Constraint | None
) -> None:
    """Give a partition its part of an index, and with `constraint` of the key that rests on it; its own partitions too."""
    numbers = _numbers(parent, child)
    columns = tuple(replace(key, column_number=numbers[key.column_number]) for key in index.columns)
    include = tuple(numbers[number] for number in index.include)
    wanted = replace(index, columns=columns, include=include)
    if index.is_unique or index.is_exclusion:
        word = "unique" if constraint is None else constraint.kind
        require_partition_columns(child, tuple(each.column_number for each in columns), word)
    found = _fitting(child, wanted, constraint)
    if found is not None:
        made = replace(found, parent_oid=index.oid)
        _replace_part(context, child, made)
    else:
        made = _make_part(context, child, wanted, constraint)
    child = context.catalog.table(child.oid)
    own = next((item for item in child.constraints if item.index_oid == made.oid), None)
    if own is not None and constraint is not None:
        changed = replace(own, parent_oid=constraint.oid, is_local=False)
        constraints = tuple(changed if item is own else item for item in child.constraints)
        child = replace(child, constraints=constraints)
        context.change.put(child)
    if child.partition_key is not None:
        for below in partitions_of(child, context.catalog):
            # What was there already may have its parts.
            if all(item.parent_oid != made.oid for item in below.indexes):
                add_index_part(context, child, context.catalog.table(below.oid), made, own)


def _fitting(child: Table, wanted: Index, constraint: Constraint | None) -> Index | None:
    """An index that is there already and may be the part."""
    for index in child.indexes:
        if index.parent_oid is not None or not index.is_valid:
            continue
        held = next((item for item in child.constraints if item.index_oid == index.oid), None)
        # An index of no constraint may have a part that is a key's; a key's parts are keys of its kind.
        if constraint is not None and (held is None or held.kind != constraint.kind):
            continue
        if is_same_index(index, wanted):
            return index
    return None


def is_same_index(index: Index, wanted: Index) -> bool:
    """Whether two indexes of one table say the same."""
    return (
        index.columns == wanted.columns
        and index.include == wanted.include
        and index.predicate == wanted.predicate
        and index.is_unique == wanted.is_unique
        and index.nulls_not_distinct == wanted.nulls_not_distinct
        and index.is_deferrable == wanted.is_deferrable
    )


def _replace_part(context: DdlContext, child: Table, made: Index) -> None:
    indexes = tuple(made if item.oid == made.oid else item for item in child.indexes)
    context.change.put(replace(child, indexes=indexes))


def _make_part(
    context: DdlContext, child: Table, wanted: Index, constraint: Constraint | None
) -> Index:
    name = _part_name(context, child, wanted, constraint)
    made = replace(
        wanted,
        oid=context.change.new_oid(),
        name=name,
        is_clustered=False,
        is_replica_identity=False,
        namespace_oid=child.namespace_oid,
        table_oid=child.oid,
        relation_id=context.change.new_relation_id(),
        parent_oid=wanted.oid,
        is_valid=True,
        comment=None,
    )
    constraints = child.constraints
    if constraint is not None:
        if constraint.kind == "primary key" and any(
            item.kind == "primary key" for item in child.constraints
        ):
            raise InvalidTableDefinition(
                f'multiple primary keys for table "{child.name}" are not allowed'
            )
        key = replace(
            constraint,
            oid=context.change.new_oid(),
            name=name,
            columns=tuple(item.column_number for item in wanted.columns),
            index_oid=made.oid,
            comment=None,
        )
        constraints = (*constraints, key)
    changed = replace(child, indexes=(*child.indexes, made), constraints=constraints)
    context.change.put(changed)
    context.change.relations.build_index(changed, made, context.runner.begin_build(made))
    return made


def _part_name(
    context: DdlContext,
    child: Table,
    wanted: Index,
    constraint: Constraint | None,
) -> str:
    words = index_words(child, wanted)
    label = "idx" if constraint is None else _LABELS[constraint.kind]
    parts = [child.name] if label == "pkey" else [child.name, words]
    return choose_index_name(context, child, *parts, label)


def add_reference_part(
    context: DdlContext, parent: Table, child: Table, constraint: Constraint
) -> None:
    """Give a partition, and its own, their part of a foreign key; rows that are there must keep it."""
    numbers = _numbers(parent, child)
    columns = tuple(numbers[number] for number in constraint.columns)
    fitting = next(
        (
            item
            for item in child.constraints
            if item.kind == "foreign key"
            and item.parent_oid is None
            and item.columns == columns
            and item.referenced_table_oid == constraint.referenced_table_oid
            and item.referenced_columns == constraint.referenced_columns
            and (item.on_delete, item.on_update) == (constraint.on_delete, constraint.on_update)
        ),
        None,
    )
    if fitting is not None:
        if fitting.is_enforced != constraint.is_enforced:
            raise InvalidObjectDefinition(
                f'constraint "{constraint.name}" enforceability conflicts with constraint "{fitting.name}"'
                f' on relation "{child.name}"'
            )
        made = replace(fitting, parent_oid=constraint.oid, is_local=False)
        constraints = tuple(made if item is fitting else item for item in child.constraints)
    else:
        taken = {item.name for item in child.constraints}
        name = constraint.name
        if name in taken:
            name = choose_numbered_name(name, _constraints_beside(context, child).__contains__)
        made = replace(
            constraint,
            oid=context.change.new_oid(),
            name=name,
            columns=columns,
            delete_columns=tuple(numbers[number] for number in constraint.delete_columns),
            is_local=False,
            parent_oid=constraint.oid,
            comment=None,
        )
        constraints = (*child.constraints, made)
    child = replace(child, constraints=constraints)
    context.change.put(child)
    if made.is_validated and child.partition_key is None:
        validate_constraint(context, child, made)
    if child.partition_key is not None:
        for below in partitions_of(child, context.catalog):
            if all(item.parent_oid != made.oid for item in below.constraints):
                add_reference_part(context, child, context.catalog.table(below.oid), made)


def _constraints_beside(context: DdlContext, table: Table) -> set[str]:
    """The names of the constraints of all tables in the table's schema."""
    return {
        item.name
        for each in context.catalog.tables()
        if each.namespace_oid == table.namespace_oid
        for item in each.constraints
    }


def refuse_key_of_part(context: DdlContext, table: Table, key: Constraint) -> None:
    """Raise DependentObjectsStillExist for a key whose index is part of one that is no key's: that one needs it."""
    index = next((item for item in table.indexes if item.oid == key.index_oid), None)
    if index is not None and index.parent_oid is not None and key.parent_oid is None:
        whole = index_of_oid(index.parent_oid, context.catalog)
        raise DependentObjectsStillExist(
            f"cannot drop index {index.name} because index {whole.name} requires it",
            hint=f"You can drop index {whole.name} instead.",
        )


def drop_parts(context: DdlContext, table: Table, gone: set[Oid]) -> None:
    """Drop the partitions' parts of indexes and constraints that the partitioned table no longer has."""
    for child in partitions_of(table, context.catalog):
        indexes = {item.oid for item in child.indexes if item.parent_oid in gone}
        constraints = {item.oid for item in child.constraints if item.parent_oid in gone}
        if not indexes and not constraints:
            continue
        changed = replace(
            child,
            indexes=tuple(item for item in child.indexes if item.oid not in indexes),
            constraints=tuple(
                item
                for item in child.constraints
                if item.oid not in constraints and item.index_oid not in indexes
            ),
        )
        context.change.put(changed)
        if child.partition_key is not None:
            drop_parts(context, changed, indexes | constraints)


def forget_parts(table: Table) -> Table:
    """A former partition: what was part of its parent's is its own now, and an identity that it shared is gone."""
    return replace(
        table,
        partition_bound=None,
        indexes=tuple(replace(item, parent_oid=None) for item in table.indexes),
        constraints=tuple(
            replace(item, parent_oid=None, is_local=True) if item.parent_oid is not None else item
            for item in table.constraints
        ),
        columns=tuple(
            replace(item, identity=None, sequence_oid=None) if item.identity is not None else item
            for item in table.columns
        ),
    )
