"""NUMERIC values: exact decimals in PostgreSQL's sense, and their two vector forms.

A NUMERIC is a `Decimal` whose exponent is the negative of PostgreSQL's display scale: 1.50 is not 1.5 to the eye,
though they are equal. There is no negative zero and no positive exponent; `canonical` makes both so.

The decimal128 form keeps unscaled 128-bit integers, two 64-bit words a value, low word first. Where all of a vector's
values fit the low word, NumPy works on these words alone: that is the fast path of arithmetic and of aggregates.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import CorruptDatabase, NumericValueOutOfRange
from lungfish.types.compute import pc

# PostgreSQL's limits: digits before the point, and after it.
INTEGER_DIGITS_MAX = 131_072
SCALE_MAX = 16_383
PRECISION_MAX = 1000
DECIMAL128_DIGITS_MAX = 38
DECIMAL256_DIGITS_MAX = 76
# The number of values looked at before a vector without declared scale is given up for decimal128.
UNIFORM_SAMPLE_COUNT = 8

# Exact for everything that fits the limits above; results are checked against them by `checked`.
CONTEXT = Context(
    prec=2 * (INTEGER_DIGITS_MAX + SCALE_MAX),
    rounding=ROUND_HALF_UP,
    Emin=-999_999,
    Emax=999_999,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)

NAN = Decimal("NaN")
INFINITY = Decimal("Infinity")
MINUS_INFINITY = Decimal("-Infinity")
ZERO = Decimal(0)

Words = npt.NDArray[np.int64]

_UNITS: tuple[Decimal, ...] = tuple(Decimal(1).scaleb(-scale, CONTEXT) for scale in range(64))


def scale_of(value: Decimal) -> int:
    """The display scale: digits after the point."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def unit_of_scale(scale: int) -> Decimal:
    """10 to the power of -scale."""
    return _UNITS[scale] if 0 <= scale < 64 else Decimal(1).scaleb(-scale, CONTEXT)


def canonical(value: Decimal) -> Decimal:
    """The value without a negative zero or a positive exponent."""
    if not value:
        return value.copy_abs() if scale_of(value) else ZERO
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:
        return value.quantize(Decimal(1), context=CONTEXT)
    return value


def round_to_scale(value: Decimal, scale: int) -> Decimal:
    """The value with `scale` digits after the point (a negative scale rounds before it), halves away from zero."""
    if not value.is_finite():
        return value
    if scale >= 0:
        rounded = value.quantize(unit_of_scale(scale), ROUND_HALF_UP, CONTEXT)
        return rounded or rounded.copy_abs()
    return canonical(value.quantize(unit_of_scale(scale), ROUND_HALF_UP, CONTEXT))


def checked(value: Decimal) -> Decimal:
    """The canonical value; raises 22003 where it is outside PostgreSQL's range, and cuts its scale to the limit."""
    if value.is_finite():
        if value and value.adjusted() >= INTEGER_DIGITS_MAX:
            raise NumericValueOutOfRange("value overflows numeric format")
        value = canonical(value)
        if scale_of(value) > SCALE_MAX:
            return round_to_scale(value, SCALE_MAX)
    return value


def numeric_text(value: Decimal) -> str:
    """PostgreSQL's text of a NUMERIC."""
    if value.is_finite():
        return format(value or value.copy_abs(), "f")
    if value.is_nan():
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def fit_decimal(value: Decimal, precision: int, scale: int) -> Decimal:
    """Round to a declared NUMERIC(precision, scale). Raises 22003 if it does not fit."""
    if value.is_nan():
        return value
    if value.is_infinite():
        raise NumericValueOutOfRange(
            "numeric field overflow",
            detail=f"A field with precision {precision}, scale {scale} cannot hold an infinite value.",
        )
    rounded = round_to_scale(value, scale)
    if rounded and rounded.adjusted() >= precision - scale:
        bound = "1" if precision == scale else f"10^{precision - scale}"
        raise NumericValueOutOfRange(
            "numeric field overflow",
            detail=f"A field with precision {precision}, scale {scale} must round to an absolute"
            f" value less than {bound}.",
        )
    return rounded


def uniform_scale(values: Sequence[Decimal | None]) -> int | None:
    """The one display scale of all values, or None where they differ, are not finite or are too long."""
    scale = None
    count = 0
    for value in values:
        if value is None:
            continue
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int) or len(digits) > DECIMAL128_DIGITS_MAX:
            return None
        if scale is None:
            scale = exponent
        elif scale != exponent:
            return None
        count += 1
    if scale is None or scale > 0 or -scale > DECIMAL128_DIGITS_MAX:
        return None
    return -scale


def build_numeric_vector(
    values: Sequence[Decimal | None], precision: int | None, scale: int | None
) -> pa.Array:
    """A NUMERIC vector: decimal128 where one scale serves all values, else their texts."""
    if precision is None or scale is None:
        scale = uniform_scale(values)
        if scale is not None:
            return pa.array(values, pa.decimal128(DECIMAL128_DIGITS_MAX, scale))
    elif precision <= DECIMAL128_DIGITS_MAX and 0 <= scale <= precision:
        if all(value is None or value.is_finite() for value in values):
            return pa.array(values, pa.decimal128(precision, scale))
    return text_vector(values)


def text_vector(values: Sequence[Decimal | None]) -> pa.Array:
    """The text form of a NUMERIC vector."""
    texts = [None if value is None else numeric_text(value) for value in values]
    return pa.array(texts, pa.large_string())


def as_text_form(vector: pa.Array) -> pa.Array:
    """A NUMERIC vector of either form in its text form."""
    if not pa.types.is_decimal(vector.type):
        return vector
    return text_vector(numeric_values(vector))


def comparable_form(vector: pa.Array) -> pa.Array | None:
    """The values of either form as decimals of one scale, which Arrow compares; None where one is not finite, or has too many digits for that."""
    if pa.types.is_decimal(vector.type):
        return vector
    lengths, points = pc.binary_length(vector), pc.find_substring(vector, ".")
    fractions = pc.if_else(pc.less(points, 0), 0, pc.subtract(pc.subtract(lengths, points), 1))
    scale = pc.max(fractions).as_py() or 0
    # A sign counts as a digit here.
    precision = scale + (pc.max(pc.subtract(lengths, fractions)).as_py() or 0)
    if precision > DECIMAL256_DIGITS_MAX:
        return None
    is_short = precision <= DECIMAL128_DIGITS_MAX
    try:
        return vector.cast(
            pa.decimal128(DECIMAL128_DIGITS_MAX, scale)
            if is_short
            else pa.decimal256(DECIMAL256_DIGITS_MAX, scale)
        )
    except pa.ArrowInvalid:
        return None


def numeric_values(vector: pa.Array) -> list[Decimal | None]:
    """The values of a NUMERIC vector of either form."""
    if pa.types.is_decimal(vector.type):
        values: list[Decimal | None] = vector.to_pylist()
        return values
    texts = vector.to_pylist()
    try:
        return [None if text is None else Decimal(text) for text in texts]
    except InvalidOperation as error:
        raise CorruptDatabase("a stored value is damaged: it is no number") from error


def small_words(vector: pa.Array) -> Words | None:
    """The unscaled values of a decimal128 vector as int64 (0 for nulls), or None where one does not fit."""
    if not pa.types.is_decimal128(vector.type):
        return None
    words = decimal_words(vector)
    low, high = words[:, 0], words[:, 1]
    if vector.null_count:
        valid = validity(vector)
        low = np.where(valid, low, 0)
        high = np.where(valid, high, 0)
    if bool(np.any((low >> 63) != high)):
        return None
    return np.ascontiguousarray(low)


def decimal_words(vector: pa.Array) -> Words:
    """The two 64-bit words (low, high) of each value of a decimal128 vector; undefined where null."""
    data = vector.buffers()[1]
    if data is None:
        return np.zeros((len(vector), 2), np.int64)
    words = np.frombuffer(data, np.int64, count=2 * (vector.offset + len(vector)))
    return words.reshape(-1, 2)[vector.offset :]


def decimal_vector(
    unscaled: Words, *, scale: int, valid: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """A decimal128 vector of 38 digits from unscaled int64 values; null where not `valid`."""
    words = np.empty((len(unscaled), 2), np.int64)
    words[:, 0] = unscaled
    words[:, 1] = unscaled >> 63
    bitmap = None
    if valid is not None:
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
    arrow_type = pa.decimal128(DECIMAL128_DIGITS_MAX, scale)
    return pa.Array.from_buffers(arrow_type, len(unscaled), [bitmap, pa.py_buffer(words)])


def validity(vector: pa.Array) -> npt.NDArray[np.bool_]:
    """Which values of a vector are not null."""
    if not vector.null_count:
        return np.ones(len(vector), np.bool_)
    mask: npt.NDArray[np.bool_] = vector.is_valid().to_numpy(zero_copy_only=False)
    return mask
