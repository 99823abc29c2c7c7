"""DROP of what only the database system has: it is needed, or there is none of that name."""

from __future__ import annotations

from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.errors import DependentObjectsStillExist, Error, UndefinedFunction, UndefinedObject
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.drop import drop_object
from lungfish.executor.ddl.operators import shown_operator
from lungfish.executor.system_views.object_names import COLLATIONS
from lungfish.executor.system_views.pg_operator_classes import BTREE, HASH, operator_classes
from lungfish.executor.system_views.routines import casts, operators
from lungfish.sql.ast.built_ins import BuiltInName, DropBuiltIn
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.sql_type import SqlType
from lungfish.types.type_oids import type_oid

_METHODS = {"btree": BTREE, "hash": HASH}
_NAMES: dict[str, tuple[str, ...]] = {
    "language": ("internal", "sql"),
    "access method": ("heap", "btree", "hash"),
    "tablespace": ("pg_default", "pg_global"),
    "collation": tuple(COLLATIONS.values()),
}


def drop_built_in(context: DdlContext, statement: DropBuiltIn) -> str:
    """Run DROP of one of these kinds: an error, or a notice under IF EXISTS. Answers the command tag."""
    for item in statement.objects:
        own = _own(context, statement.kind, item)
        if own is not None:
            drop_object(context, own, going=frozenset(), is_cascade=statement.is_cascade)
            continue
        if statement.kind == "operator":
            shown, missing = _look_for_operator(context, item)
        elif statement.kind == "cast":
            shown, missing = _look_for_cast(context, item)
        else:
            shown, missing = _look_for_name(statement.kind, item)
        if missing is None:
            raise DependentObjectsStillExist(
                f"cannot drop {shown} because it is required by the database system"
            )
        if not statement.if_exists:
            raise missing
        context.runner.notice(f"{missing.message}, skipping")
    return f"DROP {statement.kind.upper()}"


def _own(context: DdlContext, kind: str, item: BuiltInName) -> UserOperator | UserCast | None:
    """What somebody has made of that name."""
    if kind == "cast":
        return context.catalog.find_cast(*(_resolved(context, item, place) for place in (0, 1)))
    if kind != "operator":
        return None
    types = [None if each is None else context.runner.resolve_type(each) for each in item.types]
    for each in context.catalog.find_operators(item.name, item.schema, context.search_path):
        if [each.left, each.right] == types:
            return each
    return None


def _look_for_operator(context: DdlContext, item: BuiltInName) -> tuple[str, Error | None]:
    """How it is called, and what is wrong if there is none."""
    types = [None if each is None else context.runner.resolve_type(each) for each in item.types]
    oids = [0 if each is None else type_oid(each) for each in types]
    for each in operators():
        if item.schema is None and each.symbol == item.name and [each.left, each.right] == oids:
            names = ",".join(["none" if kind is None else str(kind) for kind in types])
            return f"operator {item.name}({names})", None
    shown = shown_operator(ObjectName(item.name, item.schema), types)
    return shown, UndefinedFunction(f"operator does not exist: {shown}")


def _look_for_cast(context: DdlContext, item: BuiltInName) -> tuple[str, Error | None]:
    source, target = (_resolved(context, item, place) for place in (0, 1))
    for each in casts():
        if (each.source, each.target) == (type_oid(source), type_oid(target)):
            return f"cast from {source} to {target}", None
    message = f"cast from type {source} to type {target} does not exist"
    return "cast", UndefinedObject(message)


def _resolved(context: DdlContext, item: BuiltInName, place: int) -> SqlType:
    named = item.types[place]
    assert named is not None, "a cast names both of its types"
    return context.runner.resolve_type(named)


def _look_for_name(kind: str, item: BuiltInName) -> tuple[str, Error | None]:
    if item.method is not None:
        method = _METHODS.get(item.method)
        if method is None:
            return kind, UndefinedObject(f'access method "{item.method}" does not exist')
        known = [
            each.name if kind == "operator class" else each.family
            for each in operator_classes()
            if each.method == method
        ]
        if item.name in known:
            return f"{kind} {item.name} for access method {item.method}", None
        return kind, UndefinedObject(
            f'{kind} "{item.name}" does not exist for access method "{item.method}"'
        )
    if item.name in _NAMES.get(kind, ()):
        quoted = f'"{item.name}"' if not item.name.islower() else item.name
        return f"{kind} {quoted}", None
    behind = ' for encoding "UTF8"' if kind == "collation" else ""
    return kind, UndefinedObject(f'{kind} "{item.name}"{behind} does not exist')
