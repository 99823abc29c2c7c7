"""pg_type and its kin, and the catalogs that say what kinds of things there are: access methods, collations, roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import (
    PG_CATALOG_OID,
    Column,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.executor.system_views.access_texts import access_text
from lungfish.executor.system_views.definition import (
    catalog_of,
    columns_of,
    owner_name,
    system_view,
)
from lungfish.executor.system_views.pg_operator_classes import class_of, collation_of
from lungfish.executor.system_views.pg_relations import OWNER_OID
from lungfish.executor.system_views.routines import type_function
from lungfish.executor.system_views.texts import domain_default_text, listed_definition
from lungfish.executor.system_views.type_functions import function_names
from lungfish.types.coercion import is_preferred
from lungfish.types.ranges import MULTIRANGE_TYPES, RANGE_TYPES, multirange_of
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    INT2VECTOR,
    NAME,
    OID,
    OIDVECTOR,
    REAL,
    TEXT,
    VOID,
    SqlType,
    TypeKind,
    array_of,
)
from lungfish.types.type_oids import (
    BUILT_IN,
    CSTRING_ARRAY,
    PSEUDO_TYPES,
    RANGES,
    REGISTERED,
    array_oid_of_own,
    default_storage,
    registered_type,
    type_layout,
    type_modifier,
    type_oid,
)

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

DEFAULT_TABLESPACE = 1663
Rows = Iterator[tuple[Any, ...]]

_TYPE_COLUMNS = columns_of(
    "oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype char,"
    " typcategory char, typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typsubscript regproc,"
    " typelem oid, typarray oid, typinput regproc, typoutput regproc, typreceive regproc, typsend regproc,"
    " typmodin regproc, typmodout regproc, typanalyze regproc, typalign char, typstorage char, typnotnull bool,"
    " typbasetype oid, typtypmod int4, typndims int4, typcollation oid, typdefaultbin tree, typdefault text,"
    " typacl acl"
)


def _type(
    oid: int,
    name: str,
    kind: SqlType,
    letters: tuple[str, str],
    *,
    namespace: int = PG_CATALOG_OID,
    **facts: Any,
) -> tuple[Any, ...]:
    """A row; `letters` are typtype and typcategory."""
    length, by_value, alignment = facts.get("layout") or type_layout(kind)
    names = function_names(name, letters[0], facts.get("over"))
    default = facts.get("default")
    return (
        oid, name, namespace, facts.get("owner", OWNER_OID), length, by_value, *letters, is_preferred(kind) and letters[0] == "b", True, ",",
        facts.get("relation", 0), type_function(names.subscript), facts.get("element", 0), facts.get("array_oid", 0),
        type_function(names.input), type_function(names.output), type_function(names.receive), type_function(names.send),
        type_function(names.read_modifiers), type_function(names.write_modifiers), type_function(names.analyze), alignment,
        facts.get("storage") or default_storage(kind), facts.get("is_not_null", False), facts.get("base", 0),
        facts.get("modifier", -1), 0, collation_of(Column(name, kind, 1, collation=facts.get("collation"))), default, default,
        facts.get("acl"),
    )  # fmt: skip


def _array_type(oid: int, name: str, element: SqlType, element_oid: int) -> tuple[Any, ...]:
    letters = ("p", "P") if element.kind is TypeKind.RECORD else ("b", "A")
    return _type(oid, f"_{name}", array_of(element), letters, element=element_oid, over="")


# Pseudo-types whose values are laid out otherwise than a number.
_PSEUDO_LAYOUTS: dict[str, dict[str, Any]] = {
    **{
        name: {"layout": (-1, False, "d"), "storage": "x"}
        for name in ("anyarray", "anyrange", "anymultirange", "anycompatiblearray")
    },
    "cstring": {"layout": (-2, False, "c")},
    "internal": {"layout": (8, True, "d")},
}


def _built_in_types() -> Rows:
    for kind, (oid, array_oid, name, _, category, _) in BUILT_IN.items():
        letter = "p" if category in "PX" else "b"
        plain = SqlType(kind)
        element = BUILT_IN[TypeKind.INTERNAL_CHAR][0] if kind is TypeKind.NAME else 0
        yield _type(oid, name, plain, (letter, category), array_oid=array_oid, element=element)
        if array_oid:
            yield _array_type(array_oid, name, plain, oid)
    for name, (oid, array_oid) in REGISTERED.items():
        plain = registered_type(name)
        yield _type(oid, name, plain, ("b", "N"), array_oid=array_oid)
        yield _array_type(array_oid, name, plain, oid)
    for name, (oid, array_oid) in RANGES.items():
        plain = RANGE_TYPES.get(name) or MULTIRANGE_TYPES[name]
        letter = "r" if name in RANGE_TYPES else "m"
        yield _type(oid, name, plain, (letter, "R"), array_oid=array_oid)
        yield _array_type(array_oid, name, plain, oid)
    for plain in (INT2VECTOR, OIDVECTOR):
        assert plain.name is not None
        assert plain.element is not None
        yield _type(plain.oid, plain.name, plain, ("b", "A"), element=type_oid(plain.element))
    known = {facts[2] for facts in BUILT_IN.values()}
    for name, oid in PSEUDO_TYPES.items():
        if name not in known:
            array_oid = CSTRING_ARRAY if name == "cstring" else 0
            yield _type(
                oid, name, VOID, ("p", "P"), array_oid=array_oid, **_PSEUDO_LAYOUTS.get(name, {})
            )
    yield _array_type(CSTRING_ARRAY, "cstring", VOID, PSEUDO_TYPES["cstring"])


def _types(context: ExecutionContext) -> Rows:
    yield from _built_in_types()
    for item in context.catalog.objects():
        if isinstance(item, (Table, View, SystemView)):
            owner = context.catalog.authority.owner_of("relation", item.oid)
            yield from _row_types(item, owner)
        if not isinstance(item, UserType):
            continue
        base = item.base
        letters = _letters(item)
        authority = context.catalog.authority
        owner = authority.owner_of("type", item.oid)
        yield _type(
            item.oid, item.name, base or item.type, letters, namespace=item.namespace_oid,
            relation=item.oid if letters[0] == "c" else 0, is_not_null=item.is_not_null,
            collation=item.collation, base=0 if base is None else type_oid(base), modifier=-1 if base is None else type_modifier(base),
            default=domain_default_text(context.catalog, item), array_oid=array_oid_of_own(item.oid),
            over=None if base is None else _pg_name(base), owner=owner,
            acl=access_text(authority, authority.kept_items("type", item.oid)),
        )  # fmt: skip
        yield _type(
            array_oid_of_own(item.oid), f"_{item.name}", array_of(base or item.type), ("b", "A"), element=item.oid,
            namespace=item.namespace_oid, over="", owner=owner,
        )  # fmt: skip


def _row_types(item: Table | View | SystemView, owner: int) -> Rows:
    """The type of a relation's rows, which has the relation's oid, and of arrays of them."""
    row, array_oid = SqlType(TypeKind.RECORD), array_oid_of_own(item.oid)
    yield _type(
        item.oid, item.name, row, ("c", "C"), namespace=item.namespace_oid, relation=item.oid, array_oid=array_oid,
        owner=owner,
    )  # fmt: skip
    yield _type(
        array_oid, f"_{item.name}", array_of(row), ("b", "A"), namespace=item.namespace_oid, element=item.oid, over="",
        owner=owner,
    )  # fmt: skip


def _pg_name(kind: SqlType) -> str:
    """What the type beneath a domain is called in pg_type, or the kind of one that a user has made."""
    if kind.kind is TypeKind.ARRAY:
        return "array"
    if kind.name is not None:
        return {TypeKind.ENUM: "enum", TypeKind.RANGE: "range", TypeKind.MULTIRANGE: "multirange"}.get(kind.kind, kind.name)  # fmt: skip
    return BUILT_IN[kind.kind][2]


def _category(kind: SqlType) -> str:
    """typcategory of the type beneath a domain."""
    if kind.kind in (TypeKind.RANGE, TypeKind.MULTIRANGE):
        return "R"
    own = {TypeKind.ARRAY: "A", TypeKind.ENUM: "E", TypeKind.RECORD: "C", TypeKind.REGISTERED: "N"}
    return own[kind.kind] if kind.kind in own else BUILT_IN[kind.kind][4]


def _letters(item: UserType) -> tuple[str, str]:
    """typtype and typcategory."""
    if item.base is not None:
        return "d", _category(item.base)
    match item.type.kind:
        case TypeKind.ENUM:
            return "e", "E"
        case TypeKind.RANGE:
            return "r", "R"
        case TypeKind.MULTIRANGE:
            return "m", "R"
        case _:
            return "c", "C"


def _enums(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, UserType) and item.base is None and item.type.kind is TypeKind.ENUM:
            orders = item.label_orders or tuple(map(float, range(1, len(item.type.labels) + 1)))
            for number, (order, label) in enumerate(zip(orders, item.type.labels, strict=True), 1):
                yield item.oid * 1000 + number, item.oid, order, label


def _sequences(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, SequenceObject):
            yield (
                item.oid, type_oid(item.type), item.start, item.increment, item.maximum, item.minimum, item.cache,
                item.is_cycle,
            )  # fmt: skip


def _databases(context: ExecutionContext) -> Rows:
    name = context.functions.session_fact("current_database")
    authority = context.catalog.authority
    yield (
        1, name, authority.owner_of("database", 1), 6, "c", False, True, False, -1, 0, 0, DEFAULT_TABLESPACE, "C", "C", None, None, None,
        access_text(authority, authority.kept_items("database", 1)),
    )  # fmt: skip


def _tablespaces(context: ExecutionContext) -> Rows:
    authority = context.catalog.authority
    for oid, name in ((DEFAULT_TABLESPACE, "pg_default"), (1664, "pg_global")):
        shown = access_text(authority, authority.kept_items("tablespace", oid))
        yield oid, name, authority.owner_of("tablespace", oid), shown, None


def _ranges(context: ExecutionContext) -> Rows:
    for name, kind in RANGE_TYPES.items():
        assert kind.element is not None
        multirange = RANGES[name.replace("range", "multirange")][0]
        subtype = type_oid(kind.element)
        yield RANGES[name][0], subtype, multirange, 0, class_of(kind.element, "btree"), 0, 0
    for item in context.catalog.objects():
        if not isinstance(item, UserType) or item.base is not None:
            continue
        bound = item.type.element
        if item.type.kind is TypeKind.RANGE and bound is not None:
            multirange = multirange_of(item.type).oid
            collation = collation_of(Column("", bound, 1))
            yield item.oid, type_oid(bound), multirange, collation, class_of(bound, "btree"), 0, 0


def _materialized_views(context: ExecutionContext) -> Rows:
    path = context.functions.session_fact("search_path")
    for table in context.catalog.tables():
        if table.materialized_query is not None:
            yield (
                context.catalog.namespace_name(table.namespace_oid), table.name, owner_name(context, "relation", table.oid), None, bool(table.indexes),
                table.is_populated, listed_definition(context.catalog, table, path),
            )  # fmt: skip


def _fixed(*rows: tuple[Any, ...]) -> Any:
    return lambda context: iter(rows)


TYPE_VIEWS: tuple[SystemView, ...] = (
    system_view(1247, "pg_type", PG_CATALOG_OID, _TYPE_COLUMNS, _types),
    system_view(
        3501, "pg_enum", PG_CATALOG_OID,
        [("oid", OID), ("enumtypid", OID), ("enumsortorder", REAL), ("enumlabel", NAME)], _enums,
    ),
    system_view(
        2224, "pg_sequence", PG_CATALOG_OID,
        [
            ("seqrelid", OID), ("seqtypid", OID), ("seqstart", BIGINT), ("seqincrement", BIGINT), ("seqmax", BIGINT),
            ("seqmin", BIGINT), ("seqcache", BIGINT), ("seqcycle", BOOLEAN),
        ],
        _sequences,
    ),
    catalog_of(
        1262,
        "pg_database",
        "oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate bool, datallowconn bool,"
        " dathasloginevt bool, datconnlimit int4, datfrozenxid xid, datminmxid xid, dattablespace oid, datcollate text, datctype text, datlocale text,"
        " daticurules text, datcollversion text, datacl acl",
        _databases,
    ),
    system_view(
        12106, "pg_matviews", PG_CATALOG_OID,
        [
            ("schemaname", NAME), ("matviewname", NAME), ("matviewowner", NAME), ("tablespace", NAME),
            ("hasindexes", BOOLEAN), ("ispopulated", BOOLEAN), ("definition", TEXT),
        ],
        _materialized_views,
    ),
    catalog_of(
        3456,
        "pg_collation",
        "oid oid, collname name, collnamespace oid, collowner oid, collprovider char, collisdeterministic bool,"
        " collencoding int4, collcollate text, collctype text, colllocale text, collicurules text, collversion text",
        _fixed(
            (100, "default", PG_CATALOG_OID, OWNER_OID, "d", True, -1, None, None, None, None, None),
            (950, "C", PG_CATALOG_OID, OWNER_OID, "c", True, -1, "C", "C", None, None, None),
            (951, "POSIX", PG_CATALOG_OID, OWNER_OID, "c", True, -1, "POSIX", "POSIX", None, None, None),
            (962, "ucs_basic", PG_CATALOG_OID, OWNER_OID, "b", True, 6, None, None, "C", None, "1"),
            (811, "pg_c_utf8", PG_CATALOG_OID, OWNER_OID, "b", True, 6, None, None, "C.UTF-8", None, "1"),
            (6411, "pg_unicode_fast", PG_CATALOG_OID, OWNER_OID, "b", True, 6, None, None, "PG_UNICODE_FAST", None, "1"),
        ),
    ),
    catalog_of(1213, "pg_tablespace", "oid oid, spcname name, spcowner oid, spcacl acl, spcoptions text[]", _tablespaces),
    catalog_of(
        3541,
        "pg_range",
        "rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid, rngcanonical regproc,"
        " rngsubdiff regproc",
        _ranges,
    ),
)  # fmt: skip
