"""Statements that make and change types: enums, domains, composite and range types."""

from __future__ import annotations

from lungfish.sql.ast.ddl import (
    AlterTableAction,
    ColumnDefinition,
    ConstraintDefinition,
    ExpressionText,
)
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen


@frozen
class CreateEnum:
    name: ObjectName
    labels: tuple[str, ...]
    position: int = -1


@frozen
class AlterEnum:
    """ADD VALUE (with its neighbour) or RENAME VALUE."""

    name: ObjectName
    new_label: str
    old_label: str | None = None
    neighbour: str | None = None
    is_after: bool = True
    if_not_exists: bool = False
    position: int = -1


@frozen
class CreateCompositeType:
    name: ObjectName
    columns: tuple[ColumnDefinition, ...]
    position: int = -1


@frozen
class CreateRange:
    """Options by name; each value was written as the name of a type, a function or a collation."""

    name: ObjectName
    options: tuple[tuple[str, TypeName], ...]
    position: int = -1


@frozen
class CreateDomain:
    name: ObjectName
    type_name: TypeName
    default: ExpressionText | None = None
    constraints: tuple[ConstraintDefinition, ...] = ()
    collation: tuple[str, ...] = ()
    position: int = -1


@frozen
class AlterDomain:
    """`action`: set default (None drops it), set not null, drop not null, add constraint, drop constraint, validate."""

    name: ObjectName
    action: str
    default: ExpressionText | None = None
    constraint: ConstraintDefinition | None = None
    constraint_name: str | None = None
    if_exists: bool = False
    position: int = -1


@frozen
class AlterCompositeType:
    """ADD, DROP and ALTER ATTRIBUTE, as the same actions of a table's columns."""

    name: ObjectName
    actions: tuple[AlterTableAction, ...]
    # Of the type's tables too: said of every action, for a single one without it does not go together with any table.
    is_cascade: bool = False
    position: int = -1
