"""Small pieces of date and time input: integers, fractions of a second, clock times and zone offsets."""

from __future__ import annotations

import re

from lungfish.types.calendar import MICROSECONDS_PER_SECOND
from lungfish.types.datetime_errors import DecodingError, Fault

_INT32_MAX = 2**31 - 1
ZONE_HOURS_MAX = 15


def parse_int(text: str) -> int:
    """The integer of ASCII digits; raises BAD_FORMAT or, past 32 bits, FIELD_OVERFLOW."""
    if not text or not text.isascii() or not text.lstrip("+-").isdigit():
        raise DecodingError
    value = int(text)
    if abs(value) > _INT32_MAX:
        raise DecodingError(Fault.FIELD_OVERFLOW)
    return value


def parse_fraction(text: str) -> int:
    """Microseconds of `.5` and the like, rounded."""
    digits = text[1:]
    if not digits:
        return 0
    if not digits.isascii() or not digits.isdigit():
        raise DecodingError
    return round(float("0." + digits) * 1_000_000)


_ZONE = re.compile(r"[+-](\d+)(?::(\d+)(?::(\d+))?)?", re.ASCII)


def parse_zone_offset(text: str) -> int:
    """Seconds east of `+05`, `-0530`, `+05:30:15`."""
    match = _ZONE.match(text)
    if match is None:
        raise DecodingError
    try:
        hours, minutes, seconds = (parse_int(part or "0") for part in match.groups())
    except DecodingError as error:
        # More digits than an integer holds.
        raise DecodingError(Fault.ZONE_OVERFLOW) from error
    if match[2] is None and match.end() == len(text) and len(text) > 3:
        hours, minutes = divmod(hours, 100)
    if hours > ZONE_HOURS_MAX or minutes > 59 or seconds > 59:
        raise DecodingError(Fault.ZONE_OVERFLOW)
    if match.end() != len(text):
        raise DecodingError
    offset = (hours * 60 + minutes) * 60 + seconds
    return -offset if text[0] == "-" else offset


def split_clock(text: str, *, is_minute_to_second: bool = False) -> tuple[int, int, int, int]:
    """Hour, minute, second and microsecond of `1:02`, `1:02:03.4`; the hour is not limited here."""
    pieces = text.split(":")
    if len(pieces) not in (2, 3) or not pieces[0].isdigit():
        raise DecodingError
    hour = int(pieces[0])
    second_text = pieces[2] if len(pieces) == 3 else None
    minute_text, point, rest = pieces[1].partition(".")
    second = microsecond = 0
    minute = parse_int(minute_text or "0")
    if second_text is not None:
        if point:
            raise DecodingError
        whole, point, rest = second_text.partition(".")
        second = parse_int(whole or "0")
        microsecond = parse_fraction(point + rest)
    elif point or is_minute_to_second:
        # mm:ss.sss has no hour.
        hour, minute, second = 0, hour, minute
        microsecond = parse_fraction(point + rest)
    if minute > 59 or second > 60 or microsecond > MICROSECONDS_PER_SECOND:
        raise DecodingError(Fault.FIELD_OVERFLOW)
    return hour, minute, second, microsecond
