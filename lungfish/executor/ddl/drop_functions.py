"""DROP FUNCTION, PROCEDURE and ROUTINE, with what depends on a routine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.catalog.inheritance import column_inherit_count
from lungfish.catalog.objects import (
    CatalogObject,
    Column,
    Constraint,
    Index,
    Oid,
    SqlFunction,
    Table,
    UserType,
)
from lungfish.errors import DependentObjectsStillExist, FeatureNotSupported
from lungfish.executor.ddl.alter_table import alter_table
from lungfish.executor.ddl.constraints import drop_keys_of_index
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_functions import find_function, signature_text
from lungfish.executor.ddl.partition_parts import drop_parts
from lungfish.executor.ddl.routine_users import (
    RoutineUser,
    Used,
    describe,
    described,
    routines_on,
    users_of_routine,
)
from lungfish.sql.ast.ddl import AlterTable, DropColumn
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.routines import DropFunction

# Drops one object after what depends on it: `drop.drop_object`, which this module cannot import.
DropObject = Callable[[CatalogObject, frozenset[Oid]], None]


def find_all(context: DdlContext, statement: DropFunction) -> list[SqlFunction]:
    """The routines that the statement names and that are there."""
    found = [
        find_function(context, target, if_exists=statement.if_exists)
        for target in statement.targets
    ]
    return [item for item in found if item is not None]


def release_users(
    context: DdlContext,
    routine: Used,
    drop_object: DropObject,
    *,
    going: frozenset[Oid],
    is_cascade: bool,
) -> None:
    """What uses a routine, an operator, a cast or, in an expression, a type that goes stops it, or goes too under CASCADE."""
    name = described(routine)
    for user in users_of_routine(context.catalog, routine):
        if user.item.oid in going or not _is_there(context, user):
            continue
        if not is_cascade:
            raise _refuse(name, describe(user))
        context.runner.notice(f"drop cascades to {describe(user)}")
        _release(context, user, drop_object, going=going)


def _is_there(context: DdlContext, user: RoutineUser) -> bool:
    """Whether the user has not gone with what was dropped before it."""
    now = context.catalog.object(user.item.oid)
    match user.part:
        case Column() if isinstance(now, Table):
            return now.column_position(user.part.name) is not None
        case Constraint() if isinstance(now, Table):
            return any(each.oid == user.part.oid for each in now.constraints)
        case Index() if isinstance(now, Table):
            return any(each.oid == user.part.oid for each in now.indexes)
    return now is not None


def _release(
    context: DdlContext, user: RoutineUser, drop_object: DropObject, *, going: frozenset[Oid]
) -> None:
    item, part = user.item, user.part
    match item:
        case UserType() if part is not None:
            now = context.catalog.object(item.oid)
            assert isinstance(now, UserType), "it was found among the users"
            kept = tuple(check for check in now.checks if check[0] != part)
            context.change.put(replace(now, checks=kept))
        case Table() if part is not None:
            _release_part(context, context.catalog.table(item.oid), part)
        case Table() if not (item.materialized_query or item.partition_key):
            raise FeatureNotSupported(f"DROP ... CASCADE over {describe(user)} is not supported")
        case _:
            drop_object(item, going)


def _release_part(
    context: DdlContext, table: Table, part: Column | Constraint | Index | str
) -> None:
    """Let a table do without what uses the routine: a default, or a generated column, constraint or index as a whole."""
    match part:
        case Column() if part.generated is None:
            columns = tuple(
                replace(column, default=None) if column.name == part.name else column
                for column in table.columns
            )
            context.change.put(replace(table, columns=columns))
        case Column():
            # A child's column goes with its parent's.
            if not column_inherit_count(table, part.name, context.catalog):
                name = ObjectName(table.name, context.catalog.namespace_name(table.namespace_oid))
                alter_table(context, AlterTable(name, (DropColumn(part.name, is_cascade=True),)))
        case Constraint():
            kept = tuple(each for each in table.constraints if each.oid != part.oid)
            context.change.put(replace(table, constraints=kept))
        case Index():
            context.change.put(drop_keys_of_index(table, {part.oid}))
            if table.partition_key is not None:
                drop_parts(context, context.catalog.table(table.oid), {part.oid})


def drop_routines_on(
    context: DdlContext,
    item: CatalogObject,
    drop_object: DropObject,
    *,
    going: frozenset[Oid],
    is_cascade: bool,
) -> None:
    """Routines whose parameters or results are rows of a relation that goes, or whose standard bodies use it."""
    for routine in routines_on(context.catalog, item.oid):
        if routine.oid in going or context.catalog.object(routine.oid) is None:
            continue
        shown = f"{routine.kind} {signature_text(routine)}"
        if not is_cascade:
            kind = item.kind if isinstance(item, Table) else type(item).__name__.lower()
            raise _refuse(f"{kind} {item.name}", shown)
        context.runner.notice(f"drop cascades to {shown}")
        drop_object(routine, going | {item.oid})


def _refuse(name: str, dependent: str) -> DependentObjectsStillExist:
    return DependentObjectsStillExist(
        f"cannot drop {name} because other objects depend on it",
        detail=f"{dependent} depends on {name}",
        hint="Use DROP ... CASCADE to drop the dependent objects too.",
    )
