"""Text to numbers: integers, floats and NUMERIC, with PostgreSQL's spellings and errors."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal
from fractions import Fraction

from lungfish.errors import InvalidTextRepresentation, NumericValueOutOfRange
from lungfish.types.numerics import (
    INFINITY,
    INTEGER_DIGITS_MAX,
    MINUS_INFINITY,
    NAN,
    SCALE_MAX,
    canonical,
)
from lungfish.types.sql_type import SqlType, TypeKind

WHITESPACE = " \t\n\r\v\f"

_RANGES: dict[TypeKind, tuple[int, int]] = {
    TypeKind.SMALLINT: (-(2**15), 2**15 - 1),
    TypeKind.INTEGER: (-(2**31), 2**31 - 1),
    TypeKind.BIGINT: (-(2**63), 2**63 - 1),
}
_DECIMAL_INTEGER = re.compile(r"[+-]?\d+(?:_\d+)*", re.ASCII)
_LEADING_DIGITS = re.compile(r"[+-]?\d+", re.ASCII)
_RADIX_INTEGER = re.compile(
    r"([+-]?)0(?:[xX]((?:_?[0-9a-fA-F])+)|[oO]((?:_?[0-7])+)|[bB]((?:_?[01])+))", re.ASCII
)
_NUMERIC = re.compile(
    r"[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?", re.ASCII
)
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_HEX_FLOAT = re.compile(
    r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?", re.ASCII
)
_SPECIALS = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}
_SINGLE = struct.Struct("<f")
# PostgreSQL's limit of an exponent as written.
_EXPONENT_MAX = 2**30 - 1


def integer_range(kind: TypeKind) -> tuple[int, int]:
    """The smallest and the largest value of an integer type."""
    return _RANGES[kind]


def parse_integer(text: str, sql_type: SqlType) -> int:
    """A SMALLINT, INTEGER or BIGINT. Raises 22P02, 22003."""
    stripped = text.strip(WHITESPACE)
    value = whole_number(stripped)
    low, high = _RANGES[sql_type.kind]
    if value is None:
        # Digits that already overflow are an error before what follows them is.
        leading = _LEADING_DIGITS.match(stripped)
        if leading is None or low <= _long_int(leading[0]) <= high:
            raise _invalid(text, sql_type)
        value = _long_int(leading[0])
    if not low <= value <= high:
        raise NumericValueOutOfRange(
            f'value "{text}" is out of range for type {sql_type.kind.value}'
        )
    return value


def whole_number(text: str) -> int | None:
    """The integer that the text spells (decimal, or after 0x, 0o, 0b), or None."""
    if _DECIMAL_INTEGER.fullmatch(text):
        return _long_int(text)
    match = _RADIX_INTEGER.fullmatch(text)
    if match is None:
        return None
    sign, hexadecimal, octal, binary = match.groups()
    if hexadecimal is not None:
        value = int(hexadecimal.replace("_", ""), 16)
    elif octal is not None:
        value = int(octal.replace("_", ""), 8)
    else:
        value = int(binary.replace("_", ""), 2)
    return -value if sign == "-" else value


def _long_int(text: str) -> int:
    digits = text.replace("_", "")
    # Python refuses to convert very long texts at once; Decimal does not.
    return int(digits) if len(digits) < 4000 else int(Decimal(digits))


_OID = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9]\d*))", re.ASCII)


def parse_oid(text: str) -> int:
    """An OID as C's strtoul reads it: hexadecimal after 0x, octal after 0; a negative one counts from the end."""
    match = _OID.fullmatch(text.strip(WHITESPACE))
    if match is None:
        raise InvalidTextRepresentation(f'invalid input syntax for type oid: "{text}"')
    sign, hexadecimal, octal, digits = match.groups()
    if digits is not None:
        value = _long_int(digits)
    else:
        value = int(hexadecimal, 16) if hexadecimal is not None else int(octal, 8)
    if sign == "-":
        value = -value
    if not -(2**31) <= value < 2**32:
        raise NumericValueOutOfRange(f'value "{text}" is out of range for type oid')
    return value % 2**32


def parse_numeric(text: str) -> Decimal:
    """A NUMERIC of the text's own scale. Raises 22P02, 22003."""
    stripped = text.strip(WHITESPACE)
    if _NUMERIC.fullmatch(stripped):
        return _numeric_of(stripped.replace("_", ""))
    radix = whole_number(stripped)
    if radix is not None:
        return Decimal(radix)
    unsigned = stripped.lstrip("+-").lower()
    if len(stripped) - len(unsigned) <= 1:
        if unsigned in ("inf", "infinity"):
            return MINUS_INFINITY if stripped.startswith("-") else INFINITY
        if unsigned == "nan" and unsigned == stripped.lower():
            return NAN
    raise InvalidTextRepresentation(f'invalid input syntax for type numeric: "{text}"')


def _numeric_of(text: str) -> Decimal:
    mantissa, _, exponent_text = text.lower().partition("e")
    exponent = _long_int(exponent_text) if exponent_text else 0
    scale = max(len(mantissa.partition(".")[2]) - exponent, 0)
    if abs(exponent) > _EXPONENT_MAX or scale > SCALE_MAX:
        raise _overflow()
    if exponent > INTEGER_DIGITS_MAX:
        # Too large a number, or zero.
        if any(digit in "123456789" for digit in mantissa):
            raise _overflow()
        return Decimal(0)
    value = canonical(Decimal(text))
    if value and value.adjusted() >= INTEGER_DIGITS_MAX:
        raise _overflow()
    return value


def _overflow() -> NumericValueOutOfRange:
    return NumericValueOutOfRange("value overflows numeric format")


def parse_double(text: str) -> float:
    """A DOUBLE PRECISION. Raises 22P02, 22003 (also where a tiny number would become 0)."""
    return _parse_float(text, "double precision")


def parse_real(text: str) -> float:
    """A REAL, correctly rounded to 32 bits."""
    value = _parse_float(text, "real")
    if not math.isfinite(value):
        return value
    rounded = to_single(value)
    stripped = text.strip(WHITESPACE)
    if value != 0.0 and _FLOAT.fullmatch(stripped):
        rounded = _nearest_single(Fraction(stripped), rounded)
    if math.isinf(rounded) or (rounded == 0.0 and value != 0.0):
        raise NumericValueOutOfRange(f'"{stripped}" is out of range for type real')
    return rounded


def _parse_float(text: str, type_name: str) -> float:
    stripped = text.strip(WHITESPACE)
    if _FLOAT.fullmatch(stripped):
        value = float(stripped)
        mantissa = stripped.lower().partition("e")[0]
        if math.isinf(value) or (value == 0.0 and any(c in "123456789" for c in mantissa)):
            raise NumericValueOutOfRange(f'"{stripped}" is out of range for type {type_name}')
        return value
    unsigned = stripped[1:] if stripped[:1] in ("+", "-") else stripped
    special = _SPECIALS.get(unsigned.lower())
    if special is not None:
        return -special if stripped.startswith("-") else special
    if _HEX_FLOAT.fullmatch(stripped):
        return float.fromhex(stripped)
    raise InvalidTextRepresentation(f'invalid input syntax for type {type_name}: "{text}"')


def to_single(value: float) -> float:
    """The nearest 32-bit float; infinite where it is out of range."""
    if not math.isfinite(value):
        return value
    try:
        single: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return single


def _nearest_single(exact: Fraction, rounded: float) -> float:
    """Repair the double rounding that text -> 64 bits -> 32 bits may cause."""
    if math.isinf(rounded) or rounded == 0.0:
        return rounded
    best, distance = rounded, abs(Fraction(rounded) - exact)
    bits = struct.unpack("<i", _SINGLE.pack(rounded))[0]
    for neighbour_bits in (bits - 1, bits + 1):
        neighbour = struct.unpack("<f", struct.pack("<i", neighbour_bits))[0]
        if math.isfinite(neighbour) and abs(Fraction(neighbour) - exact) < distance:
            best, distance = neighbour, abs(Fraction(neighbour) - exact)
    return best


def _invalid(text: str, sql_type: SqlType) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(
        f'invalid input syntax for type {sql_type.kind.value}: "{text}"'
    )
