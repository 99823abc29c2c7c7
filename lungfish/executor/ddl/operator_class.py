"""The operator class that an index's or a partition's key names: whether there is one, and whether it takes the key's type."""

from __future__ import annotations

from lungfish.errors import DatatypeMismatch, UndefinedObject
from lungfish.executor.system_views.pg_operator_classes import (
    BTREE,
    HASH,
    class_of,
    operator_classes,
)
from lungfish.types.sql_type import CHAR, OID, TEXT, SqlType, TypeKind

_METHODS = {"btree": BTREE, "hash": HASH}
# Classes for LIKE, and that of varchar, which is text's: the types whose own class says whether they fit.
_ALIASES = {
    "text_pattern_ops": TEXT,
    "varchar_pattern_ops": TEXT,
    "varchar_ops": TEXT,
    "bpchar_pattern_ops": CHAR,
    "record_image_ops": SqlType(TypeKind.RECORD),
}
_SAME_BYTES = {TypeKind.TEXT: (CHAR,), TypeKind.VARCHAR: (CHAR,), TypeKind.INTEGER: (OID,)}
# Of types that Lungfish has not, and of other methods.
_FOREIGN = frozenset(
    {
        "inet_ops", "cidr_ops", "macaddr_ops", "macaddr8_ops", "money_ops", "tsvector_ops", "tsquery_ops", "tid_ops", "xid8_ops",
        "oidvector_ops", "quad_point_ops", "kd_point_ops", "range_ops", "multirange_ops",
    }
)  # fmt: skip


def chosen_operator_class(
    name: str | None, kind: SqlType, method: str, position: int
) -> str | None:
    """The name of a key's operator class; None for the one that its type has anyway.

    Raises UndefinedObject if the method has no class of that name, DatatypeMismatch if it is not for the type.
    """
    if name is None:
        return None
    code = _METHODS.get(method)
    if name in _ALIASES:
        found = {class_of(_ALIASES[name], method)}
    else:
        found = {
            each.oid
            for each in operator_classes()
            if each.name == name and code in (None, each.method)
        }
    if not found and name not in _FOREIGN:
        raise UndefinedObject(
            f'operator class "{name}" does not exist for access method "{method}"',
            position=position,
        )
    if code is None:
        # What the other methods take is looked at with their keys.
        return None
    # Values of some types are taken for those of others as they are.
    own = {class_of(each, method) for each in (kind, *_SAME_BYTES.get(kind.base.kind, ()))}
    if found.isdisjoint(own):
        raise DatatypeMismatch(
            f'operator class "{name}" does not accept data type {kind.unmodified}',
            position=position,
        )
    usual = class_of(kind, method)
    is_usual = any(each.oid == usual and each.name == name for each in operator_classes())
    return None if is_usual else name
