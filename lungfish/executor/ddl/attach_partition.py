"""Partitions come and go: PARTITION OF, ATTACH PARTITION, DETACH PARTITION."""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.catalog.inheritance import ancestors, descendants, partitioned_above
from lungfish.catalog.objects import Constraint, Table
from lungfish.catalog.partition_parts import PartitionBound
from lungfish.catalog.partitions import bound_of, partitions_of
from lungfish.executor.ddl.alter_inherit import forget_parent, require_matching
from lungfish.executor.ddl.constraints import qualified
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_relation, find_table
from lungfish.executor.ddl.partition_bounds import check_bound, make_bound
from lungfish.executor.ddl.partition_parts import add_parts_to, forget_parts
from lungfish.executor.partition_texts import bound_condition, partition_constraint_text
from lungfish.sql.ast.partitions import AttachPartition, DetachPartition, PartitionValues
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.quoting import quote_identifier


def find_partitioned(context: DdlContext, name: ObjectName, persistence: str) -> Table:
    """The table of PARTITION OF. Raises InvalidObjectDefinition or WrongObjectType if it is none for such a table."""
    parent = find_relation(context, name)
    if not isinstance(parent, Table) or parent.partition_key is None:
        raise errors.InvalidObjectDefinition(f'"{parent.name}" is not partitioned')
    _require_same_persistence(parent, persistence, "create")
    return parent


def _require_same_persistence(parent: Table, persistence: str, verb: str) -> None:
    kinds = (parent.persistence == "temporary", persistence == "temporary")
    if kinds[0] == kinds[1]:
        return
    own, other = ("permanent", "temporary") if kinds[0] else ("temporary", "permanent")
    raise errors.WrongObjectType(
        f'cannot {verb} a {own} relation as partition of {other} relation "{parent.name}"'
    )


def bound_for(
    context: DdlContext, name: str, parent: Table, values: PartitionValues
) -> PartitionBound:
    """The bound of a partition of that name; it goes together with the others."""
    context.runner.lock_table(parent, "share update exclusive")
    bound = make_bound(context, parent, values)
    check_bound(name, bound, parent, context.catalog)
    return bound


def refuse_rows_of_default(context: DdlContext, parent: Table, bound: PartitionBound) -> None:
    """Raise CheckViolation if the default partition has rows that a new partition would take."""
    if bound.is_default:
        return
    default = next(
        (item for item in partitions_of(parent, context.catalog) if bound_of(item).is_default), None
    )
    if default is None:
        return
    context.runner.lock_table(default, "access exclusive")
    condition = bound_condition(bound, parent)
    if context.runner.query(
        f"SELECT 1 FROM {qualified(context, default)} WHERE {condition} LIMIT 1"
    ):
        raise errors.CheckViolation(
            f'updated partition constraint for default partition "{default.name}" would be violated by some row',
            table=default.name,
        )


def attach_partition(context: DdlContext, parent: Table, action: AttachPartition) -> None:
    """ALTER TABLE ... ATTACH PARTITION."""
    assert action.values is not None, "the grammar asks for a bound"
    _require_partitioned(parent, "ATTACH PARTITION")
    child = find_table(context, action.partition)
    context.runner.lock_table(child, "access exclusive")
    _require_attachable(context, parent, child)
    bound = bound_for(context, child.name, parent, action.values)
    for column in child.columns:
        if parent.column_position(column.name) is None:
            raise errors.DatatypeMismatch(
                f'table "{child.name}" contains column "{column.name}" not found in parent "{parent.name}"',
                detail="The new partition may contain only the columns present in parent.",
            )
    require_matching(child, parent)
    attached = replace(_as_partition(child, parent), parents=(parent.oid,), partition_bound=bound)
    context.change.put(attached)
    _require_rows(context, attached)
    refuse_rows_of_default(context, parent, bound)
    add_parts_to(context, parent, child.oid)


def _require_partitioned(parent: Table, act: str) -> None:
    if parent.partition_key is None:
        raise errors.WrongObjectType(
            f'ALTER action {act} cannot be performed on relation "{parent.name}"',
            detail="This operation is not supported for tables.",
        )


def _as_partition(child: Table, parent: Table) -> Table:
    """The child as a partition: its columns and checks are its parent's, and so is an identity."""
    columns = []
    for column in child.columns:
        position = parent.column_position(column.name)
        assert position is not None, "looked at before"
        above = parent.columns[position]
        own_not_null = column.is_not_null_local and not above.is_not_null
        made = replace(column, is_local=False, is_not_null_local=own_not_null)
        if above.identity is not None:
            made = replace(made, identity=above.identity, sequence_oid=above.sequence_oid)
        columns.append(made)
    inherited = {
        item.name for item in parent.constraints if item.kind == "check" and not item.is_no_inherit
    }
    constraints = tuple(
        replace(item, is_local=False) if item.name in inherited else item
        for item in child.constraints
    )
    return replace(child, columns=tuple(columns), constraints=constraints)


def _require_attachable(context: DdlContext, parent: Table, child: Table) -> None:
    catalog = context.catalog
    if child.partition_bound is not None:
        raise errors.WrongObjectType(f'"{child.name}" is already a partition')
    if child.parents:
        raise errors.WrongObjectType("cannot attach inheritance child as partition")
    if child.partition_key is None and catalog.has_children(child.oid):
        raise errors.WrongObjectType("cannot attach inheritance parent as partition")
    if child.oid == parent.oid or child.oid in ancestors(parent, catalog):
        raise errors.DuplicateTable(
            "circular inheritance not allowed",
            detail=f'"{parent.name}" is already a child of "{child.name}".',
        )
    _require_same_persistence(parent, child.persistence, "attach")
    for column in child.columns:
        if column.identity is not None:
            raise errors.ObjectNotInPrerequisiteState(
                f'table "{child.name}" being attached contains an identity column "{column.name}"',
                detail="The new partition may not contain an identity column.",
            )


def _require_rows(context: DdlContext, partition: Table) -> None:
    """Raise CheckViolation unless all rows of a partition, and of its own, belong to it."""
    condition = partition_constraint_text(partition, context.catalog)
    for each in descendants(partition, context.catalog):
        if each.partition_key is None and context.runner.query(
            f"SELECT 1 FROM ONLY {qualified(context, each)} WHERE NOT {condition} LIMIT 1"
        ):
            word = (
                f'updated partition constraint for default partition "{each.name}" would be'
                if bound_of(partition).is_default and each.oid != partition.oid
                else f'partition constraint of relation "{each.name}" is'
            )
            raise errors.CheckViolation(f"{word} violated by some row", table=each.name)


def detach_partition(context: DdlContext, parent: Table, action: DetachPartition) -> None:
    """ALTER TABLE ... DETACH PARTITION: the table stays, with all that it has."""
    end = " ... FINALIZE" if action.is_finalize else ""
    _require_partitioned(parent, f"DETACH PARTITION{end}")
    child = find_table(context, action.partition)
    if child.partition_bound is None or parent.oid not in child.parents:
        raise errors.UndefinedTable(
            f'relation "{child.name}" is not a partition of relation "{parent.name}"'
        )
    if action.is_finalize:
        raise errors.ObjectNotInPrerequisiteState(
            f'cannot complete detaching partition "{child.name}"',
            detail="There's no pending concurrent detach.",
        )
    if action.is_concurrent:
        if context.runner.is_in_block:
            raise errors.ActiveSqlTransaction(
                "ALTER TABLE ... DETACH CONCURRENTLY cannot run inside a transaction block"
            )
        if any(bound_of(item).is_default for item in partitions_of(parent, context.catalog)):
            raise errors.ObjectNotInPrerequisiteState(
                "cannot detach partitions concurrently when a default partition exists"
            )
    context.runner.lock_table(child, "access exclusive")
    refuse_references(context, parent, child)
    context.change.put(forget_parts(child))
    forget_parent(context, context.catalog.table(child.oid), parent.oid)


def refuse_references(context: DdlContext, parent: Table, child: Table) -> None:
    """Raise ForeignKeyViolation if rows that go away with a partition are referred to."""
    for above in (parent, *partitioned_above(parent, context.catalog)):
        for other in context.catalog.referencing_tables(above.oid):
            for constraint in other.constraints:
                if constraint.referenced_table_oid == above.oid and constraint.parent_oid is None:
                    _refuse_reference(context, (other, constraint), above, child)


def _refuse_reference(
    context: DdlContext, reference: tuple[Table, Constraint], above: Table, child: Table
) -> None:
    other, constraint = reference
    own = [
        quote_identifier(other.columns[other.position_of_number(number)].name)
        for number in constraint.columns
    ]
    theirs = [
        quote_identifier(above.columns[above.position_of_number(number)].name)
        for number in constraint.referenced_columns
    ]
    matches = " AND ".join(f"f.{a} = r.{b}" for a, b in zip(own, theirs, strict=True))
    shown = ", ".join(f"f.{name}::text" for name in own)
    found = context.runner.query(
        f"SELECT {shown} FROM {qualified(context, other)} f JOIN {qualified(context, child)} r "
        f"ON {matches} LIMIT 1"
    )
    if found:
        values = ", ".join(map(str, found[0]))
        raise errors.ForeignKeyViolation(
            f'removing partition "{child.name}" violates foreign key constraint "{constraint.name}"',
            detail=f'Key ({", ".join(own)})=({values}) is still referenced from table "{other.name}".',
        )


__all__ = [
    "attach_partition",
    "bound_for",
    "detach_partition",
    "find_partitioned",
    "refuse_references",
    "refuse_rows_of_default",
]
