"""CREATE FUNCTION and DROP FUNCTION, of functions in SQL. A call is replaced by the function's query when it is bound."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import SqlFunction
from lungfish.errors import (
    AmbiguousFunction,
    DuplicateFunction,
    InvalidFunctionDefinition,
    UndefinedFunction,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.planner import check_sql_function
from lungfish.sql.ast.ddl import Comment, CreateFunction, DropFunction
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName


def create_function(context: DdlContext, statement: CreateFunction) -> str:
    """Run CREATE [OR REPLACE] FUNCTION; answers the command tag."""
    namespace = context.namespace_for(statement.name)
    types = tuple(context.runner.resolve_type(each.type_name) for each in statement.parameters)
    result = context.runner.resolve_type(statement.result)
    same = [
        item
        for item in context.catalog.find_functions(statement.name.name, namespace.name)
        if item.parameter_types == types
    ]
    if same and not statement.or_replace:
        raise DuplicateFunction(
            f'function "{statement.name.name}" already exists with same argument types',
            position=statement.position,
        )
    if same and same[0].result != result:
        raise InvalidFunctionDefinition(
            "cannot change return type of existing function",
            position=statement.position,
            hint=f"Use DROP FUNCTION {statement.name.name} first.",
        )
    function = SqlFunction(
        same[0].oid if same else context.change.new_oid(),
        statement.name.name,
        namespace.oid,
        types,
        tuple(each.name or "" for each in statement.parameters),
        result,
        statement.body,
        volatility=statement.volatility,
        is_strict=statement.is_strict,
    )
    if context.runner.checks_function_bodies:
        check_sql_function(function, context.catalog, context.search_path)
    context.change.put(function)
    return "CREATE FUNCTION"


def drop_function(context: DdlContext, statement: DropFunction) -> str:
    """Run DROP FUNCTION; answers the command tag."""
    found = _find_function(
        context, statement.name, statement.parameters, if_exists=statement.if_exists
    )
    if found is not None:
        context.change.remove(found.oid)
    return "DROP FUNCTION"


def comment_function(context: DdlContext, statement: Comment) -> None:
    """Run COMMENT ON FUNCTION."""
    found = _find_function(context, statement.name, statement.parameters, if_exists=False)
    assert found is not None, "not finding it raises"
    context.change.put(replace(found, comment=statement.text))


def _find_function(
    context: DdlContext,
    name: ObjectName,
    parameters: tuple[TypeName, ...] | None,
    *,
    if_exists: bool,
) -> SqlFunction | None:
    """The function of that name, and of those parameters where they are given. None, with a notice, only where `if_exists`."""
    found = context.catalog.find_functions(name.name, name.schema, context.search_path)
    shown = name.name
    if parameters is not None:
        types = tuple(context.runner.resolve_type(each) for each in parameters)
        found = [item for item in found if item.parameter_types == types]
        shown = f"{name.name}({','.join(str(each) for each in types)})"
    if not found:
        if if_exists:
            context.runner.notice(f"function {shown} does not exist, skipping")
            return None
        raise UndefinedFunction(
            f"function {shown} does not exist"
            if parameters is not None
            else f'could not find a function named "{shown}"',
            position=name.position,
        )
    if len(found) > 1 and parameters is None:
        raise AmbiguousFunction(
            f'function name "{shown}" is not unique',
            position=name.position,
            hint="Specify the argument list to select the function unambiguously.",
        )
    return found[0]
