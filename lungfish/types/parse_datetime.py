"""Text to dates, times and timestamps, in every spelling that PostgreSQL takes."""

from __future__ import annotations

import re

from lungfish.errors import DatetimeFieldOverflow
from lungfish.types.calendar import (
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    days_from_civil,
    days_in_month,
    is_valid_date,
    is_valid_timestamp,
)
from lungfish.types.clock_text import split_clock
from lungfish.types.datetime_errors import DecodingError, datetime_error
from lungfish.types.datetime_tokens import FieldSyntaxError, split_fields
from lungfish.types.decode_datetime import DateTimeDecoder, Part
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import (
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    MINUS_INFINITE_DATE,
    MINUS_INFINITE_TIMESTAMP,
)

# The words whose value depends on the clock: a text with one of them is no constant.
CLOCK_WORDS = re.compile(r"(?<![a-z])(now|today|tomorrow|yesterday)(?![a-z])", re.IGNORECASE)
# The usual spellings, read without the general decoder.
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_ISO_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?", re.ASCII
)


def parse_date(text: str, settings: TextSettings = CANONICAL) -> int:
    """Days since 1970-01-01. Raises 22007, 22008, 22009, 22023."""
    match = _ISO_DATE.fullmatch(text)
    if match is not None:
        year, month, day = (int(group) for group in match.groups())
        if year and 1 <= month <= 12 and 1 <= day <= days_in_month(year, month):
            return days_from_civil(year, month, day)
    decoder = _decode(text, settings, "date")
    if decoder.special is not None:
        return {"infinity": INFINITE_DATE, "-infinity": MINUS_INFINITE_DATE, "epoch": 0}[
            decoder.special
        ]
    days = days_from_civil(decoder.year, decoder.month, decoder.day)
    if not is_valid_date(days):
        raise DatetimeFieldOverflow(f'date out of range: "{text}"')
    return days


def parse_timestamp(text: str, settings: TextSettings = CANONICAL) -> int:
    """Microseconds since 1970-01-01; a zone in the text is read and forgotten."""
    match = _ISO_TIMESTAMP.fullmatch(text)
    if match is not None:
        found = _quick_timestamp(match)
        if found is not None:
            return found
    decoder = _decode(text, settings, "timestamp")
    special = _special_timestamp(decoder)
    if special is not None:
        return special
    return _in_range(decoder.local_timestamp(), text)


def parse_timestamptz(text: str, settings: TextSettings = CANONICAL) -> int:
    """The instant in microseconds since 1970-01-01 UTC; without a zone in the text the session's holds."""
    decoder = _decode(text, settings, "timestamp with time zone")
    special = _special_timestamp(decoder)
    if special is not None:
        return special
    local = decoder.local_timestamp()
    return _in_range(local - _zone_offset(decoder, local, text) * MICROSECONDS_PER_SECOND, text)


def parse_time(text: str, settings: TextSettings = CANONICAL) -> int:
    """Microseconds since midnight."""
    return _decode_time(text, settings, "time").clock_microseconds()


def parse_timetz(text: str, settings: TextSettings = CANONICAL) -> tuple[int, int]:
    """Microseconds since midnight, and seconds west of Greenwich."""
    type_name = "time with time zone"
    decoder = _decode_time(text, settings, type_name)
    clock = decoder.clock_microseconds()
    if decoder.offset is not None:
        return clock, -decoder.offset
    if Part.DATE in decoder.seen:
        return clock, -decoder.zone_offset(decoder.local_timestamp())
    if decoder.zone is not None and decoder.zone.fixed_offset is None:
        # Which offset a zone has depends on a date.
        raise datetime_error(DecodingError(), text, type_name)
    zone = decoder.zone or settings.time_zone
    today = (settings.transaction_timestamp or 0) // MICROSECONDS_PER_DAY * MICROSECONDS_PER_DAY
    return clock, -zone.offset_of_local(today + clock)


def read_timetz(text: str) -> tuple[int, int]:
    """What `format_timetz` wrote: also offsets that input refuses, which moving between zones can give."""
    place = max(text.rfind("+"), text.rfind("-"))
    hour, minute, second, microsecond = split_clock(text[:place])
    parts = [int(part) for part in text[place + 1 :].split(":")]
    hours, minutes, seconds = (*parts, 0, 0)[:3]
    east = (hours * 60 + minutes) * 60 + seconds
    clock = ((hour * 60 + minute) * 60 + second) * MICROSECONDS_PER_SECOND + microsecond
    return clock, east if text[place] == "-" else -east


def _quick_timestamp(match: re.Match[str]) -> int | None:
    year, month, day, hour, minute, second = (int(group) for group in match.groups()[:6])
    if not (year and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return None
    if not 1 <= day <= days_in_month(year, month):
        return None
    fraction = match[7]
    microsecond = int(fraction.ljust(6, "0")) if fraction else 0
    seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    return seconds * MICROSECONDS_PER_SECOND + microsecond


def _decode(text: str, settings: TextSettings, type_name: str) -> DateTimeDecoder:
    decoder = DateTimeDecoder(settings)
    try:
        decoder.decode(split_fields(text))
        if decoder.special is None and decoder.seen & Part.DATE != Part.DATE:
            raise DecodingError
    except FieldSyntaxError as error:
        raise datetime_error(DecodingError(), text, type_name) from error
    except DecodingError as error:
        raise datetime_error(error, text, type_name) from error
    return decoder


def _decode_time(text: str, settings: TextSettings, type_name: str) -> DateTimeDecoder:
    decoder = DateTimeDecoder(settings, is_time_only=True)
    try:
        decoder.decode(split_fields(text))
        if decoder.special is not None or Part.TIME not in decoder.seen:
            raise DecodingError
        decoder.check_clock()
        if decoder.zone is not None and Part.DATE not in decoder.seen:
            if decoder.zone.fixed_offset is None:
                raise DecodingError
    except FieldSyntaxError as error:
        raise datetime_error(DecodingError(), text, type_name) from error
    except DecodingError as error:
        raise datetime_error(error, text, type_name) from error
    return decoder


def _special_timestamp(decoder: DateTimeDecoder) -> int | None:
    match decoder.special:
        case "infinity":
            return INFINITE_TIMESTAMP
        case "-infinity":
            return MINUS_INFINITE_TIMESTAMP
        case "epoch":
            return 0
    return None


def _zone_offset(decoder: DateTimeDecoder, local: int, text: str) -> int:
    try:
        return decoder.zone_offset(local)
    except DecodingError as error:
        raise datetime_error(error, text, "timestamp with time zone") from error


def _in_range(timestamp: int, text: str) -> int:
    if not is_valid_timestamp(timestamp):
        raise DatetimeFieldOverflow(f'timestamp out of range: "{text}"')
    return timestamp
