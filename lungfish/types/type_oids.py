"""PostgreSQL's oids of built-in types, and of their arrays: what pg_type, pg_attribute and format_type speak of."""

from __future__ import annotations

from dataclasses import replace

from lungfish.types.sql_type import OID, SqlType, TypeKind, array_of

K = TypeKind

# kind -> (oid, oid of the array, pg_type's name, length, category, passed by value)
BUILT_IN: dict[TypeKind, tuple[int, int, str, int, str, bool]] = {
    K.BOOLEAN: (16, 1000, "bool", 1, "B", True),
    K.BYTEA: (17, 1001, "bytea", -1, "U", False),
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
_RANGES = {
    "int4range": 3904, "numrange": 3906, "tsrange": 3908, "tstzrange": 3910, "daterange": 3912, "int8range": 3926,
}  # fmt: skip
# Names of objects that are kept as oids: type -> its oid.
REGISTERED = {"regclass": 2205, "regtype": 2206, "regnamespace": 4089, "regrole": 4096}


def registered_type(name: str) -> SqlType:
    """The type `regclass` or one of its kin: an oid that is shown as a name."""
    return replace(OID, domain=name, domain_oid=REGISTERED[name])


def type_oid(kind: SqlType) -> int:
    """The oid of a type; 0 where PostgreSQL would have made one of its own for it."""
    if kind.domain is not None:
        return kind.domain_oid
    if kind.kind is K.ARRAY:
        element = kind.element
        if element is None or element.domain is not None or element.kind not in BUILT_IN:
            return 0
        return BUILT_IN[element.kind][1]
    if kind.oid:
        return kind.oid
    if kind.kind is K.RANGE:
        return _RANGES.get(kind.name or "", 0)
    found = BUILT_IN.get(kind.kind)
    return 0 if found is None else found[0]


def has_fixed_length(kind: SqlType) -> bool:
    """Whether every value of the type takes the same room, as PostgreSQL lays it out."""
    if kind.kind is K.ENUM:
        return True
    found = BUILT_IN.get(kind.kind)
    return found is not None and found[3] > 0


def default_storage(kind: SqlType) -> str:
    """pg_type.typstorage: plain of what has a fixed length, main of numeric, extended of other values of any length."""
    if has_fixed_length(kind) or kind.kind is K.UNKNOWN:
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
            return (0x7FFF << 16) | kind.modifiers[0]
        case _:
            return kind.modifiers[0]


def with_modifier(kind: SqlType, modifier: int) -> SqlType:
    """The type with the modifier that `type_modifier` gave."""
    if kind.kind is K.ARRAY and kind.element is not None:
        return array_of(with_modifier(kind.element, modifier))
    if modifier < 0:
        return kind
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
            return replace(kind, modifiers=(modifier & 0xFFFF,))
        case _:
            return replace(kind, modifiers=(modifier,))


_BY_OID: dict[int, SqlType] = {}
for _kind, (_oid, _array_oid, *_) in BUILT_IN.items():
    _BY_OID[_oid] = SqlType(_kind)
    if _array_oid:
        _BY_OID[_array_oid] = array_of(SqlType(_kind))


def type_of_oid(oid: int) -> SqlType | None:
    """The built-in type with that oid."""
    for name, number in REGISTERED.items():
        if number == oid:
            return registered_type(name)
    return _BY_OID.get(oid)
