"""PostgreSQL's oids of built-in types, and of their arrays: what pg_type, pg_attribute and format_type speak of."""

from __future__ import annotations

from dataclasses import replace

from lungfish.types.ranges import MULTIRANGE_TYPES, RANGE_TYPES
from lungfish.types.sql_type import (
    FRACTION_DIGITS_MAX,
    INT2VECTOR,
    INTERVAL_FIELDS,
    OIDVECTOR,
    SqlType,
    TypeKind,
    array_of,
)

K = TypeKind

# kind -> (oid, oid of the array, pg_type's name, length, category, passed by value)
BUILT_IN: dict[TypeKind, tuple[int, int, str, int, str, bool]] = {
    K.BOOLEAN: (16, 1000, "bool", 1, "B", True),
    K.BYTEA: (17, 1001, "bytea", -1, "U", False),
    K.INTERNAL_CHAR: (18, 1002, "char", 1, "Z", True),
    K.NAME: (19, 1003, "name", 64, "S", False),
    K.BIGINT: (20, 1016, "int8", 8, "N", True),
    K.SMALLINT: (21, 1005, "int2", 2, "N", True),
    K.INTEGER: (23, 1007, "int4", 4, "N", True),
    K.TEXT: (25, 1009, "text", -1, "S", False),
    K.OID: (26, 1028, "oid", 4, "N", True),
    K.JSON: (114, 199, "json", -1, "U", False),
    K.REAL: (700, 1021, "float4", 4, "N", True),
    K.DOUBLE: (701, 1022, "float8", 8, "N", True),
    K.UNKNOWN: (705, 0, "unknown", -2, "X", False),
    K.CHAR: (1042, 1014, "bpchar", -1, "S", False),
    K.VARCHAR: (1043, 1015, "varchar", -1, "S", False),
    K.DATE: (1082, 1182, "date", 4, "D", True),
    K.TIME: (1083, 1183, "time", 8, "D", True),
    K.TIMESTAMP: (1114, 1115, "timestamp", 8, "D", True),
    K.TIMESTAMPTZ: (1184, 1185, "timestamptz", 8, "D", True),
    K.INTERVAL: (1186, 1187, "interval", 16, "T", False),
    K.TIMETZ: (1266, 1270, "timetz", 12, "D", False),
    K.BIT: (1560, 1561, "bit", -1, "V", False),
    K.VARBIT: (1562, 1563, "varbit", -1, "V", False),
    K.NUMERIC: (1700, 1231, "numeric", -1, "N", False),
    K.RECORD: (2249, 2287, "record", -1, "P", False),
    K.VOID: (2278, 0, "void", 4, "P", True),
    K.UUID: (2950, 2951, "uuid", 16, "U", False),
    K.PG_LSN: (3220, 3221, "pg_lsn", 8, "U", True),
    K.JSONB: (3802, 3807, "jsonb", -1, "U", False),
    K.JSONPATH: (4072, 4073, "jsonpath", -1, "U", False),
}
# Ranges and multiranges: type -> its oid and that of its array.
RANGES = {
    "int4range": (3904, 3905), "numrange": (3906, 3907), "tsrange": (3908, 3909), "tstzrange": (3910, 3911),
    "daterange": (3912, 3913), "int8range": (3926, 3927), "int4multirange": (4451, 6150), "nummultirange": (4532, 6151),
    "tsmultirange": (4533, 6152), "tstzmultirange": (4534, 6153), "datemultirange": (4535, 6155),
    "int8multirange": (4536, 6157),
}  # fmt: skip
# Types that only stand in the signatures of functions.
PSEUDO_TYPES = {
    "any": 2276, "anyarray": 2277, "anyelement": 2283, "anynonarray": 2776, "anyenum": 3500, "anyrange": 3831,
    "anymultirange": 4537, "anycompatible": 5077, "anycompatiblearray": 5078,
    "anycompatiblenonarray": 5079, "anycompatiblerange": 5080, "anycompatiblemultirange": 4538, "record": 2249, "void": 2278,
    "trigger": 2279, "internal": 2281, "cstring": 2275,
}  # fmt: skip
# What functions that read modifiers of types take.
CSTRING_ARRAY = 1263
# Names of objects that are kept as oids: type -> its oid and that of its array.
REGISTERED = {
    "regproc": (24, 1008), "regprocedure": (2202, 2207), "regoper": (2203, 2208), "regoperator": (2204, 2209),
    "regclass": (2205, 2210), "regtype": (2206, 2211), "regnamespace": (4089, 4090), "regrole": (4096, 4097),
    "regcollation": (4191, 4192),
}  # fmt: skip
# The arrays of a type that somebody made are no object of the catalog: their oid is that of the elements' type and this.
_ARRAYS_OF_OWN = 1 << 30
# The bits that PostgreSQL has for the fields of an interval, and what stands for all fields and for all digits.
_INTERVAL_BITS = {"year": 4, "month": 2, "day": 8, "hour": 1024, "minute": 2048, "second": 4096}
_ALL_FIELDS, _ALL_DIGITS = 0x7FFF, 0xFFFF


def _field_bits(fields: str) -> int:
    """The bits of fields from the first one named to the last."""
    names = list(_INTERVAL_BITS)
    first, _, last = fields.partition(" to ")
    return sum(
        _INTERVAL_BITS[name] for name in names[names.index(first) : names.index(last or first) + 1]
    )


_FIELD_BITS = tuple(map(_field_bits, INTERVAL_FIELDS))


def registered_type(name: str) -> SqlType:
    """The type `regclass` or one of its kin: an oid that is shown as a name."""
    return SqlType(K.REGISTERED, name=name, oid=REGISTERED[name][0])


def type_oid(kind: SqlType) -> int:
    """The oid of a type; 0 where PostgreSQL would have made one of its own for it."""
    if kind.domain is not None:
        return kind.domain_oid
    if kind.oid:
        return kind.oid
    if kind.kind is K.ARRAY:
        return _oid_of_array(kind.element)
    if kind.kind in (K.RANGE, K.MULTIRANGE):
        return RANGES.get(kind.name or "", (0, 0))[0]
    if kind.kind is K.POLYMORPHIC:
        return PSEUDO_TYPES.get(kind.name or "", 0)
    found = BUILT_IN.get(kind.kind)
    return 0 if found is None else found[0]


def _oid_of_array(element: SqlType | None) -> int:
    if element is None:
        return 0
    if element.domain is not None:
        return array_oid_of_own(element.domain_oid)
    if element.kind is K.REGISTERED and element.name is not None:
        return REGISTERED[element.name][1]
    if element.kind in (K.RANGE, K.MULTIRANGE) and element.name in RANGES:
        return RANGES[element.name][1]
    if element.oid:
        return array_oid_of_own(element.oid)
    found = BUILT_IN.get(element.kind)
    return 0 if found is None else found[1]


def array_oid_of_own(oid: int) -> int:
    """The oid of the arrays of a type that somebody made."""
    return oid + _ARRAYS_OF_OWN


def own_element_oid(oid: int) -> int | None:
    """The oid of the elements' type, where `array_oid_of_own` gave this one."""
    return oid - _ARRAYS_OF_OWN if oid > _ARRAYS_OF_OWN else None


def has_fixed_length(kind: SqlType) -> bool:
    """Whether every value of the type takes the same room, as PostgreSQL lays it out."""
    if kind.kind in (K.ENUM, K.REGISTERED):
        return True
    found = BUILT_IN.get(kind.kind)
    return found is not None and found[3] > 0


def type_layout(kind: SqlType) -> tuple[int, bool, str]:
    """typlen, typbyval and typalign: how PostgreSQL lays the type's values out."""
    if kind.kind in (K.ENUM, K.REGISTERED):
        return 4, True, "i"
    if kind.kind in (K.RECORD, K.NUMERIC):
        return -1, False, "d" if kind.kind is K.RECORD else "i"
    if kind.kind is K.ARRAY and kind.element is not None:
        return -1, False, "d" if type_layout(kind.element)[2] == "d" else "i"
    if kind.kind in (K.RANGE, K.MULTIRANGE) and kind.element is not None:
        inner = kind.element if kind.kind is K.RANGE else kind.element.element
        is_wide = inner is not None and type_layout(inner)[2] == "d"
        return -1, False, "d" if is_wide else "i"
    found = BUILT_IN.get(kind.kind)
    if found is None:
        return -1, False, "i"
    length, by_value = found[3], found[5]
    if kind.kind in (K.NAME, K.UUID, K.UNKNOWN):
        return length, by_value, "c"
    return length, by_value, {1: "c", 2: "s", 4: "i"}.get(length, "d" if length > 4 else "i")


def default_storage(kind: SqlType) -> str:
    """pg_type.typstorage: plain of what has a fixed length, main of numeric, extended of other values of any length."""
    if has_fixed_length(kind) or kind.kind is K.UNKNOWN or kind in (INT2VECTOR, OIDVECTOR):
        return "p"
    return "m" if kind.kind is K.NUMERIC else "x"


def type_modifier(kind: SqlType) -> int:
    """PostgreSQL's atttypmod of the type: -1 where nothing was declared."""
    if kind.kind is K.ARRAY and kind.element is not None:
        return type_modifier(kind.element)
    if not kind.modifiers:
        return -1
    match kind.kind:
        case K.NUMERIC:
            precision, scale = kind.modifiers
            return ((precision << 16) | (scale & 0x7FF)) + 4
        case K.VARCHAR | K.CHAR:
            return kind.modifiers[0] + 4
        case K.INTERVAL:
            return _interval_modifier(kind.modifiers)
        case _:
            return kind.modifiers[0]


def _interval_modifier(modifiers: tuple[int, ...]) -> int:
    if len(modifiers) < 2:
        return (_ALL_FIELDS << 16) | modifiers[0]
    digits, fields = modifiers
    kept = _ALL_DIGITS if digits == FRACTION_DIGITS_MAX else digits
    return (_FIELD_BITS[fields] << 16) | kept


def _interval_modifiers(modifier: int) -> tuple[int, ...]:
    bits, digits = modifier >> 16, modifier & 0xFFFF
    shown = FRACTION_DIGITS_MAX if digits == _ALL_DIGITS else digits
    return (shown, _FIELD_BITS.index(bits)) if bits in _FIELD_BITS else (shown,)


def with_modifier(kind: SqlType, modifier: int) -> SqlType:
    """The type with the modifier that `type_modifier` gave."""
    if modifier < 0:
        return kind
    if kind.kind is K.ARRAY and kind.element is not None:
        return array_of(with_modifier(kind.element, modifier))
    match kind.kind:
        case K.NUMERIC:
            scale = (modifier - 4) & 0x7FF
            return replace(
                kind,
                modifiers=((modifier - 4) >> 16, scale if scale < 1024 else scale - 2048),
            )
        case K.VARCHAR | K.CHAR:
            return replace(kind, modifiers=(modifier - 4,))
        case K.INTERVAL:
            return replace(kind, modifiers=_interval_modifiers(modifier))
        case _:
            return replace(kind, modifiers=(modifier,))


_BY_OID: dict[int, SqlType] = {}
for _kind, (_oid, _array_oid, *_) in BUILT_IN.items():
    _BY_OID[_oid] = SqlType(_kind)
    if _array_oid:
        _BY_OID[_array_oid] = array_of(SqlType(_kind))


for _name, (_oid, _array) in REGISTERED.items():
    _BY_OID[_oid] = registered_type(_name)
    _BY_OID[_array] = array_of(registered_type(_name))
for _name, (_oid, _array) in RANGES.items():
    _range = RANGE_TYPES.get(_name) or MULTIRANGE_TYPES[_name]
    _BY_OID[_oid] = _range
    _BY_OID[_array] = array_of(_range)
for _vector in (INT2VECTOR, OIDVECTOR):
    _BY_OID[_vector.oid] = _vector
_BY_OID[CSTRING_ARRAY] = array_of(SqlType(K.POLYMORPHIC, name="cstring"))


def type_of_oid(oid: int) -> SqlType | None:
    """The built-in type with that oid."""
    return _BY_OID.get(oid)
