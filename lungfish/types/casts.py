"""Casts: how a value of one type becomes one of another.

`find_cast` answers a `Cast` with a scalar and a vector form. A cast is up to two steps: the conversion between the kinds
(`_CONVERSIONS`, else through text), then the coercion to the target's modifiers (`coerce_length`): VARCHAR(n) cuts or
refuses, NUMERIC(p,s) rounds and checks, TIMESTAMP(p) rounds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lungfish.errors import CannotCoerce, UndefinedTable
from lungfish.types.array_value import ArrayValue
from lungfish.types.batch import Vector
from lungfish.types.cast_table import CONVERSIONS, DEPENDS_ON_SETTINGS
from lungfish.types.casts_datetime import (
    cut_interval,
    round_fraction,
    round_interval,
    round_timestamp,
    round_timestamps,
)
from lungfish.types.casts_text import fit_bits, fit_text, fit_texts, integer_to_bits
from lungfish.types.coercion import (
    CastContext,
    can_coerce,
    cast_context,
    common_type,
    common_type_of,
    is_same_type,
    require_cast,
)
from lungfish.types.numeric_vectors import fit_numeric_vector
from lungfish.types.numerics import DECIMAL128_DIGITS_MAX, fit_decimal
from lungfish.types.parse_interval import parse_interval
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import INTERVAL_FIELDS, UNKNOWN, Interval, SqlType, TypeKind
from lungfish.types.text_format import format_value
from lungfish.types.text_parse import parse_value, truncate_name
from lungfish.types.type_oids import registered_type
from lungfish.types.vectors import build_vector, to_values

ScalarCast = Callable[[Any, TextSettings], Any]
VectorCast = Callable[[Vector, TextSettings], Vector]
K = TypeKind
REGCLASS = registered_type("regclass")

__all__ = [
    "Cast",
    "CastContext",
    "can_coerce",
    "can_refer",
    "cast_context",
    "cast_value",
    "coerce_length",
    "common_type",
    "common_type_of",
    "find_cast",
    "read_text",
    "require_cast",
    "require_find_cast",
]


@dataclass(frozen=True, slots=True)
class Cast:
    """One way from `source` to `target`. The scalar form never meets None; it may answer None."""

    source: SqlType
    target: SqlType
    # The weakest context in which the cast may be used.
    context: CastContext
    scalar: ScalarCast
    vector: VectorCast
    # Whether the result depends on the session's settings, so that a constant must not be cast ahead of time.
    depends_on_settings: bool = False
    # Whether values go through unchanged.
    is_identity: bool = False


@functools.lru_cache(maxsize=2048)
def find_cast(source: SqlType, target: SqlType, *, is_explicit: bool = False) -> Cast | None:
    """The cast from `source` to `target`, or None. `is_explicit`: as written by CAST, so that long texts are cut."""
    context = cast_context(source, target)
    if context is None:
        return None
    source, target = source.base, target.base
    convert = _conversion(source, target, is_explicit)
    fit = _length_coercion(source, target, is_explicit)
    depends = _depends_on_settings(source, target)
    if convert is None and fit is None:
        return Cast(source, target, context, _same, _same, False, True)
    first_scalar, first_vector = convert or (_same, None)
    fit_scalar, fit_vector = fit or (_same, None)
    if fit is None:
        scalar: ScalarCast = first_scalar
    elif convert is None:
        scalar = fit_scalar
    else:
        scalar = _chained(first_scalar, fit_scalar)
    plain = target.unmodified
    convert_vector = None
    if convert is not None:
        convert_vector = first_vector or _mapped(first_scalar, source, plain)
    if fit is not None and fit_vector is None:
        fit_vector = _mapped(fit_scalar, plain, target)
    vector = _chained_vectors(convert_vector, fit_vector)
    return Cast(source, target, context, scalar, vector, depends)


def require_find_cast(source: SqlType, target: SqlType, *, is_explicit: bool = False) -> Cast:
    """The cast from `source` to `target`. Raises 42846 where there is none."""
    cast = find_cast(source, target, is_explicit=is_explicit)
    if cast is None:
        raise CannotCoerce(f"cannot cast type {source.unmodified} to {target.unmodified}")
    return cast


def cast_value(
    value: Any, source: SqlType, target: SqlType, settings: TextSettings, *, is_explicit: bool
) -> Any:
    """One value cast; None stays None."""
    if value is None:
        return None
    return require_find_cast(source, target, is_explicit=is_explicit).scalar(value, settings)


def read_text(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    """A text as an input function reads it for a value of the type, its modifiers applied. Raises 22P02, 22001 and the like."""
    return require_find_cast(UNKNOWN, sql_type).scalar(text, settings)


def coerce_length(value: Any, sql_type: SqlType, *, is_explicit: bool = False) -> Any:
    """A value of the unmodified type brought to the type's modifiers. Raises 22001, 22003 and the like."""
    fit = _length_coercion(sql_type.unmodified, sql_type, is_explicit)
    if value is None or fit is None:
        return value
    return fit[0](value, _NO_SETTINGS)


_NO_SETTINGS = TextSettings()


def _same(value: Any, settings: TextSettings) -> Any:
    return value


def _chained(first: ScalarCast, second: ScalarCast) -> ScalarCast:
    def both(value: Any, settings: TextSettings) -> Any:
        converted = first(value, settings)
        return None if converted is None else second(converted, settings)

    return both


def _chained_vectors(first: VectorCast | None, second: VectorCast | None) -> VectorCast:
    if first is None:
        assert second is not None
        return second
    if second is None:
        return first

    def both(vector: Vector, settings: TextSettings) -> Vector:
        return second(first(vector, settings), settings)

    return both


def _mapped(scalar: ScalarCast, source: SqlType, target: SqlType) -> VectorCast:
    def vector(values: Vector, settings: TextSettings) -> Vector:
        found = [
            None if value is None else scalar(value, settings)
            for value in to_values(values, source)
        ]
        return build_vector(found, target)

    return vector


def _conversion(
    source: SqlType, target: SqlType, is_explicit: bool
) -> tuple[ScalarCast, VectorCast | None] | None:
    """The step between two kinds; None where the values are the same."""
    if is_same_type(source, target):
        return None
    found = CONVERSIONS.get((source.kind, target.kind))
    if found is not None:
        return found
    if source.kind is K.ARRAY and target.kind is K.ARRAY:
        return _array_conversion(source, target, is_explicit), None
    if source.kind is K.RANGE and target.kind is K.MULTIRANGE:
        return (lambda value, settings: () if value.is_empty else (value,)), None
    if source.kind is K.RECORD and target.kind is K.RECORD:
        return _record_conversion(source, target, is_explicit)
    if source.kind in (K.INTEGER, K.BIGINT) and target.kind is K.BIT:
        length = target.modifiers[0] if target.modifiers else None
        return (lambda value, settings: integer_to_bits(value, source.kind, length)), None
    if source.kind is K.UNKNOWN and target.kind is K.INTERVAL and len(target.modifiers) == 2:
        # Only a literal is read by the fields; a value of text becomes an interval first, which is cut.
        fields = INTERVAL_FIELDS[target.modifiers[1]]
        return (
            lambda value, settings: parse_interval(
                value, fields=fields, style=settings.interval_style
            )
        ), None
    plain = target.unmodified
    if target.name == "regclass" and source.kind in (K.TEXT, K.VARCHAR):
        return _named_relation, None
    if source.kind in (K.UNKNOWN, K.TEXT, K.VARCHAR, K.CHAR, K.NAME):
        return (lambda value, settings: parse_value(value, plain, settings)), None
    if target.kind is K.NAME:
        return (lambda value, settings: truncate_name(format_value(value, source, settings))), None
    return (lambda value, settings: format_value(value, source, settings)), None


def _named_relation(value: str, settings: TextSettings) -> Any:
    """The regclass of a text that is no literal: a name, not an oid in digits."""
    if value == "-" or (value.isascii() and value.isdecimal()):
        raise UndefinedTable(f'relation "{value}" does not exist')
    return parse_value(value, REGCLASS, settings)


def _array_conversion(source: SqlType, target: SqlType, is_explicit: bool) -> ScalarCast:
    assert source.element is not None
    assert target.element is not None
    item_cast = require_find_cast(source.element, target.element, is_explicit=is_explicit).scalar

    def convert(value: ArrayValue, settings: TextSettings) -> ArrayValue:
        items = tuple(
            None if item is None else item_cast(item, settings) for item in value.elements
        )
        return ArrayValue(items, value.dimensions, value.lower_bounds)

    return convert


def _record_conversion(
    source: SqlType, target: SqlType, is_explicit: bool
) -> tuple[ScalarCast, VectorCast | None] | None:
    if not target.fields:
        return None
    casts = [
        require_find_cast(one, other, is_explicit=is_explicit).scalar
        for one, other in zip(source.fields, target.fields, strict=True)
    ]

    def convert(value: tuple[Any, ...], settings: TextSettings) -> tuple[Any, ...]:
        return tuple(
            None if item is None else cast(item, settings)
            for cast, item in zip(casts, value, strict=True)
        )

    return convert, None


def _length_coercion(
    source: SqlType, target: SqlType, is_explicit: bool
) -> tuple[ScalarCast, VectorCast | None] | None:
    """The step to the target's modifiers; None where there is nothing to do."""
    if target.kind is K.ARRAY:
        return _array_length_coercion(source, target, is_explicit)
    modifiers = target.modifiers
    if not modifiers or (source.kind is target.kind and source.modifiers == modifiers):
        return None
    match target.kind:
        case K.VARCHAR | K.CHAR:
            return (
                lambda value, settings: fit_text(value, target, is_explicit=is_explicit),
                lambda values, settings: fit_texts(values, target, is_explicit=is_explicit),
            )
        case K.BIT | K.VARBIT:
            return (lambda value, settings: fit_bits(value, target, is_explicit=is_explicit)), None
        case K.NUMERIC:
            return _numeric_coercion(modifiers[0], modifiers[1] if len(modifiers) > 1 else 0)
        case K.TIMESTAMP | K.TIMESTAMPTZ:
            digits = modifiers[0]
            return (
                lambda value, settings: round_timestamp(value, digits),
                lambda values, settings: round_timestamps(values, digits),
            )
        case K.TIME:
            return (lambda value, settings: round_fraction(value, modifiers[0])), None
        case K.TIMETZ:
            return (
                lambda value, settings: (round_fraction(value[0], modifiers[0]), value[1])
            ), None
        case K.INTERVAL:
            return (lambda value, settings: _fit_interval(value, modifiers)), None
    return None


def _fit_interval(value: Interval, modifiers: tuple[int, ...]) -> Interval:
    if len(modifiers) == 2:
        value = cut_interval(value, INTERVAL_FIELDS[modifiers[1]])
    return round_interval(value, modifiers[0])


def _numeric_coercion(precision: int, scale: int) -> tuple[ScalarCast, VectorCast | None]:
    def fit(value: Decimal, settings: TextSettings) -> Decimal:
        return fit_decimal(value, precision, scale)

    if precision <= DECIMAL128_DIGITS_MAX and 0 <= scale <= precision:
        return fit, lambda values, settings: fit_numeric_vector(values, precision, scale)
    return fit, None


def _array_length_coercion(
    source: SqlType, target: SqlType, is_explicit: bool
) -> tuple[ScalarCast, VectorCast | None] | None:
    assert target.element is not None
    if source.kind is K.ARRAY and not is_same_type(source, target):
        # The elements' cast has done it.
        return None
    origin = source.element if source.kind is K.ARRAY else target.element.unmodified
    assert origin is not None
    fit = _length_coercion(origin, target.element, is_explicit)
    if fit is None:
        return None
    fit_item = fit[0]

    def fit_array(value: ArrayValue, settings: TextSettings) -> ArrayValue:
        items = tuple(None if item is None else fit_item(item, settings) for item in value.elements)
        return ArrayValue(items, value.dimensions, value.lower_bounds)

    return fit_array, None


def _depends_on_settings(source: SqlType, target: SqlType) -> bool:
    if (source.kind, target.kind) in DEPENDS_ON_SETTINGS:
        return True
    dated = (K.DATE, K.TIME, K.TIMETZ, K.TIMESTAMP, K.TIMESTAMPTZ, K.INTERVAL)
    strings = (K.UNKNOWN, K.TEXT, K.VARCHAR, K.CHAR, K.NAME)
    containers = (K.ARRAY, K.RECORD, K.RANGE, K.MULTIRANGE)
    shown = (*dated, K.REAL, K.DOUBLE, K.BYTEA, K.REGISTERED, *containers)
    if source.kind in strings:
        return target.kind in (*dated, K.REGISTERED, *containers)
    if target.kind in strings:
        return source.kind in shown
    return source.kind in containers


# Types that an index over one of them compares with the others: the families of PostgreSQL's btree operators that have several.
_FAMILIES = (
    frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT}),
    frozenset({TypeKind.REAL, TypeKind.DOUBLE}),
    frozenset({TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ}),
    frozenset({TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.NAME}),
)


def can_refer(child: SqlType, parent: SqlType) -> bool:
    """Whether a column of one type may refer to a key of another: they are of one family, or an implicit cast leads to the key's."""
    if any(child.kind in family and parent.kind in family for family in _FAMILIES):
        return True
    return can_coerce(child, parent)
