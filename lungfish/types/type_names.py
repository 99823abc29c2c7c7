"""Type names as SQL writes them: name and modifiers to a `SqlType`."""

from __future__ import annotations

from lungfish.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    SyntaxError,
)
from lungfish.types.ranges import MULTIRANGE_TYPES, RANGE_TYPES
from lungfish.types.sql_type import (
    FRACTION_DIGITS_MAX,
    INT2VECTOR,
    INTERNAL_CHAR,
    INTERVAL_FIELDS,
    OIDVECTOR,
    SqlType,
    TypeKind,
    array_of,
)
from lungfish.types.type_oids import REGISTERED, registered_type

LENGTH_MAX = 10_485_760
BIT_LENGTH_MAX = 83_886_080
PRECISION_MAX = 1000

_NAMES: dict[str, TypeKind] = {
    "bool": TypeKind.BOOLEAN, "boolean": TypeKind.BOOLEAN,
    "int2": TypeKind.SMALLINT, "smallint": TypeKind.SMALLINT,
    "int": TypeKind.INTEGER, "int4": TypeKind.INTEGER, "integer": TypeKind.INTEGER,
    "int8": TypeKind.BIGINT, "bigint": TypeKind.BIGINT,
    "oid": TypeKind.OID,
    '"char"': TypeKind.INTERNAL_CHAR,
    "float4": TypeKind.REAL, "real": TypeKind.REAL,
    "float8": TypeKind.DOUBLE, "double precision": TypeKind.DOUBLE, "float": TypeKind.DOUBLE,
    "numeric": TypeKind.NUMERIC, "decimal": TypeKind.NUMERIC, "dec": TypeKind.NUMERIC,
    "text": TypeKind.TEXT,
    "varchar": TypeKind.VARCHAR, "character varying": TypeKind.VARCHAR,
    "bpchar": TypeKind.CHAR, "char": TypeKind.CHAR, "character": TypeKind.CHAR,
    "name": TypeKind.NAME,
    "bytea": TypeKind.BYTEA,
    "date": TypeKind.DATE,
    "time": TypeKind.TIME, "time without time zone": TypeKind.TIME,
    "timetz": TypeKind.TIMETZ, "time with time zone": TypeKind.TIMETZ,
    "timestamp": TypeKind.TIMESTAMP, "timestamp without time zone": TypeKind.TIMESTAMP,
    "timestamptz": TypeKind.TIMESTAMPTZ, "timestamp with time zone": TypeKind.TIMESTAMPTZ,
    "interval": TypeKind.INTERVAL,
    "uuid": TypeKind.UUID,
    "json": TypeKind.JSON, "jsonb": TypeKind.JSONB, "jsonpath": TypeKind.JSONPATH,
    "bit": TypeKind.BIT, "varbit": TypeKind.VARBIT, "bit varying": TypeKind.VARBIT,
    "pg_lsn": TypeKind.PG_LSN,
    "record": TypeKind.RECORD,
    "unknown": TypeKind.UNKNOWN,
    "void": TypeKind.VOID,
}  # fmt: skip
# Types that PostgreSQL has and we do not; they are refused rather than taken for missing.
_UNSUPPORTED = frozenset(
    [
        "money",
        "box",
        "point",
        "line",
        "lseg",
        "path",
        "polygon",
        "circle",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "xml",
        "tsvector",
        "tsquery",
        "xid",
        "xid8",
        "cid",
        "tid",
        "pg_snapshot",
        "txid_snapshot",
        "regconfig",
        "regdictionary",
        "refcursor",
        "cstring",
    ]
)
# Types that have a name beside their kind.
_NAMED_TYPES: dict[str, SqlType] = {
    "int2vector": INT2VECTOR,
    "oidvector": OIDVECTOR,
    **{name: registered_type(name) for name in REGISTERED},
}
_FRACTION_KINDS = (
    TypeKind.TIME,
    TypeKind.TIMETZ,
    TypeKind.TIMESTAMP,
    TypeKind.TIMESTAMPTZ,
    TypeKind.INTERVAL,
)


def is_built_in_type(name: str) -> bool:
    """Whether the name is one of PostgreSQL's own types, be it one that we have or not."""
    return (
        name in _NAMES
        or name in _NAMED_TYPES
        or name in RANGE_TYPES
        or name in MULTIRANGE_TYPES
        or name in _UNSUPPORTED
        or (name.startswith("_") and is_built_in_type(name[1:]))
    )


def interval_of_fields(interval: SqlType, fields: str) -> SqlType:
    """The INTERVAL type that keeps some fields only: `interval day to second(3)`."""
    digits = interval.modifiers[0] if interval.modifiers else FRACTION_DIGITS_MAX
    return SqlType(TypeKind.INTERVAL, (digits, INTERVAL_FIELDS.index(fields)))


def type_by_name(
    name: str, modifiers: tuple[int, ...] = (), *, array_dimensions: int = 0
) -> SqlType | None:
    """The built-in type of a folded name, or None for a name that may be a user's type.

    Raises 0A000 for a type that PostgreSQL has and Lungfish has not, 22023 and 42601 for wrong modifiers.
    """
    if name == "_char":
        return array_of(INTERNAL_CHAR)
    if name.startswith("_") and (name[1:] in _NAMES or name[1:] in _NAMED_TYPES):
        return type_by_name(name[1:], modifiers, array_dimensions=1)
    found = RANGE_TYPES.get(name) or MULTIRANGE_TYPES.get(name) or _NAMED_TYPES.get(name)
    if found is not None:
        if modifiers:
            raise SyntaxError(f'type modifier is not allowed for type "{name}"')
    else:
        kind = _NAMES.get(name)
        if kind is None:
            if name in _UNSUPPORTED:
                raise FeatureNotSupported(f"type {name} is not supported")
            return None
        found = _with_modifiers(name, kind, modifiers)
    return array_of(found) if array_dimensions else found


def _with_modifiers(name: str, kind: TypeKind, modifiers: tuple[int, ...]) -> SqlType:
    if name == "float" and modifiers:
        return SqlType(_float_kind(modifiers))
    if not modifiers:
        # The standard's CHARACTER and BIT mean a length of one.
        is_single = name in ("char", "character", "bit")
        return SqlType(kind, (1,)) if is_single else SqlType(kind)
    if kind is TypeKind.NUMERIC:
        return SqlType(kind, _numeric_modifiers(modifiers))
    if kind in (TypeKind.VARCHAR, TypeKind.CHAR, TypeKind.BIT, TypeKind.VARBIT):
        return SqlType(kind, (_length(name, kind, modifiers),))
    if kind in _FRACTION_KINDS:
        return _fractional(kind, modifiers)
    raise SyntaxError(f'type modifier is not allowed for type "{name}"')


def _float_kind(modifiers: tuple[int, ...]) -> TypeKind:
    bits = modifiers[0]
    if bits < 1:
        raise InvalidParameterValue("precision for type float must be at least 1 bit")
    if bits > 53:
        raise InvalidParameterValue("precision for type float must be less than 54 bits")
    return TypeKind.REAL if bits <= 24 else TypeKind.DOUBLE


def _numeric_modifiers(modifiers: tuple[int, ...]) -> tuple[int, int]:
    if len(modifiers) > 2:
        raise InvalidParameterValue("invalid NUMERIC type modifier")
    precision, scale = modifiers[0], modifiers[1] if len(modifiers) == 2 else 0
    if not 1 <= precision <= PRECISION_MAX:
        raise InvalidParameterValue(
            f"NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}"
        )
    if not -PRECISION_MAX <= scale <= PRECISION_MAX:
        raise InvalidParameterValue(
            f"NUMERIC scale {scale} must be between -{PRECISION_MAX} and {PRECISION_MAX}"
        )
    return precision, scale


def _length(name: str, kind: TypeKind, modifiers: tuple[int, ...]) -> int:
    shown = {TypeKind.VARCHAR: "varchar", TypeKind.CHAR: "char", TypeKind.VARBIT: "varbit"}.get(
        kind, name
    )
    if len(modifiers) != 1:
        raise InvalidParameterValue("invalid type modifier")
    length = modifiers[0]
    if length < 1:
        raise InvalidParameterValue(f"length for type {shown} must be at least 1")
    is_bits = kind in (TypeKind.BIT, TypeKind.VARBIT)
    longest = BIT_LENGTH_MAX if is_bits else LENGTH_MAX
    if length > longest:
        raise InvalidParameterValue(f"length for type {shown} cannot exceed {longest}")
    return length


def _fractional(kind: TypeKind, modifiers: tuple[int, ...]) -> SqlType:
    if len(modifiers) != 1:
        raise InvalidParameterValue("invalid type modifier")
    digits = modifiers[0]
    if digits < 0:
        shown = SqlType(kind, (digits,))
        raise InvalidParameterValue(f"{str(shown).upper()} precision must not be negative")
    # PostgreSQL warns and takes the maximum.
    return SqlType(kind, (min(digits, FRACTION_DIGITS_MAX),))
