"""CREATE CAST and COMMENT ON CAST."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.catalog.objects import PG_CATALOG_OID, Oid, SqlFunction
from lungfish.catalog.operator_objects import UserCast
from lungfish.errors import (
    AmbiguousFunction,
    DuplicateObject,
    FeatureNotSupported,
    InvalidObjectDefinition,
    UndefinedFunction,
    UndefinedObject,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.system_views.routines import casts
from lungfish.planner import find_support
from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.operators import CommentCast, CreateCast
from lungfish.types.coercion import is_binary_coercible
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.type_oids import type_layout, type_oid

# What messages call types that are more than their bytes, in the order in which PostgreSQL looks.
_NOT_BINARY = {
    TypeKind.RECORD: "composite", TypeKind.ARRAY: "array", TypeKind.RANGE: "range", TypeKind.MULTIRANGE: "multirange",
    TypeKind.ENUM: "enum",
}  # fmt: skip
# Types whose values are texts here, and mean the same as such.
_TEXTS = frozenset({TypeKind.TEXT, TypeKind.VARCHAR})


def create_cast(context: DdlContext, statement: CreateCast) -> str:
    """Run CREATE CAST; answers the command tag."""
    source = _resolved(context, statement.source)
    target = _resolved(context, statement.target)
    if TypeKind.POLYMORPHIC in (source.kind, target.kind):
        shown = source if source.kind is TypeKind.POLYMORPHIC else target
        which = "source" if shown is source else "target"
        raise InvalidObjectDefinition(f"{which} data type {shown} is a pseudo-type")
    if source.domain is not None or target.domain is not None:
        which = "source" if source.domain is not None else "target"
        context.runner.notice(f"cast will be ignored because the {which} data type is a domain")
    function = None
    if statement.method == "function":
        function = _function(context, statement, source, target)
    elif statement.method == "binary":
        _require_same_bytes(source, target)
    if type_oid(source) == type_oid(target) and function is None:
        raise InvalidObjectDefinition("source data type and target data type are the same")
    _refuse_taken(context, source, target)
    context.change.put(
        UserCast(
            context.change.new_oid(),
            "",
            PG_CATALOG_OID,
            source,
            target,
            statement.context,
            statement.method,
            function,
        )
    )
    return "CREATE CAST"


def _resolved(context: DdlContext, name: TypeName) -> SqlType:
    return context.runner.resolve_type(name).unmodified


def _refuse_taken(context: DdlContext, source: SqlType, target: SqlType) -> None:
    ends = (type_oid(source), type_oid(target))
    is_own = any(
        isinstance(each, UserCast) and each.ends == ends for each in context.catalog.objects()
    )
    if is_own or any((each.source, each.target) == ends for each in casts()):
        raise DuplicateObject(f"cast from type {source} to type {target} already exists")


def _function(
    context: DdlContext, statement: CreateCast, source: SqlType, target: SqlType
) -> SupportFunction:
    """The function of WITH FUNCTION, which must make the one type of the other."""
    name = statement.function
    assert name is not None, "WITH FUNCTION names one"
    if statement.parameters is None:
        found = context.catalog.find_functions(name.name, name.schema, context.search_path)
        if not found:
            raise UndefinedFunction(f'could not find a function named "{name.name}"')
        if len(found) > 1:
            raise AmbiguousFunction(f'function name "{name.name}" is not unique')
        types: tuple[SqlType, ...] = found[0].parameter_types
    else:
        types = tuple(_resolved(context, each) for each in statement.parameters)
    support = find_support(name.name, name.schema, types, context.catalog, context.search_path)
    if support is None or support.argument_types != types:
        raise UndefinedFunction(f"function {name}({', '.join(map(str, types))}) does not exist")
    if not 1 <= len(types) <= 3:
        raise InvalidObjectDefinition("cast function must take one to three arguments")
    if len(types) > 1:
        raise FeatureNotSupported("a cast function that is told of the length is not supported")
    if not is_binary_coercible(source, types[0]):
        raise InvalidObjectDefinition(
            "argument of cast function must match or be binary-coercible from source data type"
        )
    if not is_binary_coercible(support.result, target):
        raise InvalidObjectDefinition(
            "return data type of cast function must match or be binary-coercible to target data type"
        )
    _require_plain_function(context, support.support)
    if support.returns_set:
        raise InvalidObjectDefinition("cast function must not return a set")
    if type_oid(source) == type_oid(target):
        raise InvalidObjectDefinition("source data type and target data type are the same")
    return support.support


def _require_plain_function(context: DdlContext, support: SupportFunction) -> None:
    routine = context.catalog.object(Oid(support.oid)) if support.oid else None
    if isinstance(routine, SqlFunction) and routine.kind != "function":
        raise InvalidObjectDefinition("cast function must be a normal function")


def _require_same_bytes(source: SqlType, target: SqlType) -> None:
    """Look at WITHOUT FUNCTION as PostgreSQL does; then refuse it for types whose values are not kept alike here."""
    if type_layout(source)[:2] != type_layout(target)[:2]:
        raise InvalidObjectDefinition("source and target data types are not physically compatible")
    for kind, word in _NOT_BINARY.items():
        if kind in (source.kind, target.kind) and source.domain is target.domain is None:
            raise InvalidObjectDefinition(f"{word} data types are not binary-compatible")
    if source.domain is not None or target.domain is not None:
        raise InvalidObjectDefinition("domain data types must not be marked binary-compatible")
    if not {source.kind, target.kind} <= _TEXTS | {TypeKind.JSON} or target.kind is TypeKind.JSON:
        raise FeatureNotSupported(
            f"a cast WITHOUT FUNCTION from {source} to {target} is not supported"
        )


def comment_cast(context: DdlContext, statement: CommentCast) -> str:
    """Run COMMENT ON CAST; answers the command tag."""
    source, target = (_resolved(context, each) for each in (statement.source, statement.target))
    for each in context.catalog.objects():
        if isinstance(each, UserCast) and each.ends == (type_oid(source), type_oid(target)):
            context.change.put(replace(each, comment=statement.text))
            return "COMMENT"
    if any((each.source, each.target) == (type_oid(source), type_oid(target)) for each in casts()):
        raise FeatureNotSupported("COMMENT ON a built-in cast is not supported")
    raise UndefinedObject(f"cast from type {source} to type {target} does not exist")
