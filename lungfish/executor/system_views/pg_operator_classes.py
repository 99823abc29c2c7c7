"""pg_am, pg_opclass, pg_opfamily, pg_amop and pg_amproc: which types an index can order, and by which operators.

A B+Tree takes every type that storage has a key for. An operator class is that fact under PostgreSQL's name for it; the operators of
a family are those comparisons of the registry whose two sides both belong to it. An index USING hash is a B+Tree too, and serves =.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import PG_CATALOG_OID, Column, Index, IndexColumn, SystemView, Table
from lungfish.catalog.partition_parts import PartitionKeyColumn
from lungfish.errors import UndefinedObject
from lungfish.executor.system_views.definition import catalog_of
from lungfish.executor.system_views.routines import FIRST_ROUTINE_OID, operators
from lungfish.storage.key_values import value_encoder
from lungfish.types.collations import COLLATION_OIDS, collation_of_type
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.type_oids import BUILT_IN, PSEUDO_TYPES, type_oid

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_OWNER_OID = 10
BTREE, HASH = 403, 405
# The types that are compared with each other, by the name of their family.
_SHARED = {
    "int2": "integer_ops", "int4": "integer_ops", "int8": "integer_ops", "float4": "float_ops", "float8": "float_ops",
    "date": "datetime_ops", "timestamp": "datetime_ops", "timestamptz": "datetime_ops", "name": "text_ops",
    "anyarray": "array_ops", "anyenum": "enum_ops", "anyrange": "range_ops", "anymultirange": "multirange_ops",
    "record": "record_ops",
}  # fmt: skip
_CONTAINERS = {
    TypeKind.ARRAY: "anyarray", TypeKind.ENUM: "anyenum", TypeKind.RANGE: "anyrange",
    TypeKind.MULTIRANGE: "anymultirange", TypeKind.RECORD: "record",
}  # fmt: skip
# Classes that an index takes only where they are named: for each its family and the type that it takes.
_NAMED = {
    "text_pattern_ops": ("text_pattern_ops", TypeKind.TEXT),
    "varchar_pattern_ops": ("text_pattern_ops", TypeKind.TEXT),
    "bpchar_pattern_ops": ("bpchar_pattern_ops", TypeKind.CHAR),
    "varchar_ops": ("text_ops", TypeKind.TEXT),
    "record_image_ops": ("record_image_ops", TypeKind.RECORD),
}
_STRATEGIES = {"<": 1, "<=": 2, "=": 3, ">=": 4, ">": 5}


@dataclass(frozen=True, slots=True)
class OperatorClass:
    """An operator class of `method` for the type with that oid."""

    oid: int
    method: int
    name: str
    family: str
    family_oid: int
    type_oid: int
    is_default: bool = True


def _ordered_types() -> Iterator[tuple[str, int]]:
    """The names and oids of what can be a key."""
    for kind, facts in BUILT_IN.items():
        if kind in (TypeKind.UNKNOWN, TypeKind.VARCHAR, TypeKind.RECORD, TypeKind.VOID):
            # A varchar's class is that of text.
            continue
        try:
            value_encoder(SqlType(kind))
        except UndefinedObject:
            continue
        yield facts[2], facts[0]
    for name in _CONTAINERS.values():
        yield name, PSEUDO_TYPES[name]


@cache
def operator_classes() -> tuple[OperatorClass, ...]:
    """All operator classes, of both methods."""
    families: dict[tuple[int, str], int] = {}
    found: list[OperatorClass] = []
    for method in (BTREE, HASH):
        for name, oid in _ordered_types():
            family = _SHARED.get(name, f"{name}_ops")
            number = families.setdefault((method, family), FIRST_ROUTINE_OID + len(families))
            shown = _SHARED[name] if name in _CONTAINERS.values() else f"{name}_ops"
            place = FIRST_ROUTINE_OID + len(found)
            found.append(OperatorClass(place, method, shown, family, number, oid))
    for method in (BTREE, HASH):
        for name, (family, kind) in _NAMED.items():
            if method == HASH and kind is TypeKind.RECORD:
                continue
            number = families.setdefault((method, family), FIRST_ROUTINE_OID + len(families))
            oid = BUILT_IN[kind][0]
            place = FIRST_ROUTINE_OID + len(found)
            found.append(OperatorClass(place, method, name, family, number, oid, is_default=False))
    return tuple(found)


@cache
def _class_oids() -> dict[tuple[int, int], int]:
    return {
        (each.method, each.type_oid): each.oid for each in operator_classes() if each.is_default
    }


@cache
def _oids_by_name() -> dict[tuple[int, str], int]:
    return {(each.method, each.name): each.oid for each in operator_classes()}


def class_of_key(key: IndexColumn | PartitionKeyColumn, method: str) -> int:
    """The operator class of a key: the one that was named, or that of its type; 0 where there is none."""
    if key.operator_class is not None:
        return _oids_by_name().get((HASH if method == "hash" else BTREE, key.operator_class), 0)
    return 0 if key.type is None else class_of(key.type, method)


def key_type_oid(kind: SqlType) -> int:
    """The type that the comparisons of a key of that type are declared for."""
    kind = kind.base
    if kind.kind in _CONTAINERS:
        return PSEUDO_TYPES[_CONTAINERS[kind.kind]]
    if kind.kind is TypeKind.REGISTERED:
        return BUILT_IN[TypeKind.OID][0]
    return type_oid(SqlType(TypeKind.TEXT if kind.kind is TypeKind.VARCHAR else kind.kind))


def class_of(kind: SqlType, method: str) -> int:
    """The operator class of an index's key of that type; 0 where there is none."""
    return _class_oids().get((HASH if method == "hash" else BTREE, key_type_oid(kind)), 0)


def collation_of(column: Column) -> int:
    """attcollation: the collation of a column's texts, 0 of other types."""
    own = collation_of_type(column.type)
    return 0 if own is None else COLLATION_OIDS.get(column.collation or own, 0)


def key_collations(table: Table, index: Index) -> list[int]:
    """indcollation: one for each key."""
    found = []
    for key in index.columns:
        if key.column_number:
            column = table.columns[table.position_of_number(key.column_number)]
            found.append(collation_of(replace(column, collation=key.collation or column.collation)))
        else:
            assert key.type is not None, "an index in the catalog knows the types of its keys"
            found.append(collation_of(Column("expr", key.type, 1, collation=key.collation)))
    return found


def _methods(context: ExecutionContext) -> Rows:
    yield 2, "heap", 0, "t"
    yield BTREE, "btree", 0, "i"
    yield HASH, "hash", 0, "i"
    yield 783, "gist", 0, "i"
    yield 4000, "spgist", 0, "i"


def _classes(context: ExecutionContext) -> Rows:
    for each in operator_classes():
        yield (
            each.oid, each.method, each.name, PG_CATALOG_OID, _OWNER_OID, each.family_oid, each.type_oid,
            each.is_default, 0,
        )  # fmt: skip


def _families(context: ExecutionContext) -> Rows:
    seen = {(each.family_oid, each.method, each.family): None for each in operator_classes()}
    for oid, method, name in seen:
        yield oid, method, name, PG_CATALOG_OID, _OWNER_OID


def _family_operators(context: ExecutionContext) -> Rows:
    families = {
        (each.method, each.type_oid): each.family_oid
        for each in operator_classes()
        if each.is_default
    }
    number = FIRST_ROUTINE_OID
    for method in (BTREE, HASH):
        for item in operators():
            strategy = _STRATEGIES.get(item.symbol)
            family = families.get((method, item.left))
            if strategy is None or family is None or families.get((method, item.right)) != family:
                continue
            if method == HASH:
                if strategy != _STRATEGIES["="]:
                    continue
                strategy = 1
            yield number, family, item.left, item.right, strategy, "s", item.oid, method, 0
            number += 1


OPERATOR_CLASS_VIEWS: tuple[SystemView, ...] = (
    catalog_of(2601, "pg_am", "oid oid, amname name, amhandler regproc, amtype char", _methods),
    catalog_of(
        2616,
        "pg_opclass",
        "oid oid, opcmethod oid, opcname name, opcnamespace oid, opcowner oid, opcfamily oid, opcintype oid,"
        " opcdefault bool, opckeytype oid",
        _classes,
    ),
    catalog_of(
        2753,
        "pg_opfamily",
        "oid oid, opfmethod oid, opfname name, opfnamespace oid, opfowner oid",
        _families,
    ),
    catalog_of(
        2602,
        "pg_amop",
        "oid oid, amopfamily oid, amoplefttype oid, amoprighttype oid, amopstrategy int2, amoppurpose char,"
        " amopopr oid, amopmethod oid, amopsortfamily oid",
        _family_operators,
    ),
    # Keys are compared as bytes: no function stands behind an operator class.
    catalog_of(
        2603,
        "pg_amproc",
        "oid oid, amprocfamily oid, amproclefttype oid, amprocrighttype oid, amprocnum int2, amproc regproc",
    ),
)
