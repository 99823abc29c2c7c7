"""What the standard's columns say of a type: its name, the type of PostgreSQL's that it is, its lengths and precisions.

A column of a domain is described by the type beneath, of an array by the word ARRAY. Precisions come from what was declared, so a
parameter or a result of a routine has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lungfish.catalog.objects import PG_CATALOG_OID, Column, Oid, Table, UserType, View
from lungfish.executor.system_views.information_schema.definition import NO_NAME, FullName, Names
from lungfish.executor.system_views.object_names import COLLATIONS
from lungfish.executor.system_views.pg_operator_classes import collation_of
from lungfish.types.sql_type import INTERVAL_FIELDS, SqlType, TypeKind
from lungfish.types.type_oids import BUILT_IN, PSEUDO_TYPES, type_modifier, type_of_oid

NAME_BYTES_MAX = 63
_DEFAULT_COLLATION = 100
_INTEGER_BITS = {TypeKind.SMALLINT: 16, TypeKind.INTEGER: 32, TypeKind.BIGINT: 64}
_FLOAT_BITS = {TypeKind.REAL: 24, TypeKind.DOUBLE: 53}
_CHARACTERS = (TypeKind.VARCHAR, TypeKind.CHAR)
_BITS = (TypeKind.BIT, TypeKind.VARBIT)
_MOMENTS = (TypeKind.TIME, TypeKind.TIMETZ, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ)
# What PostgreSQL gives for texts of any length, and the bytes of a character in UTF-8.
_OCTETS_UNLIMITED, _CHARACTER_OCTETS_MAX = 2**30, 4
_FRACTION_DIGITS = 6
_PSEUDO_NAMES = {oid: name for name, oid in PSEUDO_TYPES.items()}


@dataclass(frozen=True, slots=True)
class DescribedType:
    """The columns about a type."""

    data_type: str
    udt: FullName
    # Characters and bytes at most.
    lengths: tuple[int | None, int | None] = (None, None)
    # Precision, radix, scale.
    numbers: tuple[int | None, int | None, int | None] = NO_NAME
    # Digits of a second's fraction, fields of an interval, and a precision that is never given.
    times: tuple[int | None, str | None, None] = NO_NAME
    collation: tuple[str | None, str | None, str | None] = NO_NAME

    @property
    def facts(self) -> tuple[Any, ...]:
        """The columns of `definition.TYPE`."""
        return (
            self.data_type, *self.lengths, *NO_NAME, *self.collation, *self.numbers, *self.times,
        )  # fmt: skip


def describe_column(names: Names, column: Column) -> DescribedType:
    """What is said of a column's type."""
    return describe(names, true_type(names, column.type), column)


def describe(names: Names, kind: SqlType, column: Column) -> DescribedType:
    """The same of another type in the column's place; the collation is the column's."""
    lengths, numbers, times = _declared(kind)
    collation = collation_name(names, collation_of(column))
    return replace(
        describe_name(names, kind),
        lengths=lengths,
        numbers=numbers,
        times=times,
        collation=collation,
    )


def true_type(names: Names, kind: SqlType) -> SqlType:
    """The type under a domain: one layer of it, as PostgreSQL looks."""
    if kind.domain is None:
        return kind
    domain = names.catalog.object(Oid(kind.domain_oid))
    assert isinstance(domain, UserType), "a domain's oid is in its type"
    assert domain.base is not None, "a domain has a type beneath"
    return domain.base


def describe_name(names: Names, kind: SqlType) -> DescribedType:
    """The names of a type, without what was declared of it."""
    schema, name = type_name(names, kind)
    if is_array(kind):
        word = "ARRAY"
    elif schema == PG_CATALOG_OID:
        word = '"any"' if kind.name == "any" else str(kind.unmodified)
    else:
        word = "USER-DEFINED"
    return DescribedType(word, names.within(schema, name))


def kind_of_oid(oid: int) -> SqlType:
    """The built-in type with that oid; it may be a pseudo-type."""
    return type_of_oid(oid) or SqlType(TypeKind.POLYMORPHIC, name=_PSEUDO_NAMES[oid])


def is_array(kind: SqlType) -> bool:
    """Whether the type itself, not one beneath it, is of arrays."""
    return kind.kind is TypeKind.ARRAY and kind.domain is None


def is_built_in(names: Names, kind: SqlType) -> bool:
    """Whether nobody has made the type."""
    return type_name(names, kind)[0] == PG_CATALOG_OID


def type_name(names: Names, kind: SqlType) -> tuple[Oid, str]:
    """The schema and name of a type in pg_type."""
    oid = kind.domain_oid if kind.domain is not None else kind.oid
    if is_array(kind) and kind.name is None:
        assert kind.element is not None, "an array has elements"
        schema, name = type_name(names, kind.element)
        return schema, shortened(f"_{name}", "")
    item = names.catalog.object(Oid(oid)) if oid else None
    if isinstance(item, (UserType, Table, View)):
        return item.namespace_oid, item.name
    if kind.name is not None:
        return PG_CATALOG_OID, kind.name
    return PG_CATALOG_OID, BUILT_IN[kind.kind][2]


def shortened(name: str, tail: str) -> str:
    """The name with the tail behind it, cut to what a name may have of bytes."""
    room = NAME_BYTES_MAX - len(tail.encode())
    return name.encode()[:room].decode(errors="ignore") + tail


def collation_name(names: Names, oid: int) -> tuple[str | None, str | None, str | None]:
    """A collation's full name; of the default one none is given."""
    if oid in (0, _DEFAULT_COLLATION):
        return NO_NAME
    return names.within(PG_CATALOG_OID, COLLATIONS[oid])


def _declared(kind: SqlType) -> tuple[Any, Any, Any]:
    """Lengths, numbers and times."""
    if kind.domain is not None or kind.kind is TypeKind.ARRAY:
        return (None, None), NO_NAME, NO_NAME
    return _lengths(kind), _numbers(kind), _times(kind)


def _lengths(kind: SqlType) -> tuple[int | None, int | None]:
    declared = kind.modifiers[0] if kind.modifiers else None
    if kind.kind in _BITS:
        return declared, None
    if kind.kind is TypeKind.TEXT or (kind.kind in _CHARACTERS and declared is None):
        return None, _OCTETS_UNLIMITED
    if kind.kind in _CHARACTERS and declared is not None:
        return declared, declared * _CHARACTER_OCTETS_MAX
    return None, None


def _numbers(kind: SqlType) -> tuple[int | None, int | None, int | None]:
    if kind.kind in _INTEGER_BITS:
        return _INTEGER_BITS[kind.kind], 2, 0
    if kind.kind in _FLOAT_BITS:
        return _FLOAT_BITS[kind.kind], 2, None
    if kind.kind is not TypeKind.NUMERIC:
        return NO_NAME
    if not kind.modifiers:
        return None, 10, None
    # A negative scale is shown as the eleven bits that it is kept in.
    return kind.modifiers[0], 10, (type_modifier(kind) - 4) & 0xFFFF


def _times(kind: SqlType) -> tuple[int | None, str | None, None]:
    if kind.kind is TypeKind.DATE:
        return 0, None, None
    digits = kind.modifiers[0] if kind.modifiers else _FRACTION_DIGITS
    if kind.kind in _MOMENTS:
        return digits, None, None
    if kind.kind is not TypeKind.INTERVAL:
        return NO_NAME
    if len(kind.modifiers) < 2:
        return digits, None, None
    fields = INTERVAL_FIELDS[kind.modifiers[1]].upper()
    return digits, fields if digits == _FRACTION_DIGITS else f"{fields}({digits})", None
