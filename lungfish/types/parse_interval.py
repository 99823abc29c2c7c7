"""Text to intervals: PostgreSQL's verbose form, SQL's own, and ISO 8601's (with and without designators)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lungfish.errors import DatetimeFieldOverflow
from lungfish.types.calendar import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND
from lungfish.types.clock_text import split_clock
from lungfish.types.datetime_errors import DecodingError, Fault, datetime_error
from lungfish.types.datetime_tokens import (
    Field,
    FieldKind,
    FieldSyntaxError,
    Word,
    find_date_word,
    find_unit,
    split_fields,
)
from lungfish.types.parse_interval_iso import decode_iso_interval
from lungfish.types.sql_type import Interval

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)
INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
INFINITE_INTERVAL = Interval(INT32_MAX, INT32_MAX, INT64_MAX)
MINUS_INFINITE_INTERVAL = Interval(INT32_MIN, INT32_MIN, INT64_MIN)

_MICROSECONDS = {
    "microsecond": 1,
    "millisecond": 1000,
    "second": MICROSECONDS_PER_SECOND,
    "minute": 60 * MICROSECONDS_PER_SECOND,
    "hour": 3600 * MICROSECONDS_PER_SECOND,
}
_YEARS = {"year": 1, "decade": 10, "century": 100, "millennium": 1000}
_ALL_SECONDS = frozenset({"second", "millisecond", "microsecond"})
_CLOCK = _ALL_SECONDS | {"hour", "minute"}


class IntervalSum:
    """The parts of an interval while its fields are added up; every addition is checked for overflow."""

    def __init__(self) -> None:
        # Years are kept apart until the end: only then does their sum with the months have to fit.
        self.years = self.months = self.days = self.microseconds = 0

    def add(self, unit: str, value: int, fraction: float) -> None:
        """Add `value` + `fraction` of the unit; fractions of months and days spill into smaller parts."""
        if unit in _MICROSECONDS:
            self._add_microseconds(value * _MICROSECONDS[unit])
            self._add_fraction(fraction, _MICROSECONDS[unit])
        elif unit in ("day", "week"):
            length = 7 if unit == "week" else 1
            self._add_days(value * length)
            if unit == "week":
                self._add_day_fraction(fraction, 7)
            else:
                self._add_fraction(fraction, MICROSECONDS_PER_DAY)
        elif unit == "month":
            self._add_months(value)
            self._add_day_fraction(fraction, 30)
        elif unit in _YEARS:
            self.years += value * _YEARS[unit]
            self._check()
            self._add_months(round(fraction * _YEARS[unit] * 12))
        else:
            raise DecodingError

    def set_clock(self, clock: tuple[int, int, int, int], sign: int) -> None:
        """Set hours, minutes, seconds and microseconds.

        What a fraction of a day or month to the right has left there is lost, as in PostgreSQL: '1:00 0.5 day' is an hour.
        """
        hour, minute, second, microsecond = clock
        total = ((hour * 60 + minute) * 60 + second) * MICROSECONDS_PER_SECOND + microsecond
        self.microseconds = sign * total
        self._check()

    def negate(self) -> None:
        """Turn the sign of every part."""
        self.years, self.months, self.days = -self.years, -self.months, -self.days
        self.microseconds = -self.microseconds
        self._check()

    def interval(self) -> Interval | None:
        """The sum, or None where it is too large. The largest and the least are the infinite ones, as in PostgreSQL."""
        found = Interval(self.years * 12 + self.months, self.days, self.microseconds)
        return found if INT32_MIN <= found.months <= INT32_MAX else None

    def _add_microseconds(self, value: int) -> None:
        self.microseconds += value
        self._check()

    def _add_days(self, value: int) -> None:
        self.days += value
        self._check()

    def _add_months(self, value: int) -> None:
        self.months += value
        self._check()

    def _add_fraction(self, fraction: float, scale: int) -> None:
        if fraction:
            self._add_microseconds(round_half_away(fraction * scale))

    def _add_day_fraction(self, fraction: float, scale: int) -> None:
        if fraction:
            days = fraction * scale
            whole = int(days)
            self._add_days(whole)
            self._add_fraction(days - whole, MICROSECONDS_PER_DAY)

    def _check(self) -> None:
        if not (
            INT32_MIN <= self.years <= INT32_MAX
            and INT32_MIN <= self.months <= INT32_MAX
            and INT32_MIN <= self.days <= INT32_MAX
            and INT64_MIN <= self.microseconds <= INT64_MAX
        ):
            raise DecodingError(Fault.FIELD_OVERFLOW)


def round_half_away(value: float) -> int:
    """Cut off the fraction, but a fraction over one half counts one more."""
    whole = int(value)
    rest = value - whole
    return whole + (1 if rest > 0.5 else -1 if rest < -0.5 else 0)


def parse_interval(text: str, *, fields: str | None = None, style: str = "postgres") -> Interval:
    """An interval. `fields` is the declaration's ("day to second"), which says what a bare number is.

    Raises 22007, 22008, 22015.
    """
    try:
        found = _decode(text, fields, style)
    except DecodingError as error:
        if error.fault is Fault.FIELD_OVERFLOW:
            error = DecodingError(Fault.INTERVAL_OVERFLOW)
        raise datetime_error(error, text, "interval") from error
    if found is None:
        raise DatetimeFieldOverflow("interval out of range")
    return found


def _decode(text: str, fields: str | None, style: str) -> Interval | None:
    total = IntervalSum()
    try:
        special = _decode_fields(split_fields(text), fields, style, total)
    except (FieldSyntaxError, DecodingError) as error:
        if isinstance(error, DecodingError) and error.fault is not Fault.BAD_FORMAT:
            raise
        if not text.startswith("P"):
            raise DecodingError from error
        total = IntervalSum()
        decode_iso_interval(text[1:], total)
        return total.interval()
    return special or total.interval()


def _decode_fields(
    fields: Sequence[Field], declared: str | None, style: str, total: IntervalSum
) -> Interval | None:
    """Read the fields from the right, so that a unit is known before its number."""
    seen: set[str] = set()
    unit: str | None = None
    is_unit_pending = is_ago = False
    special: Interval | None = None
    is_negative = style == "sql_standard" and _has_only_a_leading_minus(fields)
    last_index = len(fields) - 1
    for index in range(last_index, -1, -1):
        field = fields[index]
        if field.kind in (FieldKind.STRING, FieldKind.SPECIAL):
            if is_unit_pending:
                raise DecodingError
            if field.text == "ago":
                if index != last_index:
                    raise DecodingError
                is_ago = True
                # A bare number before it has no unit: not even that of the declaration.
                unit = "ago"
                continue
            unit = find_unit(field.text)
            if unit is not None:
                is_unit_pending = True
                continue
            special = _special_word(field.text, is_last=index == last_index)
            found = frozenset({"everything"})
            if special is not None and seen:
                raise DecodingError
            if special is None:
                continue
        else:
            clock = _as_clock(field, declared)
            if clock is not None:
                sign = -1 if field.text[0] == "-" or is_negative else 1
                total.set_clock(clock, sign)
                found, unit = _CLOCK, "day"
            else:
                unit = unit or _default_unit(declared)
                if "-" in field.text[1:]:
                    # Years-months, after which a number without unit would be months again.
                    unit = "month"
                found = _add_number(field.text, unit, total, is_negative)
                if unit == "hour":
                    # A bare number before hours is days: INTERVAL '1 2' DAY TO HOUR.
                    unit = "day"
            is_unit_pending = False
        if found & seen or "everything" in seen:
            raise DecodingError
        seen |= found
    if not seen or is_unit_pending:
        raise DecodingError
    if is_ago:
        if special is not None:
            return MINUS_INFINITE_INTERVAL if special is INFINITE_INTERVAL else INFINITE_INTERVAL
        total.negate()
    return special


def _has_only_a_leading_minus(fields: Sequence[Field]) -> bool:
    """SQL's rule: one minus before everything holds for all fields."""
    if not fields or fields[0].kind is not FieldKind.TZ or fields[0].text[0] != "-":
        return False
    return all(field.text[0] not in "+-" for field in fields[1:])


def _special_word(text: str, *, is_last: bool) -> Interval | None:
    """The infinite interval that a word names; None for a word without meaning here."""
    word = find_date_word(text)
    if text == "@" or (word is not None and word[0] is Word.IGNORED):
        return None
    if word is None or word[0] is not Word.RESERVED or not is_last:
        raise DecodingError
    if word[1] == "infinity":
        return INFINITE_INTERVAL
    if word[1] == "-infinity":
        return MINUS_INFINITE_INTERVAL
    raise DecodingError


def _as_clock(field: Field, declared: str | None) -> tuple[int, int, int, int] | None:
    is_minutes = declared == "minute to second"
    if field.kind is FieldKind.TIME:
        return split_clock(field.text, is_minute_to_second=is_minutes)
    if field.kind is FieldKind.TZ and ":" in field.text[1:]:
        try:
            return split_clock(field.text[1:], is_minute_to_second=is_minutes)
        except DecodingError:
            return None
    return None


def _default_unit(declared: str | None) -> str:
    return declared.rpartition(" ")[2] if declared else "second"


_NUMBER = re.compile(r"([+-]?)(\d*)(?:(\.\d*)|-(\d*))?", re.ASCII)

_YEAR_MONTH = re.compile(r"[+-]?\d+-(\d+)", re.ASCII)


def _add_number(text: str, unit: str, total: IntervalSum, is_negative: bool) -> frozenset[str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        # A year and a month, whatever follows: the month is looked at first.
        month = _YEAR_MONTH.match(text)
        raise DecodingError(
            Fault.FIELD_OVERFLOW if month and int(month[1]) >= 12 else Fault.BAD_FORMAT
        )
    sign_text, digits, fraction_text, months = match.groups()
    sign = -1 if sign_text == "-" or is_negative else 1
    value = int(digits or "0")
    if not INT64_MIN <= sign * value <= INT64_MAX:
        raise DecodingError(Fault.FIELD_OVERFLOW)
    if months is not None:
        if int(months or "0") >= 12:
            raise DecodingError(Fault.FIELD_OVERFLOW)
        total.add("month", sign * (value * 12 + int(months or "0")), 0.0)
        return frozenset({"month"})
    if not digits and fraction_text is None:
        raise DecodingError
    fraction = float("0" + fraction_text) if fraction_text and len(fraction_text) > 1 else 0.0
    total.add(unit, sign * value, sign * fraction)
    if unit == "second" and fraction:
        return _ALL_SECONDS
    return frozenset({unit})
