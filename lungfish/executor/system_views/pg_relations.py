"""pg_class and what hangs on it: attributes, defaults, constraints, indexes, comments, dependencies.

Columns have PostgreSQL's names, order and meaning. Nothing is frozen, since transaction ids do not come round: relfrozenxid and
relminmxid are 0 of all relations. A column that is added is written into every row: attmissingval is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lungfish.catalog.catalog import Catalog, is_temporary
from lungfish.catalog.chosen_names import domain_not_null_name
from lungfish.catalog.inheritance import column_inherit_count, constraint_inherit_count
from lungfish.catalog.new_rights import kind_of_rights
from lungfish.catalog.objects import (
    PG_CATALOG_OID,
    CatalogObject,
    Column,
    Constraint,
    Index,
    Namespace,
    Rule,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.executor.partition_texts import partition_bound_text
from lungfish.executor.system_views.access_texts import access_text
from lungfish.executor.system_views.asked import is_composite
from lungfish.executor.system_views.constraint_operators import (
    exclusion_operators,
    reference_operators,
)
from lungfish.executor.system_views.definition import columns_of, system_view
from lungfish.executor.system_views.pg_operator_classes import (
    class_of_key,
    collation_of,
    key_collations,
)
from lungfish.executor.system_views.texts import (
    default_text,
    predicate_text,
)
from lungfish.planner.bind_stored import parse_expression
from lungfish.planner.output_names import UNNAMED, output_name
from lungfish.sql.rename import without_schema
from lungfish.types.array_value import ArrayValue
from lungfish.types.sql_type import (
    INTEGER,
    OID,
    SMALLINT,
    TEXT,
    array_of,
)
from lungfish.types.type_oids import default_storage, type_layout, type_modifier, type_oid

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
OWNER_OID = 10
HEAP_OID = 2
METHOD_OIDS = {"btree": 403, "hash": 405, "gist": 783, "spgist": 4000}
DEFAULT_COLLATION_OID = 100
# Catalogs that dependencies and comments speak of.
CLASS_CATALOG, TYPE_CATALOG, CONSTRAINT_CATALOG = 1259, 1247, 2606
NAMESPACE_CATALOG, ATTRDEF_CATALOG, PROC_CATALOG, REWRITE_CATALOG = 2615, 2604, 1255, 2618
STATISTICS_CATALOG, OPERATOR_CATALOG, CAST_CATALOG = 3381, 2617, 2605
# A domain's checks are no objects of their own here: their oids are made of the domain's.
CHECKS_PER_DOMAIN = 1000
SHORT_ARRAY = array_of(SMALLINT)
OID_ARRAY = array_of(OID)
TEXT_ARRAY = array_of(TEXT)

_PERSISTENCE = {"permanent": "p", "temporary": "t", "unlogged": "u"}
_ACTIONS = {"no action": "a", "restrict": "r", "cascade": "c", "set null": "n", "set default": "d"}
_KINDS = {
    "primary key": "p",
    "unique": "u",
    "check": "c",
    "foreign key": "f",
    "exclude": "x",
    "not null": "n",
}
_IDENTITIES = {"default": "d", "full": "f", "nothing": "n", "index": "i"}
_MATCHES = {"simple": "s", "full": "f"}


def array(items: Sequence[Any], *, lower: int = 1) -> ArrayValue:
    """A one-dimensional array."""
    if not items:
        return ArrayValue((), (), ())
    return ArrayValue(tuple(items), (len(items),), (lower,))


def _parameters(items: tuple[str, ...]) -> ArrayValue | None:
    """reloptions, attoptions: null where there are none."""
    return array(items) if items else None


def _class_row(
    oid: int, name: str, namespace: int, kind: str, column_count: int, **facts: Any
) -> tuple[Any, ...]:
    persistence = facts.get("persistence", "p")
    access = facts.get("access", HEAP_OID if kind in ("r", "m") else 0)
    return (
        oid, name, namespace, facts.get("type_oid", 0), facts.get("of_type", 0), facts.get("owner", OWNER_OID), access, facts.get("relation_id", 0), 0,
        facts.get("page_count", 0), facts.get("row_count", -1.0), 0, 0, 0, facts.get("has_index", False), False, persistence, kind, column_count,
        facts.get("check_count", 0), kind in "vm" or facts.get("has_rules", False), facts.get("has_triggers", False), facts.get("has_children", False), False, False, facts.get("is_populated", True),
        facts.get("identity", "n"), facts.get("is_partition", False), 0, 0, 0, facts.get("acl"), facts.get("parameters"),
        facts.get("bound"),
    )  # fmt: skip


_CLASS_COLUMNS = columns_of(
    "oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam oid, relfilenode oid,"
    " reltablespace oid, relpages int4, reltuples float4, relallvisible int4, relallfrozen int4, reltoastrelid oid,"
    " relhasindex bool, relisshared bool, relpersistence char, relkind char, relnatts int2, relchecks int2,"
    " relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool, relforcerowsecurity bool,"
    " relispopulated bool, relreplident char, relispartition bool, relrewrite oid, relfrozenxid xid, relminmxid xid,"
    " relacl acl, reloptions text[], relpartbound tree"
)


def _classes(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        match item:
            case Table():
                yield from _table_rows(item, context)
            case View():
                persistence = "t" if item.is_temporary else "p"
                yield _class_row(
                    item.oid, item.name, item.namespace_oid, "v", len(item.columns), persistence=persistence,
                    parameters=array(item.parameters) if item.parameters else None, type_oid=item.oid,
                    **_rights(context, item),
                )  # fmt: skip
            case UserType() if is_composite(item):
                yield _class_row(
                    item.oid, item.name, item.namespace_oid, "c", len(item.type.labels),
                    type_oid=item.oid, owner=context.catalog.authority.owner_of("type", item.oid),
                )  # fmt: skip
            case SystemView():
                yield _class_row(
                    item.oid,
                    item.name,
                    item.namespace_oid,
                    "v",
                    len(item.columns),
                    type_oid=item.oid,
                    **_rights(context, item),
                )
            case SequenceObject():
                yield _class_row(
                    item.oid, item.name, item.namespace_oid, "S", 3, relation_id=item.oid,
                    page_count=1, row_count=1.0, persistence="t" if is_temporary(item) else "p",
                    **_rights(context, item),
                )  # fmt: skip


def _rights(context: ExecutionContext, item: CatalogObject) -> dict[str, Any]:
    """The owner and the access list of a relation."""
    authority, kind = context.catalog.authority, kind_of_rights(item)
    shown = access_text(authority, authority.kept_items(kind, item.oid))
    return {"owner": authority.owner_of(kind, item.oid), "acl": shown}


def has_references(table: Table, catalog: Catalog) -> bool:
    """Whether a foreign key goes from or to the table, for which PostgreSQL has triggers."""
    return bool(catalog.referencing_tables(table.oid)) or any(
        item.kind == "foreign key" for item in table.constraints
    )


def _table_rows(table: Table, context: ExecutionContext) -> Rows:
    catalog = context.catalog
    seen = context.functions.session_fact("statistics").last_seen(table)
    row_count = -1.0 if seen is None else float(seen.row_count)
    persistence = _PERSISTENCE[table.persistence]
    kind = "r" if table.materialized_query is None else "m"
    is_partitioned = table.partition_key is not None
    bound = None
    if table.partition_bound is not None:
        bound = partition_bound_text(table, catalog)
    yield _class_row(
        table.oid, table.name, table.namespace_oid, "p" if is_partitioned else kind, len(table.columns),
        persistence=persistence, has_index=bool(table.indexes), relation_id=0 if is_partitioned else table.relation_id,
        check_count=sum(item.kind == "check" for item in table.constraints), is_populated=table.is_populated,
        has_children=catalog.has_children(table.oid), is_partition=bound is not None, bound=bound,
        identity=_IDENTITIES[table.replica_identity], has_rules=bool(catalog.rules_of(table.oid)), parameters=_parameters(table.parameters),
        page_count=0 if seen is None else seen.page_count, row_count=row_count, type_oid=table.oid,
        has_triggers=has_references(table, catalog), of_type=table.of_type_oid or 0, **_rights(context, table),
    )  # fmt: skip
    for index in table.indexes:
        yield _class_row(
            index.oid, index.name, index.namespace_oid, "I" if is_partitioned else "i",
            len(index.columns) + len(index.include), persistence=persistence, access=METHOD_OIDS[index.method],
            relation_id=0 if is_partitioned else index.relation_id, is_partition=index.parent_oid is not None,
            parameters=_parameters(index.parameters), row_count=max(row_count, 0.0),
            page_count=1 if seen is None else seen.index_page_counts.get(index.relation_id, 1),
            owner=catalog.authority.owner_of("relation", table.oid),
        )  # fmt: skip


_ATTRIBUTE_COLUMNS = columns_of(
    "attrelid oid, attname name, atttypid oid, attlen int2, attnum int2, atttypmod int4, attndims int2, attbyval bool,"
    " attalign char, attstorage char, attcompression char, attnotnull bool, atthasdef bool, atthasmissing bool,"
    " attidentity char, attgenerated char, attisdropped bool, attislocal bool, attinhcount int2, attcollation oid,"
    " attstattarget int2, attacl acl, attoptions text[], attfdwoptions text[], attmissingval anyarray"
)


def _attribute(
    relation_oid: int,
    column: Column,
    number: int,
    *,
    inherit_count: int = 0,
    acl: ArrayValue | None = None,
) -> tuple[Any, ...]:
    kind = column.type
    length, by_value, alignment = type_layout(kind)
    return (
        relation_oid, column.name, type_oid(kind), length, number, type_modifier(kind), 1 if kind.element else 0, by_value,
        alignment, column.storage or default_storage(kind), column.compression or "", column.is_not_null,
        has_default(column), False, {"always": "a", "by default": "d", None: ""}[column.identity],
        _generation(column), False, column.is_local, inherit_count, collation_of(column),
        column.statistics_target, acl, _parameters(column.parameters), None, None,
    )  # fmt: skip


def _generation(column: Column) -> str:
    if column.generated is None:
        return ""
    return "v" if column.is_virtual else "s"


def has_default(column: Column) -> bool:
    """Whether pg_attrdef has a row for the column."""
    return column.generated is not None or (column.default is not None and column.identity is None)


def _attributes(context: ExecutionContext) -> Rows:
    authority = context.catalog.authority
    for item in context.catalog.objects():
        if isinstance(item, (Table, View, SystemView)):
            rights = authority.rights_of("relation", item.oid)
            for column in item.columns:
                count = 0
                items = None if rights is None else rights.items_of_column(column.number)
                if isinstance(item, Table) and item.parents:
                    count = column_inherit_count(item, column.name, context.catalog)
                acl = access_text(authority, items)
                yield _attribute(item.oid, column, column.number, inherit_count=count, acl=acl)
        if isinstance(item, Table):
            for index in item.indexes:
                yield from _index_attributes(item, index)
        if isinstance(item, UserType) and is_composite(item):
            pairs = zip(item.type.labels, item.type.fields, strict=True)
            for number, (name, kind) in enumerate(pairs, 1):
                yield _attribute(item.oid, Column(name, kind, number), number)


def _index_attributes(table: Table, index: Index) -> Rows:
    numbers = [*(key.column_number for key in index.columns), *index.include]
    names: list[str] = []
    for position, number in enumerate(numbers, 1):
        if number:
            column = table.columns[table.position_of_number(number)]
            plain = Column(column.name, column.type, position, collation=column.collation)
            names.append(column.name)
        else:
            key = index.columns[position - 1]
            assert key.type is not None, "an index in the catalog knows the types of its keys"
            name = _key_name(key.expression or "", names)
            names.append(name)
            plain = Column(name, key.type, position, statistics_target=key.statistics_target)
        if position <= len(index.columns) and index.columns[position - 1].collation is not None:
            plain = replace(plain, collation=index.columns[position - 1].collation)
        yield _attribute(index.oid, plain, position)


def _key_name(text: str, taken: list[str]) -> str:
    """What PostgreSQL calls an index's expression: as a column of a select list, with a number where that is taken."""
    name = output_name(parse_expression(text))
    name = "expr" if name == UNNAMED else name
    number = 0
    while (shown := f"{name}{number or ''}") in taken:
        number += 1
    return shown


def default_oid(table: Table, column: Column) -> int:
    """The oid of a column's default, which is no object of its own here."""
    return table.oid * 1000 + column.number


def _shown(text: str | None) -> str | None:
    return None if text is None else without_schema(text, "public")


def _defaults(context: ExecutionContext) -> Rows:
    path = context.functions.session_fact("search_path")
    for item in context.catalog.objects():
        if not isinstance(item, (Table, View)):
            continue
        table = item.as_table if isinstance(item, View) else item
        for column in table.columns:
            if has_default(column):
                text = default_text(context.catalog, table, column, path)
                yield default_oid(table, column), table.oid, column.number, text


_CONSTRAINT_COLUMNS = columns_of(
    "oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred bool, conenforced bool,"
    " convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid, confupdtype char,"
    " confdeltype char, confmatchtype char, conislocal bool, coninhcount int2, connoinherit bool, conperiod bool,"
    " conkey int2[], confkey int2[], conpfeqop oid[], conppeqop oid[], conffeqop oid[], confdelsetcols int2[],"
    " conexclop oid[], conbin tree"
)


def _constraint(table: Table, item: Constraint, catalog: Catalog) -> tuple[Any, ...]:
    is_reference = item.kind == "foreign key"
    is_whole = is_reference and table.partition_key is not None
    no_inherit = item.parent_oid is None and not is_whole
    if item.kind in ("check", "not null"):
        no_inherit = item.is_no_inherit
    compared = reference_operators(catalog, table, item) if is_reference else ()
    excluded = exclusion_operators(table, item) if item.operators else ()
    return (
        item.oid, item.name, table.namespace_oid, _KINDS[item.kind], item.is_deferrable, item.is_initially_deferred,
        item.is_enforced, item.is_validated, table.oid, 0, item.referenced_index_oid or item.index_oid or 0, item.parent_oid or 0,
        item.referenced_table_oid or 0, _ACTIONS[item.on_update] if is_reference else " ",
        _ACTIONS[item.on_delete] if is_reference else " ", _MATCHES[item.match] if is_reference else " ", item.is_local,
        constraint_inherit_count(table, item, catalog), no_inherit, item.is_period or item.has_period, array(item.columns) if item.columns or item.kind != "check" else None, array(item.referenced_columns) if is_reference else None,
        *(map(array, compared) if compared else (None, None, None)), array(item.delete_columns) if item.delete_columns else None,
        array(excluded) if excluded else None, _shown(item.check),
    )  # fmt: skip


def _domain_constraint(
    domain: UserType, number: int, name: str, text: str | None
) -> tuple[Any, ...]:
    """A check, or without a text NOT NULL, which has the number 0."""
    kind = "n" if text is None else "c"
    return (
        domain.oid * CHECKS_PER_DOMAIN + number, name, domain.namespace_oid, kind, False, False, True, True, 0, domain.oid, 0, 0,
        0, " ", " ", " ", True, 0, False, False, *([None] * 7), text,
    )  # fmt: skip


def _constraints(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        for item in table.constraints:
            yield _constraint(table, item, context.catalog)
    for domain in context.catalog.objects():
        if isinstance(domain, UserType):
            if domain.is_not_null:
                yield _domain_constraint(domain, 0, domain_not_null_name(domain), None)
            for number, (name, text) in enumerate(domain.checks, 1):
                yield _domain_constraint(domain, number, name, text)


_INDEX_COLUMNS = columns_of(
    "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, indnullsnotdistinct bool,"
    " indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool, indisvalid bool,"
    " indcheckxmin bool, indisready bool, indislive bool, indisreplident bool, indkey int2vector,"
    " indcollation oidvector, indclass oidvector, indoption int2vector, indexprs tree, indpred tree"
)


def _indexes(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        for index in table.indexes:
            keys = [key.column_number for key in index.columns]
            options = [key.is_descending + 2 * key.nulls_first for key in index.columns]
            expressions = ", ".join(key.expression for key in index.columns if key.expression)
            yield (
                index.oid, table.oid, len(keys) + len(index.include), len(keys), index.is_unique or index.is_period, index.nulls_not_distinct,
                index.is_primary, index.is_exclusion, not index.is_deferrable, index.is_clustered, index.is_valid, False, True, True,
                index.is_replica_identity,
                array([*keys, *index.include], lower=0), array(key_collations(table, index), lower=0),
                array([class_of_key(key, index.method) for key in index.columns], lower=0),
                array(options, lower=0), _shown(expressions or None), predicate_text(context.catalog, table, index),
            )  # fmt: skip


def _descriptions(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, SystemView):
            continue
        match item:
            case Namespace():
                catalog = NAMESPACE_CATALOG
            case UserType():
                catalog = TYPE_CATALOG
            case SqlFunction():
                catalog = PROC_CATALOG
            case Rule():
                catalog = REWRITE_CATALOG
            case UserOperator():
                catalog = OPERATOR_CATALOG
            case UserCast():
                catalog = CAST_CATALOG
            case _:
                catalog = CLASS_CATALOG
        if item.comment is not None:
            yield item.oid, catalog, 0, item.comment
        if isinstance(item, UserType):
            names = [domain_not_null_name(item), *(name for name, _ in item.checks)]
            comments = dict(item.check_comments)
            for number, name in enumerate(names):
                if name in comments:
                    oid = item.oid * CHECKS_PER_DOMAIN + number
                    yield oid, CONSTRAINT_CATALOG, 0, comments[name]
        if isinstance(item, (Table, View)):
            for column in item.columns:
                if column.comment is not None:
                    yield item.oid, CLASS_CATALOG, column.number, column.comment
        if isinstance(item, Table):
            for index in item.indexes:
                if index.comment is not None:
                    yield index.oid, CLASS_CATALOG, 0, index.comment
            for declared in item.statistics:
                if declared.comment is not None:
                    yield declared.oid, STATISTICS_CATALOG, 0, declared.comment
            for constraint in item.constraints:
                if constraint.comment is not None:
                    yield constraint.oid, CONSTRAINT_CATALOG, 0, constraint.comment


RELATION_VIEWS: tuple[SystemView, ...] = (
    system_view(1259, "pg_class", PG_CATALOG_OID, _CLASS_COLUMNS, _classes),
    system_view(1249, "pg_attribute", PG_CATALOG_OID, _ATTRIBUTE_COLUMNS, _attributes),
    system_view(
        2604, "pg_attrdef", PG_CATALOG_OID,
        [("oid", OID), ("adrelid", OID), ("adnum", SMALLINT), ("adbin", TEXT)], _defaults,
    ),
    system_view(2606, "pg_constraint", PG_CATALOG_OID, _CONSTRAINT_COLUMNS, _constraints),
    system_view(2610, "pg_index", PG_CATALOG_OID, _INDEX_COLUMNS, _indexes),
    system_view(
        2609, "pg_description", PG_CATALOG_OID,
        [("objoid", OID), ("classoid", OID), ("objsubid", INTEGER), ("description", TEXT)], _descriptions,
    ),
)  # fmt: skip
