"""Routines as statements name them: by name, and by the types of their parameters where these are written."""

from __future__ import annotations

from lungfish.catalog.objects import SqlFunction
from lungfish.errors import (
    AmbiguousFunction,
    DependentObjectsStillExist,
    UndefinedFunction,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.functions import has_aggregate, has_function
from lungfish.planner import resolve_routine_type
from lungfish.sql.ast.routines import RoutineReference


def signature_text(function: SqlFunction) -> str:
    """A routine's name with the types of its parameters, as hints and dependencies show it."""
    return f"{function.name}({','.join(str(kind) for kind in function.parameter_types)})"


def find_function(
    context: DdlContext, target: RoutineReference, *, if_exists: bool = False
) -> SqlFunction | None:
    """The routine that is meant. None, with a notice, only where `if_exists`. Raises UndefinedFunction and its kin."""
    name, kind = target.name, target.kind
    found = context.catalog.find_functions(name.name, name.schema, context.search_path)
    shown = str(name.name)
    if target.parameters is not None:
        types = tuple(
            resolve_routine_type(each, context.catalog, context.search_path).unmodified
            for each in target.parameters
        )
        found = [item for item in found if types in (item.parameter_types, _all_types(item))]
        shown = f"{name.name}({', '.join(str(each) for each in types)})"
    elif kind != "routine":
        found = [item for item in found if (item.kind == "procedure") == (kind == "procedure")]
    if not found:
        return _missing(context, target, shown, if_exists=if_exists)
    if len(found) > 1 and target.parameters is None:
        raise AmbiguousFunction(
            f'{kind} name "{shown}" is not unique',
            position=name.position,
            hint=f"Specify the argument list to select the {kind} unambiguously.",
        )
    _check_kind(found[0], kind)
    return found[0]


def _all_types(item: SqlFunction) -> tuple[object, ...]:
    return tuple(each.type for each in item.all_parameters)


def _missing(
    context: DdlContext, target: RoutineReference, shown: str, *, if_exists: bool
) -> SqlFunction | None:
    name, kind = target.name, target.kind
    is_built_in = has_function(name.name) or has_aggregate(name.name)
    if is_built_in and name.schema in (None, "pg_catalog") and target.parameters is None:
        raise DependentObjectsStillExist(
            f"cannot drop {kind} {name.name} because it is required by the database system",
            position=name.position,
        )
    if if_exists:
        context.runner.notice(f"{kind} {shown} does not exist, skipping")
        return None
    raise UndefinedFunction(
        f"{kind} {shown} does not exist"
        if target.parameters is not None
        else f'could not find {"an" if kind == "aggregate" else "a"} {kind} named "{shown}"',
        position=name.position,
    )


def _check_kind(found: SqlFunction, kind: str) -> None:
    if kind in ("routine", found.kind):
        return
    shown = signature_text(found)
    if kind == "aggregate":
        raise WrongObjectType(f"function {shown} is not an aggregate")
    raise WrongObjectType(f"{shown} is not a {kind}")
