"""ALTER TABLE ... ALTER CONSTRAINT: when a foreign key is looked at, and whether it is."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.inheritance import constraint_inherit_count, not_null_inherit_count
from lungfish.catalog.objects import Constraint, Table
from lungfish.errors import FeatureNotSupported, ObjectNotInPrerequisiteState, WrongObjectType
from lungfish.executor.ddl.alter_column_type import replace_column
from lungfish.executor.ddl.constraints import validate_constraint, validate_not_null
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_column, find_constraint
from lungfish.executor.ddl.not_null import keep_not_null, refuse_other_inheritance
from lungfish.sql.ast.ddl import AlterConstraint


def alter_constraint(context: DdlContext, table: Table, action: AlterConstraint) -> None:
    """Change a foreign key, and those of partitions that are part of it. Raises WrongObjectType for other constraints."""
    constraint = find_constraint(table, action.name, action.position)
    if constraint.kind == "not null" and action.inherits is not None:
        _pass_not_null(context, table, constraint, is_passed=action.inherits)
        return
    if constraint.kind != "foreign key":
        raise WrongObjectType(_refusal(table, constraint, action), position=action.position)
    if action.inherits is not None:
        raise WrongObjectType(
            f'constraint "{constraint.name}" of relation "{table.name}" is not a not-null constraint',
            position=action.position,
        )
    if constraint.parent_oid is not None:
        raise ObjectNotInPrerequisiteState(
            f'cannot alter constraint "{constraint.name}" on relation "{table.name}"',
            position=action.position,
        )
    _change(context, table, constraint, action)


def _pass_not_null(
    context: DdlContext, table: Table, constraint: Constraint, *, is_passed: bool
) -> None:
    """Make a column's NOT NULL one of the table's children too, or theirs to keep or drop."""
    column = table.columns[table.position_of_number(constraint.columns[0])]
    if constraint_inherit_count(table, constraint, context.catalog):
        if not is_passed:
            raise ObjectNotInPrerequisiteState(
                f'cannot alter inherited constraint "{constraint.name}" on relation "{table.name}"'
            )
        return
    if table.partition_key is not None and not is_passed:
        raise FeatureNotSupported(
            f'not-null constraint "{constraint.name}" on partitioned table "{table.name}" cannot be NO INHERIT'
        )
    if column.keeps_not_null is not is_passed:
        return
    context.change.put(keep_not_null(table, column.name, is_kept=not is_passed))
    for child in context.catalog.children(table.oid):
        if is_passed:
            _take_not_null(context, child, column.name)
        else:
            own = find_column(child, column.name)
            is_local = own.is_not_null_local or not not_null_inherit_count(
                child, column.name, context.catalog
            )
            kept = replace_column(child, own, replace(own, is_not_null_local=is_local))
            context.change.put(kept)


def _take_not_null(context: DdlContext, table: Table, name: str) -> None:
    """Make a column NOT NULL here and below, because a parent's now is."""
    context.runner.lock_table(table, "access exclusive")
    column = find_column(table, name)
    if column.keeps_not_null:
        refuse_other_inheritance(table, column)
    if column.is_not_null:
        return
    validate_not_null(context, table, name)
    held = replace_column(table, column, replace(column, is_not_null=True, is_not_null_local=False))
    context.change.put(held)
    for child in context.catalog.children(table.oid):
        _take_not_null(context, child, name)


def _refusal(table: Table, constraint: Constraint, action: AlterConstraint) -> str:
    if action.is_deferrable is not None:
        return f'constraint "{constraint.name}" of relation "{table.name}" is not a foreign key constraint'
    if action.is_enforced is not None:
        return f'cannot alter enforceability of constraint "{constraint.name}" of relation "{table.name}"'
    return f'constraint "{constraint.name}" of relation "{table.name}" is not a not-null constraint'


def _change(
    context: DdlContext, table: Table, constraint: Constraint, action: AlterConstraint
) -> None:
    changed = constraint
    if action.is_deferrable is not None:
        changed = replace(
            changed,
            is_deferrable=action.is_deferrable,
            is_initially_deferred=action.is_initially_deferred,
        )
    if action.is_enforced is not None:
        changed = replace(changed, is_enforced=action.is_enforced, is_validated=action.is_enforced)
    constraints = tuple(changed if item is constraint else item for item in table.constraints)
    context.change.put(replace(table, constraints=constraints))
    if action.is_enforced and not constraint.is_validated:
        validate_constraint(context, table, changed)
    for child in context.catalog.children(table.oid):
        for item in child.constraints:
            if item.parent_oid == constraint.oid:
                _change(context, child, item, action)
