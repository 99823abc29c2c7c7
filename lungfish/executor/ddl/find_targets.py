"""The objects that GRANT and OWNER TO name, found as PostgreSQL finds them."""

from __future__ import annotations

from collections.abc import Callable

from lungfish.catalog.objects import (
    CatalogObject,
    Namespace,
    Oid,
    Sequence,
    SqlFunction,
    SystemView,
    Table,
    View,
)
from lungfish.errors import (
    AmbiguousFunction,
    FeatureNotSupported,
    InvalidCatalogName,
    UndefinedFunction,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_functions import signature_text
from lungfish.executor.ddl.names import find_relation, find_sequence, refuse_composite
from lungfish.executor.ddl.rights_target import RightsTarget, target_of
from lungfish.executor.ddl.statistics import find_statistics
from lungfish.executor.ddl.types import find_user_type
from lungfish.functions import has_aggregate, has_function, has_window_function
from lungfish.planner import resolve_routine_type
from lungfish.sql.ast.rights import Grant, NamedObject
from lungfish.sql.quoting import quote_literal, quote_qualified
from lungfish.types.type_names import type_by_name

LANGUAGES = {"internal": Oid(12), "sql": Oid(14)}
TABLESPACES = {"pg_default": Oid(1663), "pg_global": Oid(1664)}
DATABASE_OID = Oid(1)
# What statements call routines, and which of ours each of the words stands for.
ROUTINE_KINDS = {
    "function": ("function", "aggregate"),
    "aggregate": ("aggregate",),
    "procedure": ("procedure",),
    "routine": ("function", "aggregate", "procedure"),
}


def find_targets(context: DdlContext, statement: Grant) -> list[RightsTarget]:
    """The objects of a GRANT or REVOKE."""
    if not statement.in_schemas:
        return [find_target(context, statement.kind, item) for item in statement.objects]
    found = []
    for named in statement.objects:
        namespace = context.find_namespace(named.name.name, named.name.position)
        found += [
            target_of(item)
            for item in context.catalog.objects()
            if not isinstance(item, Namespace)
            and item.namespace_oid == namespace.oid
            and _is_of_kind(item, statement.kind)
        ]
    return sorted(found, key=lambda target: target.oid)


def _is_of_kind(item: CatalogObject, kind: str) -> bool:
    match item:
        case Table() | View() | SystemView():
            return kind == "table"
        case Sequence():
            return kind == "sequence"
        case SqlFunction():
            return item.kind in ROUTINE_KINDS.get(kind, ())
        case _:
            return False


def find_target(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    """The object of that kind that a statement names. Raises what a name raises that nothing has."""
    return _FINDERS[kind](context, kind, named)


def _find_relation(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    name = named.name
    if name.schema is not None:
        context.find_namespace(name.schema, name.position)
    if context.catalog.find_relation(name.name, name.schema, context.search_path) is None:
        refuse_composite(context, name, "is a composite type", "Use GRANT ON TYPE instead.")
        if context.catalog.find_index(name.name, name.schema, context.search_path) is not None:
            raise WrongObjectType(f'"{name.name}" is an index', position=name.position)
    return target_of(find_relation(context, name))


def _find_sequence(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    return target_of(find_sequence(context, named.name))


def _find_schema(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    return target_of(context.find_namespace(named.name.name, named.name.position))


def _find_type(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    name = named.name
    found = context.catalog.find_type(name.name, name.schema, context.search_path)
    if found is None:
        relation = context.catalog.find_relation(name.name, name.schema, context.search_path)
        if (
            name.schema == "pg_catalog"
            or type_by_name(name.name) is not None
            or relation is not None
        ):
            raise FeatureNotSupported(
                f'privileges on the type "{name}", which nobody has made by itself, are not supported',
                position=name.position,
            )
        found = find_user_type(context, name)
    if kind == "domain" and found.base is None:
        raise WrongObjectType(f'"{name.name}" is not a domain', position=name.position)
    return target_of(found)


def _find_routine(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    name = named.name.name
    found = context.catalog.find_functions(name, named.name.schema, context.search_path)
    types = None
    if named.parameters is not None:
        types = tuple(
            resolve_routine_type(each, context.catalog, context.search_path).unmodified
            for each in named.parameters
        )
        found = [item for item in found if item.parameter_types == types]
        if found and found[0].kind not in ROUTINE_KINDS[kind]:
            raise WrongObjectType(f"{signature_text(found[0])} is not a {kind}")
    found = [item for item in found if item.kind in ROUTINE_KINDS[kind]]
    if len(found) > 1 and types is None:
        raise AmbiguousFunction(
            f'{kind} name "{name}" is not unique',
            hint=f"Specify the argument list to select the {kind} unambiguously.",
        )
    if found:
        return target_of(found[0])
    is_built_in = has_function(name) or has_aggregate(name) or has_window_function(name)
    if types is not None:
        shown = f"{quote_qualified(named.name.schema, name)}({','.join(map(str, types))})"
        if is_built_in and named.name.schema in (None, "pg_catalog"):
            ((oid,),) = context.runner.query(f"SELECT to_regprocedure({quote_literal(shown)})::oid")
            if oid is not None:
                return RightsTarget("function", Oid(oid), name)
        shown = f"{named.name.name}({', '.join(map(str, types))})"
        raise UndefinedFunction(f"{kind} {shown} does not exist")
    raise UndefinedFunction(f'could not find a {kind} named "{name}"')


def _find_database(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    ((name,),) = context.runner.query("SELECT current_database()")
    if named.name.name != name:
        raise InvalidCatalogName(f'database "{named.name.name}" does not exist')
    return RightsTarget("database", DATABASE_OID, name)


def _find_statistics(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
    """They have no owner of their own: who asks only learns whether they are there."""
    found = find_statistics(context, named.name, if_exists=False)
    assert found is not None, "without IF EXISTS what is missing raises"
    return RightsTarget("statistics", found[1].oid, found[1].name)


_Finder = Callable[[DdlContext, str, NamedObject], RightsTarget]


def _among(names: dict[str, Oid]) -> _Finder:
    def find(context: DdlContext, kind: str, named: NamedObject) -> RightsTarget:
        oid = names.get(named.name.name)
        if oid is None:
            raise UndefinedObject(f'{kind} "{named.name.name}" does not exist')
        return RightsTarget(kind, oid, named.name.name)

    return find


_FINDERS: dict[str, _Finder] = {
    "table": _find_relation,
    "sequence": _find_sequence,
    "schema": _find_schema,
    "type": _find_type,
    "domain": _find_type,
    **dict.fromkeys(ROUTINE_KINDS, _find_routine),
    "statistics": _find_statistics,
    "language": _among(LANGUAGES),
    "tablespace": _among(TABLESPACES),
    "database": _find_database,
}
