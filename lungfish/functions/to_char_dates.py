"""to_char of timestamps and intervals, after PostgreSQL's formatting.c (`DCH_to_char`)."""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.errors import InvalidDatetimeFormat
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.format_templates import PieceKind, date_template, ordinal_suffix
from lungfish.functions.interval_math import is_infinite as is_infinite_interval
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.calendar import (
    DAY_NAMES,
    EPOCH_JULIAN_DAY,
    MICROSECONDS_PER_SECOND,
    MONTH_NAMES,
    day_of_week,
    day_of_year,
    days_from_civil,
    is_infinite_timestamp,
    iso_week_start,
    iso_year_and_week,
    split_timestamp,
)
from lungfish.types.sql_type import INTERVAL, TEXT, TIMESTAMP, TIMESTAMPTZ, Interval

ROMAN_MONTHS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
# Those that need a calendar date, which an interval has not.
_CALENDAR_ONLY = frozenset(
    {"TZ", "TZH", "TZM", "OF", "A.D.", "AD", "B.C.", "BC", "MONTH", "MON", "DAY", "DY", "D", "ID"}
)
_ALIGNED_NAME = 9


@dataclass(frozen=True, slots=True)
class Moment:
    """What a template is filled from. Of an interval the fields may be negative, and there is no zone."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int
    day_of_year: int
    # Seconds east of UTC and the zone's abbreviation; None of a timestamp without zone.
    offset: int | None = None
    zone: str = ""
    is_interval: bool = False


def fill_template(moment: Moment, template: str) -> str:
    """The template with its patterns filled. Raises 22007 for a pattern that an interval does not have."""
    written: list[str] = []
    for piece in date_template(template):
        if piece.kind is not PieceKind.PATTERN:
            written.append(piece.text)
            continue
        upper = piece.text.upper()
        if moment.is_interval and upper in _CALENDAR_ONLY:
            raise InvalidDatetimeFormat(
                "invalid format specification for an interval value",
                hint="Intervals are not tied to specific calendar dates.",
            )
        text = _word(moment, piece.text, upper, piece.is_fill)
        if text is None:
            text = _number(moment, upper, piece.is_fill)
            if piece.ordinal and text:
                text += ordinal_suffix(text, is_upper=piece.ordinal == "TH")
        written.append(text)
    return "".join(written)


def _word(moment: Moment, spelled: str, upper: str, is_fill: bool) -> str | None:
    """A pattern that is filled with a word, in the case of its spelling; None for the others."""
    match upper:
        case "AM" | "PM" | "A.M." | "P.M.":
            # The remainder has the sign of the hour, as C's.
            text = "PM" if moment.hour >= 0 and moment.hour % 24 >= 12 else "AM"
            return _like(f"{text[0]}.{text[1]}." if "." in upper else text, spelled)
        case "AD" | "BC" | "A.D." | "B.C.":
            text = "BC" if moment.year <= 0 else "AD"
            return _like(f"{text[0]}.{text[1]}." if "." in upper else text, spelled)
        case "MONTH" | "DAY":
            name = MONTH_NAMES[moment.month - 1] if upper == "MONTH" else _day_name(moment)
            return _like(name, spelled).ljust(0 if is_fill else _ALIGNED_NAME)
        case "MON" | "DY":
            name = MONTH_NAMES[moment.month - 1] if upper == "MON" else _day_name(moment)
            return _like(name[:3], spelled)
        case "RM":
            if not moment.month and not moment.year:
                return ""
            index = (
                (moment.month - (moment.month > 0)) % 12
                if moment.month
                else (11 if moment.year >= 0 else 0)
            )
            return _like(ROMAN_MONTHS[index], spelled).ljust(0 if is_fill else 4)
        case "TZ":
            return moment.zone if spelled == "TZ" else moment.zone.lower()
        case "TZH" | "TZM" | "OF":
            return _zone_part(moment.offset or 0, upper, is_fill)
        case "FX":
            return ""
    return None


def _like(text: str, spelled: str) -> str:
    """The text in the case of the pattern's spelling."""
    if spelled.islower():
        return text.lower()
    return text.upper() if spelled.isupper() else text


def _day_name(moment: Moment) -> str:
    return DAY_NAMES[day_of_week(days_from_civil(moment.year, moment.month, moment.day))]


def _zone_part(offset: int, upper: str, is_fill: bool) -> str:
    sign, size = ("-" if offset < 0 else "+"), abs(offset)
    hours, minutes = size // 3600, size % 3600 // 60
    if upper == "TZM":
        return f"{minutes:02d}"
    text = f"{sign}{hours}" if is_fill and upper == "OF" else f"{sign}{hours:02d}"
    return f"{text}:{minutes:02d}" if upper == "OF" and minutes else text


def _number(moment: Moment, upper: str, is_fill: bool) -> str:
    match upper:
        case "HH" | "HH12":
            # The remainder has the sign of the hour, as C's.
            hour = abs(moment.hour) % 12 * (-1 if moment.hour < 0 else 1)
            return _padded(hour or 12, 2, is_fill, sign_of=moment.hour)
        case "HH24":
            return _padded(moment.hour, 2, is_fill)
        case "MI":
            return _padded(moment.minute, 2, is_fill)
        case "SS":
            return _padded(moment.second, 2, is_fill)
        case "MS":
            return _fraction(moment.microsecond, 3)
        case "US":
            return _fraction(moment.microsecond, 6)
        case "SSSS" | "SSSSS":
            return str(moment.hour * 3600 + moment.minute * 60 + moment.second)
        case _ if upper.startswith("FF"):
            return _fraction(moment.microsecond, int(upper[2]))
        case _:
            return _date_number(moment, upper, is_fill)


def _fraction(microsecond: int, digits: int) -> str:
    size = abs(microsecond) // 10 ** (6 - digits)
    return f"{-size if microsecond < 0 else size:0{digits}d}"


def _padded(number: int, width: int, is_fill: bool, *, sign_of: int | None = None) -> str:
    """Zeros in front up to the width, one more for a sign."""
    if is_fill:
        return str(number)
    is_negative = (number if sign_of is None else sign_of) < 0
    return f"{number:0{width + is_negative}d}"


def _cut(number: int, unit: int) -> int:
    """The quotient towards zero, as C has it: an interval's parts may be negative."""
    return -(-number // unit) if number < 0 else number // unit


def _zeros(number: int, width: int, is_fill: bool) -> str:
    """Zeros in front up to the width, a sign counted in."""
    return str(number) if is_fill else f"{number:0{width}d}"


def _date_number(moment: Moment, upper: str, is_fill: bool) -> str:
    match upper:
        case "MM":
            return _padded(moment.month, 2, is_fill)
        case "DD":
            return _zeros(moment.day, 2, is_fill)
        case "DDD":
            return _zeros(moment.day_of_year, 3, is_fill)
        case "WW":
            return _zeros(_cut(moment.day_of_year - 1, 7) + 1, 2, is_fill)
        case "W":
            return str(_cut(moment.day - 1, 7) + 1)
        case "Q":
            return str(_cut(moment.month - 1, 3) + 1) if moment.month else ""
        case "D" | "ID":
            weekday = day_of_week(days_from_civil(moment.year, moment.month, moment.day))
            return str(weekday + 1) if upper == "D" else str(weekday or 7)
        case "CC":
            return _century(moment, is_fill)
        case "J":
            return str(_days(moment) + EPOCH_JULIAN_DAY)
        case "IDDD":
            iso_year, _ = iso_year_and_week(moment.year, moment.month, moment.day)
            return _zeros(_days(moment) - iso_week_start(iso_year, 1) + 1, 3, is_fill)
        case "IW":
            return _padded(iso_year_and_week(moment.year, moment.month, moment.day)[1], 2, is_fill)
        case _:
            return _year(moment, upper, is_fill)


def _days(moment: Moment) -> int:
    """The date's number; an interval's months and days counted from year 0, as they stand."""
    month = moment.month if moment.month > 0 else moment.month + 12
    year = moment.year if moment.month > 0 else moment.year - 1
    return days_from_civil(year, month, 1) + moment.day - 1


def _century(moment: Moment, is_fill: bool) -> str:
    year = moment.year
    if moment.is_interval:
        century = abs(year) // 100 * (-1 if year < 0 else 1)
    else:
        # Year 0 is 1 BC: the first century before is -1.
        century = (year - 1) // 100 + 1 if year > 0 else -(-year // 100) - 1
    return _padded(century, 2, is_fill) if abs(century) <= 99 else str(century)


def _year(moment: Moment, upper: str, is_fill: bool) -> str:
    year = moment.year
    if upper.startswith("I"):
        year, _ = iso_year_and_week(moment.year, moment.month, moment.day)
    if not moment.is_interval and year <= 0:
        year = 1 - year
    if upper == "Y,YYY":
        thousands = _cut(year, 1000)
        return f"{thousands},{year - thousands * 1000:03d}"
    digits = len(upper)
    if digits < 4:
        size = abs(year) % 10**digits
        year = -size if year < 0 else size
    if digits == 1:
        return str(year)
    # An ISO year has room for the sign of the year itself.
    return _padded(year, digits, is_fill, sign_of=moment.year if moment.is_interval else 0)


def _moment_of(local: int, *, offset: int | None = None, zone: str = "") -> Moment:
    civil = split_timestamp(local)
    number = day_of_year(civil.year, civil.month, civil.day)
    return Moment(*civil, number, offset, zone)


def timestamp_to_char(timestamp: int, template: str) -> str | None:
    """NULL for infinity and for an empty template, as in PostgreSQL."""
    if not template or is_infinite_timestamp(timestamp):
        return None
    return fill_template(_moment_of(timestamp), template)


def _timestamptz_to_char(context: FunctionContext, instant: int, template: str) -> str | None:
    if not template or is_infinite_timestamp(instant):
        return None
    zone = text_settings(context).time_zone
    moment = _moment_of(
        zone.to_local(instant), offset=zone.offset_at(instant), zone=zone.abbreviation_at(instant)
    )
    return fill_template(moment, template)


def interval_to_char(value: Interval, template: str) -> str | None:
    """An interval's parts as they stand."""
    if not template or is_infinite_interval(value):
        return None
    year, month, day, hour, minute, second, microsecond = _interval_parts(value)
    days = (year * 12 + month) * 30 + day
    moment = Moment(year, month, day, hour, minute, second, microsecond, days, is_interval=True)
    return fill_template(moment, template)


def _interval_parts(value: Interval) -> tuple[int, int, int, int, int, int, int]:
    def cut(number: int, unit: int) -> tuple[int, int]:
        size = abs(number) // unit
        whole = -size if number < 0 else size
        return whole, number - whole * unit

    year, month = cut(value.months, 12)
    hour, rest = cut(value.microseconds, 3600 * MICROSECONDS_PER_SECOND)
    minute, rest = cut(rest, 60 * MICROSECONDS_PER_SECOND)
    second, microsecond = cut(rest, MICROSECONDS_PER_SECOND)
    return year, month, value.days, hour, minute, second, microsecond


FUNCTIONS: tuple[Function, ...] = (
    Function("to_char", (TIMESTAMP, TEXT), TEXT, timestamp_to_char, volatility=Volatility.STABLE),
    Function(
        "to_char",
        (TIMESTAMPTZ, TEXT),
        TEXT,
        _timestamptz_to_char,
        volatility=Volatility.STABLE,
        needs_context=True,
    ),
    Function("to_char", (INTERVAL, TEXT), TEXT, interval_to_char, volatility=Volatility.STABLE),
)
