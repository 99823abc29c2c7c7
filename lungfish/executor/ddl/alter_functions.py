"""ALTER, DROP and COMMENT ON FUNCTION, PROCEDURE and ROUTINE."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import CatalogObject, SqlFunction, Table, UserType
from lungfish.errors import (
    DuplicateFunction,
    FeatureNotSupported,
    InvalidParameterValue,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_functions import find_function, signature_text
from lungfish.executor.ddl.functions import routine_settings
from lungfish.executor.ddl.routine_users import describe, users_of_routine
from lungfish.sql.ast.routines import (
    AlterFunction,
    CommentFunction,
    MoveFunction,
    RoutineReference,
)


def comment_function(context: DdlContext, statement: CommentFunction) -> str:
    """Run COMMENT ON FUNCTION."""
    found = _found(context, statement.target)
    context.change.put(replace(found, comment=statement.text))
    return "COMMENT"


def alter_function(context: DdlContext, statement: AlterFunction) -> str:
    """Run ALTER FUNCTION of its properties."""
    found = _found(context, statement.target)
    if not found.returns_set and "rows" in dict(statement.options):
        raise InvalidParameterValue("ROWS is not applicable when function does not return a set")
    changed = replace(
        found,
        volatility=statement.volatility or found.volatility,
        is_strict=found.is_strict if statement.is_strict is None else statement.is_strict,
        settings=routine_settings(context, found.settings, statement.settings),
        options=tuple(sorted({**dict(found.options), **dict(statement.options)}.items())),
    )
    context.change.put(changed)
    return f"ALTER {statement.target.kind.upper()}"


def move_function(context: DdlContext, statement: MoveFunction) -> str:
    """Run ALTER FUNCTION ... RENAME TO or SET SCHEMA."""
    found = _found(context, statement.target)
    moved = found
    if statement.new_name is not None:
        moved = replace(found, name=statement.new_name)
    if statement.new_schema is not None:
        namespace = context.find_namespace(statement.new_schema, statement.position)
        moved = replace(found, namespace_oid=namespace.oid)
    _check_free(context, found, moved)
    if moved != found:
        users = [
            each
            for each in users_of_routine(context.catalog, found)
            if not _follows(each.item, found)
        ]
        if users:
            raise FeatureNotSupported(
                f"renaming or moving function {signature_text(found)} is not supported,"
                f" because {describe(users[0])} depends on it"
            )
        context.change.put(moved)
    return f"ALTER {statement.target.kind.upper()}"


def _follows(user: CatalogObject, found: SqlFunction) -> bool:
    """Whether what uses the routine are expressions, which are written anew when it is renamed; see stored_texts.py."""
    if isinstance(user, Table):
        return found.oid not in user.depends_on
    return isinstance(user, UserType)


def _found(context: DdlContext, target: RoutineReference) -> SqlFunction:
    found = find_function(context, target)
    assert found is not None, "not finding it raises"
    return found


def _check_free(context: DdlContext, found: SqlFunction, moved: SqlFunction) -> None:
    schema = context.catalog.namespace_name(moved.namespace_oid)
    for other in context.catalog.find_functions(moved.name, schema):
        if other.oid != found.oid and other.parameter_types == moved.parameter_types:
            shown = f"{moved.name}({', '.join(map(str, moved.parameter_types))})"
            raise DuplicateFunction(f'function {shown} already exists in schema "{schema}"')
