"""ALTER TABLE ... ALTER CONSTRAINT: when a foreign key is looked at, and whether it is."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Constraint, Table
from lungfish.errors import FeatureNotSupported, ObjectNotInPrerequisiteState, WrongObjectType
from lungfish.executor.ddl.constraints import validate_constraint
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_constraint
from lungfish.sql.ast.ddl import AlterConstraint


def alter_constraint(context: DdlContext, table: Table, action: AlterConstraint) -> None:
    """Change a foreign key, and those of partitions that are part of it. Raises WrongObjectType for other constraints."""
    constraint = find_constraint(table, action.name, action.position)
    if constraint.kind != "foreign key":
        raise WrongObjectType(_refusal(table, constraint, action), position=action.position)
    if action.is_inheritance:
        raise WrongObjectType(
            f'constraint "{constraint.name}" of relation "{table.name}" is not a not-null constraint',
            position=action.position,
        )
    if constraint.parent_oid is not None:
        raise ObjectNotInPrerequisiteState(
            f'cannot alter constraint "{constraint.name}" on relation "{table.name}"',
            position=action.position,
        )
    if action.is_enforced is not None and table.partition_key is not None:
        raise FeatureNotSupported(
            "ALTER CONSTRAINT ... ENFORCED of a partitioned table is not supported",
            position=action.position,
        )
    _change(context, table, constraint, action)


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
