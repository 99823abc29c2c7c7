"""Vectors and internal values: one to the other, for every type of `sql_type.py`.

`build_vector` and `to_values` are the two directions; `constant_vector`, `null_vector` and `constant_scalar` make the
common special cases, and `concat_vectors` joins parts, of which NUMERIC ones may have different forms.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import CorruptDatabase, DataError
from lungfish.types.batch import Vector
from lungfish.types.container_text import container_from_text, container_text
from lungfish.types.numerics import (
    DECIMAL128_DIGITS_MAX,
    as_text_form,
    build_numeric_vector,
    numeric_values,
)
from lungfish.types.sql_type import Interval, SqlType, TypeKind

# An INTERVAL in a vector: microseconds, days, months.
_INTERVAL_STRUCT = struct.Struct("<qii")
INTERVAL_DTYPE = np.dtype([("microseconds", "<i8"), ("days", "<i4"), ("months", "<i4")])

_ARROW_TYPES: dict[TypeKind, pa.DataType] = {
    TypeKind.BOOLEAN: pa.bool_(),
    TypeKind.SMALLINT: pa.int16(),
    TypeKind.INTEGER: pa.int32(),
    TypeKind.BIGINT: pa.int64(),
    TypeKind.OID: pa.int64(),
    TypeKind.REGISTERED: pa.int64(),
    TypeKind.REAL: pa.float32(),
    TypeKind.DOUBLE: pa.float64(),
    TypeKind.BYTEA: pa.large_binary(),
    TypeKind.DATE: pa.date32(),
    TypeKind.TIME: pa.time64("us"),
    TypeKind.TIMESTAMP: pa.timestamp("us"),
    TypeKind.TIMESTAMPTZ: pa.timestamp("us"),
    TypeKind.INTERVAL: pa.binary(16),
    TypeKind.UUID: pa.binary(16),
}
# Kinds whose Arrow form is an integer in disguise: the integer's type.
_INTEGER_VIEWS: dict[TypeKind, pa.DataType] = {
    TypeKind.DATE: pa.int32(),
    TypeKind.TIME: pa.int64(),
    TypeKind.TIMESTAMP: pa.int64(),
    TypeKind.TIMESTAMPTZ: pa.int64(),
}
# Kinds whose vector is the text of each value.
_AS_TEXT = frozenset(
    {TypeKind.TIMETZ, TypeKind.ARRAY, TypeKind.RECORD, TypeKind.RANGE, TypeKind.MULTIRANGE}
)


def arrow_type(sql_type: SqlType) -> pa.DataType:
    """The Arrow type of a vector; for NUMERIC that of a declared type (a run-time vector may have the other form)."""
    if sql_type.kind is TypeKind.NUMERIC:
        if len(sql_type.modifiers) == 2:
            precision, scale = sql_type.modifiers
            if precision <= DECIMAL128_DIGITS_MAX and 0 <= scale <= precision:
                return pa.decimal128(precision, scale)
        return pa.large_string()
    return _ARROW_TYPES.get(sql_type.kind, pa.large_string())


def build_vector(values: Sequence[Any], sql_type: SqlType) -> Vector:
    """A vector of internal values, None for NULL."""
    kind = sql_type.kind
    if kind is TypeKind.NUMERIC:
        precision, scale = sql_type.modifiers if len(sql_type.modifiers) == 2 else (None, None)
        return build_numeric_vector(values, precision, scale)
    if kind is TypeKind.INTERVAL:
        pack = _INTERVAL_STRUCT.pack
        packed = [None if v is None else pack(v[2], v[1], v[0]) for v in values]
        return pa.array(packed, pa.binary(16))
    if kind in _INTEGER_VIEWS:
        return pa.array(values, _INTEGER_VIEWS[kind]).view(_ARROW_TYPES[kind])
    if kind in _AS_TEXT:
        texts = [None if v is None else container_text(v, sql_type) for v in values]
        return pa.array(texts, pa.large_string())
    return pa.array(values, _ARROW_TYPES.get(kind, pa.large_string()))


def to_values(vector: Vector, sql_type: SqlType) -> list[Any]:
    """The internal values of a vector, None for NULL."""
    kind = sql_type.kind
    if kind is TypeKind.NUMERIC:
        return numeric_values(vector)
    if kind is TypeKind.INTERVAL:
        unpack = _interval_from_bytes
        return [None if packed is None else unpack(packed) for packed in vector.to_pylist()]
    if kind in _INTEGER_VIEWS:
        integers: list[Any] = integer_view(vector).to_pylist()
        return integers
    if kind in _AS_TEXT:
        try:
            # Reading a text is dear, and joins repeat values, so each text is read once.
            encoded = vector.dictionary_encode()
            read = [container_from_text(text, sql_type) for text in encoded.dictionary.to_pylist()]
            return [None if at is None else read[at] for at in encoded.indices.to_pylist()]
        except DataError as error:
            # Vectors have the texts that values were written to, so it was not read as it was written.
            raise CorruptDatabase(f"a stored value is damaged: {error.message}") from error
    values: list[Any] = vector.to_pylist()
    return values


def _interval_from_bytes(packed: bytes) -> Interval:
    microseconds, days, months = _INTERVAL_STRUCT.unpack(packed)
    return Interval(months, days, microseconds)


def integer_view(vector: Vector) -> Vector:
    """The integers beneath a vector of dates, times or timestamps; other vectors as they are."""
    if pa.types.is_timestamp(vector.type) or pa.types.is_time64(vector.type):
        return vector.view(pa.int64())
    if pa.types.is_date32(vector.type):
        return vector.view(pa.int32())
    return vector


def interval_fields(vector: Vector) -> npt.NDArray[np.void]:
    """An INTERVAL vector's parts as a structured array (`INTERVAL_DTYPE`); undefined where null."""
    data = vector.buffers()[1]
    if data is None:
        return np.zeros(len(vector), INTERVAL_DTYPE)
    fields = np.frombuffer(data, INTERVAL_DTYPE, count=vector.offset + len(vector))
    return fields[vector.offset :]


def constant_scalar(value: Any, sql_type: SqlType) -> pa.Scalar:
    """The Arrow scalar of a constant, as vector forms of functions take it."""
    return build_vector([value], sql_type)[0]


def constant_vector(value: Any, sql_type: SqlType, row_count: int) -> Vector:
    """A vector of one value repeated."""
    if value is None:
        return null_vector(sql_type, row_count)
    single = build_vector([value], sql_type)
    if row_count == 1:
        return single
    return pa.repeat(single[0], row_count)


def null_vector(sql_type: SqlType, row_count: int) -> Vector:
    """A vector of nulls."""
    return pa.nulls(row_count, arrow_type(sql_type))


def concat_vectors(vectors: Sequence[Vector], sql_type: SqlType) -> Vector:
    """The vectors one after the other. NUMERIC ones of different forms become the text form, or a wider decimal128."""
    if len(vectors) == 1:
        return vectors[0]
    if not vectors:
        return null_vector(sql_type, 0)
    if sql_type.kind is TypeKind.NUMERIC:
        vectors = unify_numeric(vectors)
    return pa.concat_arrays(vectors)


def unify_numeric(vectors: Sequence[Vector]) -> list[Vector]:
    """NUMERIC vectors brought to one Arrow type, display scales kept."""
    with_values = [vector for vector in vectors if vector.null_count < len(vector)]
    types = {vector.type for vector in with_values}
    if not types:
        target = vectors[0].type
    elif len(types) == 1:
        target = types.pop()
    elif all(pa.types.is_decimal128(item) for item in types) and len({i.scale for i in types}) == 1:
        target = max(types, key=_precision)
    else:
        target = pa.large_string()
    return [_numeric_as(vector, target) for vector in vectors]


def _precision(decimal_type: pa.DataType) -> int:
    return int(decimal_type.precision)


def _numeric_as(vector: Vector, target: pa.DataType) -> Vector:
    if vector.type == target:
        return vector
    if vector.null_count == len(vector):
        return pa.nulls(len(vector), target)
    if pa.types.is_decimal(target):
        return vector.cast(target)
    return as_text_form(vector)
