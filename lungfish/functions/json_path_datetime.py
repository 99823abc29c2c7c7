"""Dates and times as items of a JSON path: what .datetime(), .date(), .time() and their kin make of strings.

JSON has no such values: outside of the path they are strings in ISO 8601. Conversions and comparisons between a type with a time
zone and one without depend on the session's zone, and so are refused unless the function called ends in `_tz`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass

from lungfish.errors import DataError, FeatureNotSupported, InvalidJsonDatetimeArgument
from lungfish.functions.to_date import read_datetime
from lungfish.types.calendar import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND
from lungfish.types.casts import cast_value, coerce_length
from lungfish.types.compare import compare_values
from lungfish.types.format_datetime import format_date, format_time, format_timestamp
from lungfish.types.json_path import Method
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import (
    DATE,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    SqlType,
    TypeKind,
)
from lungfish.types.text_format import format_value
from lungfish.types.time_zones import offset_text

# What each method gives.
TARGETS: dict[str, SqlType] = {
    "date": DATE,
    "time": TIME,
    "time_tz": TIMETZ,
    "timestamp": TIMESTAMP,
    "timestamp_tz": TIMESTAMPTZ,
}
METHODS = frozenset({"datetime", *TARGETS})
# PostgreSQL's short names, for its messages.
_NAMES = {
    TypeKind.DATE: "date",
    TypeKind.TIME: "time",
    TypeKind.TIMETZ: "timetz",
    TypeKind.TIMESTAMP: "timestamp",
    TypeKind.TIMESTAMPTZ: "timestamptz",
}
_ZONED = frozenset({TypeKind.TIMETZ, TypeKind.TIMESTAMPTZ})
PRECISION_MAX = 6
# The templates that a string is tried by, as the SQL standard lists them.
_DATE, _CLOCKS = "yyyy-mm-dd", ("HH24:MI:SS.USTZ", "HH24:MI:SSTZ", "HH24:MI:SS.US", "HH24:MI:SS")
_TEMPLATES = (
    _DATE,
    *_CLOCKS,
    *(f"{_DATE} {clock}" for clock in _CLOCKS),
    *(f'{_DATE}"T"{clock}' for clock in _CLOCKS),
)


@dataclass(frozen=True, slots=True)
class JsonDatetime:
    """An item; `value` is the type's internal value, `offset` the seconds east of UTC in which an instant is shown."""

    type: SqlType
    value: int | tuple[int, int]
    offset: int = 0

    def text(self) -> str:
        """ISO 8601."""
        value = self.value
        if isinstance(value, tuple):
            microseconds, west = value
            return format_time(microseconds) + _long_offset(-west)
        kind = self.type.kind
        if kind is TypeKind.DATE:
            return format_date(value)
        if kind is TypeKind.TIME:
            return format_time(value)
        if kind is TypeKind.TIMESTAMP:
            return format_timestamp(value).replace(" ", "T", 1)
        local = format_timestamp(value + self.offset * MICROSECONDS_PER_SECOND)
        return local.replace(" ", "T", 1) + _long_offset(self.offset)

    def plain_text(self, settings: TextSettings) -> str:
        """As the type's own output writes it."""
        return format_value(self.value, self.type, settings)


def _long_offset(offset: int) -> str:
    """An offset with its minutes, which ISO 8601 always has."""
    text = offset_text(offset)
    return text if ":" in text else f"{text}:00"


def datetime_item(
    name: str, text: str, template: str | None, precision: int | None, settings: TextSettings | None
) -> JsonDatetime:
    """What the method `name` makes of a string; `settings` None where time zones must not be used. Raises 22031, 22007."""
    if template is not None:
        return _from_template(text, template)
    found = _read_iso(text)
    if found is None:
        hint = "Use a datetime template argument to specify the input data format."
        raise InvalidJsonDatetimeArgument(
            f'{name} format is not recognized: "{text}"', hint=hint if name == "datetime" else None
        )
    target = TARGETS.get(name)
    if target is None:
        return found
    converted = _convert(found, target, settings)
    if converted is None:
        raise InvalidJsonDatetimeArgument(f'{name} format is not recognized: "{text}"')
    if precision is None or name == "date":
        return converted
    fitted = SqlType(target.kind, (min(precision, PRECISION_MAX),))
    value = coerce_length(converted.value, fitted)
    return JsonDatetime(converted.type, value, converted.offset)


def _from_template(text: str, template: str) -> JsonDatetime:
    days, microseconds, offset = read_datetime(text, template)
    if microseconds is None:
        assert days is not None, "a template has fields of a date or of a time"
        return JsonDatetime(DATE, days)
    if days is None:
        if offset is None:
            return JsonDatetime(TIME, microseconds)
        return JsonDatetime(TIMETZ, (microseconds, -offset))
    local = days * MICROSECONDS_PER_DAY + microseconds
    if offset is None:
        return JsonDatetime(TIMESTAMP, local)
    return JsonDatetime(TIMESTAMPTZ, local - offset * MICROSECONDS_PER_SECOND, offset)


def _read_iso(text: str) -> JsonDatetime | None:
    """A date, a time or both, in ISO 8601; None for anything else."""
    for template in _TEMPLATES:
        if any((mark in template) is not (mark in text) for mark in ":."):
            continue
        try:
            return _from_template(text, template)
        except DataError:
            continue
    return None


def _convert(
    item: JsonDatetime, target: SqlType, settings: TextSettings | None
) -> JsonDatetime | None:
    """The item as another type; None where there is no such conversion. Raises 0A000 where it needs a time zone."""
    source = item.type
    if source.kind is target.kind:
        return item
    is_clock = source.kind in (TypeKind.TIME, TypeKind.TIMETZ)
    if target.kind in (TypeKind.TIME, TypeKind.TIMETZ):
        if source.kind is TypeKind.DATE:
            return None
        if target.kind is TypeKind.TIMETZ and source.kind is TypeKind.TIMESTAMP:
            return None
    elif is_clock:
        return None
    if (source.kind in _ZONED) is not (target.kind in _ZONED):
        _require_zone(source, target, settings)
    zoned = settings or CANONICAL
    value = cast_value(item.value, source, target, zoned, is_explicit=True)
    offset = zoned.time_zone.offset_at(value) if target.kind is TypeKind.TIMESTAMPTZ else 0
    return JsonDatetime(target, value, offset)


def _require_zone(source: SqlType, target: SqlType, settings: TextSettings | None) -> None:
    if settings is None:
        raise FeatureNotSupported(
            f"cannot convert value from {_NAMES[source.kind]} to {_NAMES[target.kind]}"
            " without time zone usage",
            hint="Use *_tz() function for time zone support.",
        )


def uses_datetimes(node: object) -> bool:
    """Whether a path, or a part of one, makes dates or times."""
    if isinstance(node, tuple):
        return any(map(uses_datetimes, node))
    if not is_dataclass(node):
        return False
    if isinstance(node, Method) and node.name in METHODS:
        return True
    return any(uses_datetimes(getattr(node, field.name)) for field in fields(node))


def compare_datetimes(
    left: JsonDatetime, right: JsonDatetime, settings: TextSettings | None
) -> int | None:
    """-1, 0 or 1; None for a date beside a time. Raises 0A000 where a time zone decides."""
    if left.type != right.type:
        order = (TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP, *_ZONED)
        # The wider of the two is what both become.
        clocks = (TypeKind.TIME, TypeKind.TIMETZ)
        if (left.type.kind in clocks) is not (right.type.kind in clocks):
            return None
        target = max(left.type, right.type, key=lambda each: order.index(each.kind))
        one, other = (_convert(each, target, settings) for each in (left, right))
        if one is None or other is None:
            return None
        left, right = one, other
    return compare_values(left.value, right.value, left.type)
