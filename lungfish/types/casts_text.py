"""Casts to and from strings, bits and bytes, and the length coercions of their types."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lungfish.errors import (
    NumericValueOutOfRange,
    StringDataLengthMismatch,
    StringDataRightTruncation,
)
from lungfish.types.batch import Vector
from lungfish.types.compute import pc
from lungfish.types.json_text import load_json
from lungfish.types.sql_type import SqlType, TypeKind

_TYPE_NAMES = {TypeKind.VARCHAR: "character varying", TypeKind.CHAR: "character"}
_BYTE_COUNTS = {TypeKind.SMALLINT: 2, TypeKind.INTEGER: 4, TypeKind.BIGINT: 8}


def fit_text(value: str, sql_type: SqlType, *, is_explicit: bool) -> str:
    """A text in VARCHAR(n) or CHAR(n): blanks past the end are dropped, others only by an explicit cast. Raises 22001."""
    length = sql_type.modifiers[0]
    if len(value) > length:
        if not is_explicit and value[length:].strip(" "):
            name = _TYPE_NAMES[sql_type.kind]
            raise StringDataRightTruncation(f"value too long for type {name}({length})")
        value = value[:length]
    if sql_type.kind is TypeKind.CHAR:
        return value.ljust(length)
    return value


def fit_texts(values: Vector, sql_type: SqlType, *, is_explicit: bool) -> Vector:
    """`fit_text` for a vector."""
    length = sql_type.modifiers[0]
    longest = pc.max(pc.utf8_length(values)).as_py() or 0
    if longest > length:
        kept = pc.utf8_slice_codeunits(values, 0, length)
        if not is_explicit:
            rest = pc.utf8_slice_codeunits(values, length)
            if pc.any(pc.not_equal(pc.utf8_trim(rest, " "), "")).as_py():
                name = _TYPE_NAMES[sql_type.kind]
                raise StringDataRightTruncation(f"value too long for type {name}({length})")
        values = kept
    if sql_type.kind is TypeKind.CHAR:
        return pc.utf8_rpad(values, length, " ")
    return values


def fit_bits(value: str, sql_type: SqlType, *, is_explicit: bool) -> str:
    """A bit string in BIT(n), which wants exactly n bits, or BIT VARYING(n). Raises 22026, 22001."""
    length = sql_type.modifiers[0]
    if len(value) == length or (sql_type.kind is TypeKind.VARBIT and len(value) < length):
        return value
    if is_explicit:
        kept = value[:length]
        return kept.ljust(length, "0") if sql_type.kind is TypeKind.BIT else kept
    if sql_type.kind is TypeKind.BIT:
        raise StringDataLengthMismatch(
            f"bit string length {len(value)} does not match type bit({length})"
        )
    raise StringDataRightTruncation(f"bit string too long for type bit varying({length})")


def char_to_text(value: str) -> str:
    """CHAR(n) as TEXT: without the blanks at its end."""
    return value.rstrip(" ")


def chars_to_texts(values: Vector) -> Vector:
    """`char_to_text` for a vector."""
    return pc.utf8_rtrim(values, " ")


def boolean_to_text(value: bool) -> str:
    """BOOLEAN as TEXT: true or false, unlike its own output."""
    return "true" if value else "false"


def booleans_to_texts(values: Vector) -> Vector:
    """`boolean_to_text` for a vector."""
    return values.cast(pa.large_string())


def integer_to_bits(value: int, kind: TypeKind, length: int | None) -> str:
    """The low bits of an integer; one bit where no length is declared."""
    width = 64 if kind is TypeKind.BIGINT else 32
    wanted = 1 if length is None else length
    if wanted <= width:
        return f"{value % 2**width:0{width}b}"[width - wanted :]
    digits = f"{value % 2**width:0{width}b}"
    return digits.rjust(wanted, "1" if value < 0 else "0")


def bits_to_integer(value: str, kind: TypeKind) -> int:
    """The integer of a bit string. Raises 22003 where it is too long."""
    width = 64 if kind is TypeKind.BIGINT else 32
    if len(value) > width:
        raise NumericValueOutOfRange(f"{kind.value} out of range")
    number = int(value or "0", 2)
    return number - 2**width if number >= 2 ** (width - 1) else number


def integer_to_bytes(value: int, kind: TypeKind) -> bytes:
    """The bytes of an integer, the most significant one first."""
    return value.to_bytes(_BYTE_COUNTS[kind], "big", signed=True)


def bytes_to_integer(value: bytes, kind: TypeKind) -> int:
    """The integer of at most its type's number of bytes. Raises 22003."""
    size = _BYTE_COUNTS[kind]
    if len(value) > size:
        raise NumericValueOutOfRange(f"{kind.value} out of range")
    return int.from_bytes(value.rjust(size, b"\0"), "big", signed=True)


def jsonb_scalar(value: str) -> Any:
    """The tree of a jsonb that should hold a scalar."""
    return load_json(value)
