"""Constants given another type while a statement is bound.

A value is computed here only if it cannot depend on the session's settings, because plans outlive a SET: a date in ISO form
is read now, `'01/02/2000'` or `'today'` by each execution. What raises for a literal raises now, with its place, as in
PostgreSQL.
"""

from __future__ import annotations

import re
from decimal import Decimal

from lungfish import errors
from lungfish.functions.interrupts import compute
from lungfish.planner.expressions import BoundExpression, CastTo, Constant
from lungfish.types.casts import coerce_length, find_cast, require_find_cast
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import TEXT, UNKNOWN, SqlType, TypeKind
from lungfish.types.text_parse import parse_value

# Spellings that mean the same under every DateStyle, TimeZone and IntervalStyle.
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?")
_ISO_TIMESTAMPTZ = re.compile(
    r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([+-]\d{2}(:?\d{2})?|Z)"
)
_ISO_TIME = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
_PLAIN_INTERVAL = re.compile(r"\d+ *[a-z]+( +\d+ *[a-z]+)*")
_FIXED = {
    TypeKind.DATE: _ISO_DATE,
    TypeKind.TIMESTAMP: _ISO_TIMESTAMP,
    TypeKind.TIMESTAMPTZ: _ISO_TIMESTAMPTZ,
    TypeKind.TIME: _ISO_TIME,
    TypeKind.INTERVAL: _PLAIN_INTERVAL,
}
# Settings that together read what any read: the order of a date's parts, and the signs of an interval's.
_SETTINGS = (
    *(TextSettings(date_order=order, transaction_timestamp=0) for order in ("MDY", "DMY", "YMD")),
    TextSettings(interval_style="sql_standard", transaction_timestamp=0),
)
_NEVER_NOW = frozenset(
    {
        TypeKind.TIMETZ, TypeKind.RECORD, TypeKind.RANGE, TypeKind.MULTIRANGE, TypeKind.REGISTERED,
    }
)  # fmt: skip
_INTEGERS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})


def is_fixed_text(text: str, type_: SqlType) -> bool:
    """Whether the text means the same value of the type under all settings."""
    kind = type_.kind
    if kind is TypeKind.ARRAY and type_.element is not None:
        return type_.element.kind not in _FIXED and type_.element.kind not in _NEVER_NOW
    pattern = _FIXED.get(kind)
    if pattern is None:
        return kind not in _NEVER_NOW
    return pattern.fullmatch(text.strip()) is not None


def read_literal(
    node: Constant, target: SqlType, *, is_explicit: bool, position: int
) -> BoundExpression:
    """A literal of unknown type read as `target`. Raises what the type's input function raises, with the place."""
    text = node.value
    plain = target.unmodified
    if node.position >= 0:
        position = node.position
    if text is None:
        return Constant(None, plain)
    if target.kind is TypeKind.TEXT:
        return Constant(text, target)
    if not is_fixed_text(text, target):
        _refuse_what_nothing_reads(text, target, position)
        # A name is still a literal of its type to who writes the statement back; an interval is read by the fields that it has.
        is_literal = target.kind in (TypeKind.REGISTERED, TypeKind.INTERVAL)
        kind = UNKNOWN if is_literal else TEXT
        return CastTo(Constant(text, kind), target, is_explicit, position)
    try:
        value = compute(parse_value, text, plain, CANONICAL)
    except errors.Error as error:
        error.at(position)
        raise
    if plain is target:
        return Constant(value, plain)
    try:
        return Constant(coerce_length(value, target, is_explicit=is_explicit), target)
    except errors.Error:
        # Too long a text for a column is an error of execution, not of planning.
        return CastTo(Constant(value, plain), target, is_explicit, position)


def _refuse_what_nothing_reads(text: str, type_: SqlType, position: int) -> None:
    """Raise the error of a text that is no value of the type under any settings."""
    if _holds_names(type_):
        return
    failure = None
    # The cast knows an interval's fields too: '1 2' DAY TO HOUR.
    cast = require_find_cast(UNKNOWN, type_, is_explicit=True)
    for settings in _SETTINGS:
        try:
            cast.scalar(text, settings)
        except errors.Error as error:
            failure = failure or error
        else:
            return
    if failure is not None:
        raise failure.at(position)


def is_dated(text: str, type_: SqlType) -> bool:
    """Whether what the text means of the type depends on the session's settings, not on the catalog."""
    return not is_fixed_text(text, type_) and _holds_dates(type_) and not _holds_names(type_)


def _holds_dates(type_: SqlType) -> bool:
    inner = type_.fields if type_.element is None else (type_.element,)
    return type_.kind in _FIXED or type_.kind is TypeKind.TIMETZ or any(map(_holds_dates, inner))


def _holds_names(type_: SqlType) -> bool:
    """Whether values are read with the help of the catalog."""
    if type_.kind is TypeKind.REGISTERED:
        return True
    if type_.element is not None and _holds_names(type_.element):
        return True
    return any(map(_holds_names, type_.fields))


def convert_literal(node: Constant, target: SqlType) -> BoundExpression | None:
    """A typed constant cast to `target`; None where that is left to the execution."""
    value = node.value
    if value is None:
        return Constant(None, target)
    source = node.type.kind
    if target.unmodified is not target:
        return None
    if source in _INTEGERS:
        if target.kind in _INTEGERS:
            return _integer(value, target)
        if target.kind is TypeKind.NUMERIC:
            return Constant(Decimal(value), target)
        if target.kind is TypeKind.DOUBLE:
            return Constant(float(value), target)
    cast = find_cast(node.type, target)
    if cast is None or cast.depends_on_settings:
        return None
    try:
        return Constant(compute(cast.scalar, value, CANONICAL), target)
    except errors.QueryCanceled:
        raise
    except errors.Error:
        # 1e99::integer fails when it is executed, if it is.
        return None


_BOUNDS = {TypeKind.SMALLINT: 2**15, TypeKind.INTEGER: 2**31, TypeKind.BIGINT: 2**63}


def _integer(value: int, target: SqlType) -> Constant | None:
    bound = _BOUNDS[target.kind]
    return Constant(value, target) if -bound <= value < bound else None
