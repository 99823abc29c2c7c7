"""pg_type and its kin, and the catalogs that say what kinds of things there are: access methods, collations, roles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import PG_CATALOG_OID, SystemView, UserType
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.executor.system_views.definition import system_view
from lungfish.executor.system_views.pg_relations import (
    DEFAULT_COLLATION_OID,
    OWNER_OID,
    SHORT_ARRAY,
    TEXT_ARRAY,
)
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    CHAR,
    INTEGER,
    NAME,
    OID,
    REAL,
    SMALLINT,
    TEXT,
    SqlType,
    TypeKind,
)
from lungfish.types.type_oids import BUILT_IN, type_modifier, type_oid

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]

_TYPE_COLUMNS = (
    ("oid", OID), ("typname", NAME), ("typnamespace", OID), ("typowner", OID), ("typlen", SMALLINT),
    ("typbyval", BOOLEAN), ("typtype", CHAR), ("typcategory", CHAR), ("typispreferred", BOOLEAN),
    ("typisdefined", BOOLEAN), ("typdelim", CHAR), ("typrelid", OID), ("typelem", OID), ("typarray", OID),
    ("typnotnull", BOOLEAN), ("typbasetype", OID), ("typtypmod", INTEGER), ("typndims", INTEGER), ("typcollation", OID),
    ("typdefault", TEXT),
)  # fmt: skip


def _built_in_types() -> Rows:
    for kind, (oid, array_oid, name, length, category, by_value) in BUILT_IN.items():
        collation = DEFAULT_COLLATION_OID if category == "S" else 0
        preferred = kind in (TypeKind.TEXT, TypeKind.DOUBLE, TypeKind.TIMESTAMPTZ, TypeKind.BOOLEAN)
        letter = "p" if category in "PX" else "b"
        yield (
            oid, name, PG_CATALOG_OID, OWNER_OID, length, by_value, letter, category, preferred, True, ",", 0, 0, array_oid,
            False, 0, -1, 0, collation, None,
        )  # fmt: skip
        if array_oid:
            yield (
                array_oid, f"_{name}", PG_CATALOG_OID, OWNER_OID, -1, False, "b", "A", False, True, ",", 0, oid, 0, False,
                0, -1, 0, collation, None,
            )  # fmt: skip


def _types(context: ExecutionContext) -> Rows:
    yield from _built_in_types()
    for item in context.catalog.objects():
        if not isinstance(item, UserType):
            continue
        base = item.base
        letter, category = _letters(item)
        yield (
            item.oid, item.name, item.namespace_oid, OWNER_OID, 4 if letter == "e" else -1, letter == "e", letter, category,
            False, True, ",", item.oid if letter == "c" else 0, 0, 0, item.is_not_null,
            0 if base is None else type_oid(base), -1 if base is None else type_modifier(base), 0, 0, item.default,
        )  # fmt: skip


def _letters(item: UserType) -> tuple[str, str]:
    """typtype and typcategory."""
    if item.base is not None:
        found = BUILT_IN.get(item.base.kind)
        return "d", "U" if found is None else found[4]
    match item.type.kind:
        case TypeKind.ENUM:
            return "e", "E"
        case TypeKind.RANGE:
            return "r", "R"
        case _:
            return "c", "C"


def _enums(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, UserType) and item.type.kind is TypeKind.ENUM:
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
    yield 1, name, OWNER_OID, 6, "c", False, True, -1, "C", "C"


def _roles(context: ExecutionContext) -> Rows:
    yield OWNER_OID, "lungfish", True, True, True, True, True, False, -1, True


def _materialized_views(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        if table.materialized_query is not None:
            yield (
                context.catalog.namespace_name(table.namespace_oid), table.name, "lungfish", None, bool(table.indexes),
                table.is_populated, f"{table.materialized_query};",
            )  # fmt: skip


def _fixed(*rows: tuple[Any, ...]) -> Any:
    return lambda context: iter(rows)


def _empty(oid: int, name: str, columns: Sequence[tuple[str, SqlType]]) -> SystemView:
    """A catalog of things that Lungfish has none of."""
    return system_view(oid, name, PG_CATALOG_OID, columns, _fixed())


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
    system_view(
        1262, "pg_database", PG_CATALOG_OID,
        [
            ("oid", OID), ("datname", NAME), ("datdba", OID), ("encoding", INTEGER), ("datlocprovider", CHAR),
            ("datistemplate", BOOLEAN), ("datallowconn", BOOLEAN), ("datconnlimit", INTEGER), ("datcollate", TEXT),
            ("datctype", TEXT),
        ],
        _databases,
    ),
    system_view(
        12105, "pg_roles", PG_CATALOG_OID,
        [
            ("oid", OID), ("rolname", NAME), ("rolsuper", BOOLEAN), ("rolinherit", BOOLEAN), ("rolcreaterole", BOOLEAN),
            ("rolcreatedb", BOOLEAN), ("rolcanlogin", BOOLEAN), ("rolreplication", BOOLEAN), ("rolconnlimit", INTEGER),
            ("rolbypassrls", BOOLEAN),
        ],
        _roles,
    ),
    system_view(
        12106, "pg_matviews", PG_CATALOG_OID,
        [
            ("schemaname", NAME), ("matviewname", NAME), ("matviewowner", NAME), ("tablespace", NAME),
            ("hasindexes", BOOLEAN), ("ispopulated", BOOLEAN), ("definition", TEXT),
        ],
        _materialized_views,
    ),
    system_view(
        2601, "pg_am", PG_CATALOG_OID, [("oid", OID), ("amname", NAME), ("amtype", CHAR)],
        _fixed((2, "heap", "t"), (403, "btree", "i"), (405, "hash", "i")),
    ),
    system_view(
        3456, "pg_collation", PG_CATALOG_OID,
        [
            ("oid", OID), ("collname", NAME), ("collnamespace", OID), ("collowner", OID), ("collprovider", CHAR),
            ("collisdeterministic", BOOLEAN), ("collencoding", INTEGER), ("collcollate", TEXT), ("collctype", TEXT),
        ],
        _fixed(
            (100, "default", PG_CATALOG_OID, OWNER_OID, "d", True, -1, None, None),
            (950, "C", PG_CATALOG_OID, OWNER_OID, "c", True, -1, "C", "C"),
            (951, "POSIX", PG_CATALOG_OID, OWNER_OID, "c", True, -1, "POSIX", "POSIX"),
        ),
    ),
    _empty(
        2620, "pg_trigger",
        [
            ("oid", OID), ("tgrelid", OID), ("tgparentid", OID), ("tgname", NAME), ("tgfoid", OID), ("tgtype", SMALLINT),
            ("tgenabled", CHAR), ("tgisinternal", BOOLEAN), ("tgconstraint", OID), ("tgdeferrable", BOOLEAN),
            ("tginitdeferred", BOOLEAN),
        ],
    ),
    _empty(2618, "pg_rewrite", [("oid", OID), ("rulename", NAME), ("ev_class", OID), ("ev_type", CHAR), ("ev_enabled", CHAR)]),
    _empty(
        3256, "pg_policy",
        [
            ("oid", OID), ("polname", NAME), ("polrelid", OID), ("polcmd", CHAR), ("polpermissive", BOOLEAN),
            ("polroles", TEXT_ARRAY), ("polqual", TEXT), ("polwithcheck", TEXT),
        ],
    ),
    _empty(
        3381, "pg_statistic_ext",
        [
            ("oid", OID), ("stxrelid", OID), ("stxname", NAME), ("stxnamespace", OID), ("stxowner", OID),
            ("stxkeys", SHORT_ARRAY), ("stxstattarget", SMALLINT), ("stxkind", TEXT_ARRAY),
        ],
    ),
    _empty(6104, "pg_publication", [("oid", OID), ("pubname", NAME), ("pubowner", OID), ("puballtables", BOOLEAN)]),
    _empty(6106, "pg_publication_rel", [("oid", OID), ("prpubid", OID), ("prrelid", OID), ("prqual", TEXT), ("prattrs", SHORT_ARRAY)]),
    _empty(6237, "pg_publication_namespace", [("oid", OID), ("pnpubid", OID), ("pnnspid", OID)]),
    _empty(3118, "pg_foreign_table", [("ftrelid", OID), ("ftserver", OID), ("ftoptions", TEXT_ARRAY)]),
    _empty(1417, "pg_foreign_server", [("oid", OID), ("srvname", NAME), ("srvowner", OID), ("srvfdw", OID)]),
    _empty(3079, "pg_extension", [("oid", OID), ("extname", NAME), ("extowner", OID), ("extnamespace", OID), ("extversion", TEXT)]),
    _empty(1213, "pg_tablespace", [("oid", OID), ("spcname", NAME), ("spcowner", OID)]),
    _empty(2616, "pg_opclass", [("oid", OID), ("opcmethod", OID), ("opcname", NAME), ("opcnamespace", OID), ("opcintype", OID), ("opcdefault", BOOLEAN)]),
    _empty(3541, "pg_range", [("rngtypid", OID), ("rngsubtype", OID), ("rngmultitypid", OID), ("rngcollation", OID)]),
)  # fmt: skip
