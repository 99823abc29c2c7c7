"""ALTER TABLE ... INHERIT and NO INHERIT: a table that is there becomes the child of another, or ceases to be."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.inheritance import (
    ancestors,
    column_inherit_count,
    constraint_inherit_count,
    not_null_inherit_count,
    not_null_of,
)
from lungfish.catalog.objects import Column, Constraint, Table
from lungfish.errors import (
    DatatypeMismatch,
    DuplicateTable,
    InvalidObjectDefinition,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.inherited_columns import require_parent
from lungfish.executor.ddl.names import find_relation
from lungfish.executor.ddl.virtual_columns import require_same_generation
from lungfish.sql.ast.partitions import AlterInherit


def alter_inherit(context: DdlContext, table: Table, action: AlterInherit) -> None:
    """Make the table a child of another, or no longer. Raises what `require_matching` raises."""
    if table.partition_bound is not None:
        raise WrongObjectType("cannot change inheritance of a partition")
    if table.partition_key is not None:
        raise WrongObjectType("cannot change inheritance of partitioned table")
    if action.is_dropped:
        _no_inherit(context, table, action)
        return
    parent = require_parent(find_relation(context, action.parent), action.parent, table.persistence)
    if parent.oid == table.oid or table.oid in ancestors(parent, context.catalog):
        raise DuplicateTable(
            "circular inheritance not allowed",
            detail=f'"{parent.name}" is already a child of "{table.name}".',
        )
    if parent.oid in table.parents:
        raise DuplicateTable(f'relation "{parent.name}" would be inherited from more than once')
    require_matching(table, parent)
    context.runner.lock_table(parent, "share update exclusive")
    context.change.put(replace(table, parents=(*table.parents, parent.oid)))


def require_matching(table: Table, parent: Table) -> None:
    """Raise DatatypeMismatch or InvalidObjectDefinition unless the table has all that a child of the parent must have."""
    for column in parent.columns:
        position = table.column_position(column.name)
        if position is None:
            raise DatatypeMismatch(f'child table is missing column "{column.name}"')
        _require_same(table, table.columns[position], column)
    for constraint in parent.constraints:
        if constraint.kind == "check" and not constraint.is_no_inherit:
            _require_check(table, constraint)


def _require_same(table: Table, own: Column, inherited: Column) -> None:
    if own.type != inherited.type:
        raise DatatypeMismatch(
            f'child table "{table.name}" has different type for column "{own.name}"'
        )
    if own.collation != inherited.collation:
        raise DatatypeMismatch(
            f'child table "{table.name}" has different collation for column "{own.name}"'
        )
    if inherited.passes_not_null:
        _require_not_null(table, own, inherited)
    if (own.generated is not None) != (inherited.generated is not None):
        not_ = "" if inherited.generated is not None else " not"
        raise DatatypeMismatch(
            f'column "{own.name}" in child table must{not_} be a generated column'
        )
    require_same_generation(own, inherited, DatatypeMismatch)


def _require_not_null(table: Table, own: Column, inherited: Column) -> None:
    if not own.is_not_null:
        raise DatatypeMismatch(
            f'column "{own.name}" in child table "{table.name}" must be marked NOT NULL'
        )
    named = not_null_of(table, own)
    problem = None
    if own.keeps_not_null:
        problem = "non-inherited"
    elif own.may_hold_nulls and not inherited.may_hold_nulls:
        problem = "NOT VALID"
    if named is not None and problem is not None:
        raise InvalidObjectDefinition(
            f'constraint "{named.name}" conflicts with {problem} constraint on child table "{table.name}"'
        )


def _require_check(table: Table, inherited: Constraint) -> None:
    own = next(
        (
            item
            for item in table.constraints
            if item.name == inherited.name and item.kind == "check"
        ),
        None,
    )
    if own is None:
        raise DatatypeMismatch(f'child table is missing constraint "{inherited.name}"')
    if own.check != inherited.check:
        raise DatatypeMismatch(
            f'child table "{table.name}" has different definition for check constraint "{own.name}"'
        )
    if own.is_no_inherit:
        raise InvalidObjectDefinition(
            f'constraint "{own.name}" conflicts with non-inherited constraint on child table "{table.name}"'
        )
    if inherited.is_enforced and not own.is_enforced:
        raise InvalidObjectDefinition(
            f'constraint "{own.name}" conflicts with NOT ENFORCED constraint on child table "{table.name}"'
        )
    if inherited.is_validated and not own.is_validated:
        raise InvalidObjectDefinition(
            f'constraint "{own.name}" conflicts with NOT VALID constraint on child table "{table.name}"'
        )


def _no_inherit(context: DdlContext, table: Table, action: AlterInherit) -> None:
    parent = find_relation(context, action.parent)
    if parent.oid not in table.parents:
        raise UndefinedTable(f'relation "{parent.name}" is not a parent of relation "{table.name}"')
    forget_parent(context, table, parent.oid)


def forget_parent(context: DdlContext, table: Table, parent_oid: int) -> Table:
    """The table without that parent: what no other parent has is now its own."""
    left = replace(table, parents=tuple(oid for oid in table.parents if oid != parent_oid))
    catalog = context.catalog
    columns = tuple(
        replace(
            item,
            is_local=item.is_local or not column_inherit_count(left, item.name, catalog),
            is_not_null_local=item.is_not_null_local
            or not not_null_inherit_count(left, item.name, catalog),
        )
        for item in left.columns
    )
    constraints = tuple(
        replace(item, is_local=item.is_local or not constraint_inherit_count(left, item, catalog))
        for item in left.constraints
    )
    changed = replace(left, columns=columns, constraints=constraints)
    context.change.put(changed)
    return changed
