"""DROP FUNCTION, PROCEDURE and ROUTINE, with what depends on a routine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.catalog.objects import CatalogObject, Column, Constraint, Oid, SqlFunction, Table
from lungfish.errors import DependentObjectsStillExist, FeatureNotSupported
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_functions import find_function, signature_text
from lungfish.executor.ddl.routine_users import (
    RoutineUser,
    Used,
    describe,
    described,
    routines_on,
    users_of_routine,
)
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
        if user.item.oid in going or context.catalog.object(user.item.oid) is None:
            continue
        if not is_cascade:
            raise _refuse(name, describe(user))
        context.runner.notice(f"drop cascades to {describe(user)}")
        _release(context, user, drop_object, going=going)


def _release(
    context: DdlContext, user: RoutineUser, drop_object: DropObject, *, going: frozenset[Oid]
) -> None:
    item, part = user.item, user.part
    if part is None and not isinstance(item, Table):
        drop_object(item, going)
        return
    is_whole = isinstance(item, Table) and (item.materialized_query or item.partition_key)
    if not isinstance(item, Table) or (part is None and not is_whole):
        raise FeatureNotSupported(f"DROP ... CASCADE over {describe(user)} is not supported")
    table = context.catalog.table(item.oid)
    match part:
        case None:
            drop_object(item, going)
        case Column() if part.generated is None:
            columns = tuple(
                replace(column, default=None) if column.name == part.name else column
                for column in table.columns
            )
            context.change.put(replace(table, columns=columns))
        case Constraint():
            kept = tuple(each for each in table.constraints if each.oid != part.oid)
            context.change.put(replace(table, constraints=kept))
        case _:
            raise FeatureNotSupported(f"DROP ... CASCADE over {describe(user)} is not supported")


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
