"""pg_identify_object: the kind of an object, its schema, its name where that is unique there, and what it is called under any search path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog.names import qualified
from lungfish.catalog.objects import (
    ExtendedStatistics,
    Index,
    Namespace,
    Oid,
    Rule,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import FeatureNotSupported
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.object_descriptions import (
    CLASS,
    CONSTRAINT,
    NAMESPACE,
    PROC,
    TYPE,
    find_domain_check,
)
from lungfish.executor.system_views.object_names import NAME_ANSWERS, format_type
from lungfish.executor.system_views.pg_relations import STATISTICS_CATALOG
from lungfish.executor.system_views.routines import own_routine, routine_by_oid
from lungfish.sql.quoting import quote_identifier
from lungfish.types.sql_type import TypeKind
from lungfish.types.type_oids import (
    BUILT_IN,
    CSTRING_ARRAY,
    PSEUDO_TYPES,
    RANGES,
    REGISTERED,
    own_element_oid,
)

# type, schema, name, identity
Identity = tuple[str, str | None, str | None, str | None]
_REWRITE, _ROLE = 2618, 1260
_PG_CATALOG = "pg_catalog"
_OIDS = (
    {name: (oid, array_oid) for oid, array_oid, name, *_ in BUILT_IN.values()}
    | REGISTERED
    | RANGES
    | {"int2vector": (22, 1006), "oidvector": (30, 1013), "cstring": (2275, CSTRING_ARRAY)}
)
# What pg_type calls the built-in types and their arrays.
_BUILT_IN_NAMES = {
    oid: quote_identifier(f"{prefix}{name}")
    for name, oids in _OIDS.items()
    for prefix, oid in zip(("", "_"), oids, strict=True)
    if oid
} | {oid: quote_identifier(name) for name, oid in PSEUDO_TYPES.items()}
# Types that the grammar names, which are no names in a schema.
_WORDS_OF_SQL = frozenset(
    kind.value
    for kind in (
        TypeKind.BOOLEAN, TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.REAL, TypeKind.DOUBLE,
        TypeKind.NUMERIC, TypeKind.CHAR, TypeKind.VARCHAR, TypeKind.BIT, TypeKind.VARBIT, TypeKind.TIME, TypeKind.TIMETZ,
        TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ, TypeKind.INTERVAL, TypeKind.JSON,
    )
)  # fmt: skip
_ROUTINE_WORDS = {"a": "aggregate", "p": "procedure"}


def _schema(asked: Asked, namespace_oid: int) -> str:
    return quote_identifier(asked.catalog.namespace_name(Oid(namespace_oid)))


def _relation(asked: Asked, oid: int, number: int) -> Identity:
    item: object = asked.catalog.object(Oid(oid))
    if item is None:
        found = asked.index(oid)
        item = None if found is None else found[1]
    match item:
        case Table():
            word = "table" if item.materialized_query is None else "materialized view"
        case View() | SystemView():
            word = "view"
        case SequenceObject():
            word = "sequence"
        case Index():
            word = "index"
        case UserType():
            word = "composite type"
        case _:
            return "relation", None, None, None
    schema, name = _schema(asked, item.namespace_oid), quote_identifier(item.name)
    shown = f"{schema}.{name}"
    if not number:
        return word, schema, name, shown
    columns = item.columns if isinstance(item, (Table, View, SystemView)) else ()
    for column in columns:
        if column.number == number:
            return f"{word} column", schema, name, f"{shown}.{quote_identifier(column.name)}"
    return f"{word} column", None, None, None


def _type(asked: Asked, oid: int, _number: int) -> Identity:
    shown = _type_text(asked, oid)
    element = own_element_oid(oid)
    item = asked.catalog.object(Oid(oid if element is None else element))
    if isinstance(item, (UserType, Table, View, SystemView)):
        name = item.name if element is None else f"_{item.name}"
        return "type", _schema(asked, item.namespace_oid), quote_identifier(name), shown
    if oid not in _BUILT_IN_NAMES:
        return "type", None, None, None
    return "type", _PG_CATALOG, _BUILT_IN_NAMES[oid], shown


def _type_text(asked: Asked, oid: int) -> str:
    """A type's name with its schema, unless it is one of the words of SQL."""
    shown = str(format_type(asked, (oid, None)))
    # Without a search path, what has no schema is in pg_catalog.
    if "." in shown or shown.removesuffix("[]") in _WORDS_OF_SQL:
        return shown
    return f"{_PG_CATALOG}.{shown}"


def _routine(asked: Asked, oid: int, _number: int) -> Identity:
    item = asked.catalog.object(Oid(oid))
    found = own_routine(item) if isinstance(item, SqlFunction) else routine_by_oid(oid)
    if found is None:
        return "routine", None, None, None
    schema = _schema(asked, found.namespace_oid)
    kinds = ",".join([_type_text(asked, each) for each in found.arguments])
    word = _ROUTINE_WORDS.get(found.kind, "function")
    return word, schema, None, f"{schema}.{quote_identifier(found.name)}({kinds})"


def _constraint(asked: Asked, oid: int, _number: int) -> Identity:
    for table in asked.catalog.tables():
        for item in table.constraints:
            if item.oid == oid:
                shown = f"{quote_identifier(item.name)} on {qualified(asked.catalog, table)}"
                return "table constraint", _schema(asked, table.namespace_oid), None, shown
    found = find_domain_check(asked, oid)
    if found is None:
        return "constraint", None, None, None
    domain, name, _ = found
    shown = f"{quote_identifier(name)} on {qualified(asked.catalog, domain)}"
    return "domain constraint", _schema(asked, domain.namespace_oid), None, shown


def _namespace(asked: Asked, oid: int, _number: int) -> Identity:
    item = asked.catalog.object(Oid(oid))
    name = quote_identifier(item.name) if isinstance(item, Namespace) else None
    return "schema", None, name, name


def _rule(asked: Asked, oid: int, _number: int) -> Identity:
    """A view's query is a rule with the oid of the view."""
    item = asked.catalog.object(Oid(oid))
    owner, name = (item.relation_oid, item.name) if isinstance(item, Rule) else (oid, "_RETURN")
    shown = _relation(asked, owner, 0)[3]
    return "rule", None, None, None if shown is None else f"{quote_identifier(name)} on {shown}"


def _statistics(asked: Asked, oid: int, _number: int) -> Identity:
    items: list[ExtendedStatistics] = [
        item for table in asked.catalog.tables() for item in table.statistics if item.oid == oid
    ]
    for item in items:
        shown = qualified(asked.catalog, item)
        schema = _schema(asked, item.namespace_oid)
        return "statistics object", schema, quote_identifier(item.name), shown
    return "statistics object", None, None, None


def _role(asked: Asked, oid: int, _number: int) -> Identity:
    name = str(NAME_ANSWERS["regroleout"](asked, (oid,)))
    known = None if name == str(oid) else name
    return "role", None, known, known


_IDENTIFIERS: dict[int, Callable[[Asked, int, int], Identity]] = {
    CLASS: _relation,
    TYPE: _type,
    PROC: _routine,
    CONSTRAINT: _constraint,
    NAMESPACE: _namespace,
    _REWRITE: _rule,
    STATISTICS_CATALOG: _statistics,
    _ROLE: _role,
}


def _identify(asked: Asked, arguments: Sequence[Any]) -> Identity:
    catalog, oid, number = arguments
    find = _IDENTIFIERS.get(catalog)
    if find is None:
        raise FeatureNotSupported(f"identities of objects of catalog {catalog} are not supported")
    # Without a search path, everything is called by its schema too.
    return find(Asked(asked.catalog, ()), oid, number)


IDENTITY_ANSWERS: dict[str, Answer] = {"pg_identify_object": _identify}
