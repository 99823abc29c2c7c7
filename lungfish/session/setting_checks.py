"""What each setting accepts, and how it is written back: durations, amounts of memory, words, zones, styles of dates."""

from __future__ import annotations

import re
from collections.abc import Callable

from lungfish.errors import FeatureNotSupported, InvalidParameterValue
from lungfish.types.time_zones import TimeZone, find_zone, fixed_zone_name

Check = Callable[[str, str], str]
_TRUE = {"on", "true", "yes", "1", "t", "y"}
_FALSE = {"off", "false", "no", "0", "f", "n"}
# Numbers as C reads them: 0x10 and 010 are sixteen and eight; a fraction or an exponent makes a decimal of it.
_NUMBER = re.compile(
    r"\s*([+-]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<decimal>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))\s*(.*?)\s*",
    re.ASCII | re.DOTALL,
)
# No setting is as large, in any unit.
_WORD = 1 << 64
# An amount of memory without a unit is in kB.
_MEMORY_UNITS = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_WORK_MEM_KB_MIN, _WORK_MEM_KB_MAX = 64, (1 << 31) - 1
_UNITS_MS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def _amount(text: str) -> tuple[float, str] | None:
    """A number and the unit behind it; None if there is no number, or one of more than 64 bits."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    digits = found["decimal"]
    number: float
    if digits is None:
        number = int(found["hex"], 16)
    elif digits.startswith("0") and digits.isdigit():
        if not set(digits) <= set("01234567"):
            return None
        number = int(digits, 8)
    else:
        number = float(digits)
    if number >= _WORD:
        return None
    return -number if found[1] == "-" else number, found[4]


def check_boolean(name: str, value: str) -> str:
    """on or off, in any of the words for them."""
    word = value.lower()
    if word in _TRUE:
        return "on"
    if word in _FALSE:
        return "off"
    raise InvalidParameterValue(f'parameter "{name}" requires a Boolean value')


def check_milliseconds(name: str, value: str) -> str:
    """A duration; written back in milliseconds, as PostgreSQL shows 0 and whole seconds otherwise."""
    found = _amount(value)
    if found is None or (found[1] or "ms") not in _UNITS_MS:
        raise InvalidParameterValue(f'invalid value for parameter "{name}": "{value}"')
    whole = round(found[0] * _UNITS_MS[found[1] or "ms"])
    if whole >= 2**31:
        raise InvalidParameterValue(
            f'invalid value for parameter "{name}": "{value}"', hint="Value exceeds integer range."
        )
    if whole < 0:
        raise InvalidParameterValue(
            f'{whole} ms is outside the valid range for parameter "{name}" (0 ms .. 2147483647 ms)'
        )
    if whole == 0:
        return "0"
    for suffix, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if whole % size == 0:
            return f"{whole // size}{suffix}"
    return f"{whole}ms"


def milliseconds_of(value: str) -> float:
    """The number of milliseconds in a duration that `check_milliseconds` wrote; 0 stands for no limit."""
    digits = value.rstrip("dhmins")
    return float(digits) * _UNITS_MS[value[len(digits) :] or "ms"]


def check_integer(name: str, value: str) -> str:
    """A whole number of 32 bits; a fraction is rounded."""
    found = _amount(value)
    if found is None or found[1] or not -(2**31) <= round(found[0]) < 2**31:
        raise InvalidParameterValue(f'invalid value for parameter "{name}": "{value}"')
    return str(round(found[0]))


def check_float_digits(name: str, value: str) -> str:
    """The digits of floats beyond those that are always right."""
    found = check_integer(name, value)
    if not -15 <= int(found) <= 3:
        raise InvalidParameterValue(
            f'{found} is outside the valid range for parameter "{name}" (-15 .. 3)'
        )
    return found


def check_number(name: str, value: str) -> str:
    """A number, kept as it was written."""
    try:
        float(value)
    except ValueError:
        raise InvalidParameterValue(f'invalid value for parameter "{name}": "{value}"') from None
    return value


def check_text(name: str, value: str) -> str:
    """Any text."""
    return value


def check_memory(name: str, value: str) -> str:
    """An amount of memory, written back in the largest unit that it is a whole number of, as PostgreSQL does."""
    found = _amount(value)
    unit = "kB" if found is None or not found[1] else found[1]
    if found is None or unit not in _MEMORY_UNITS:
        hint = None
        if found is not None:
            hint = 'Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".'
        raise InvalidParameterValue(
            f'invalid value for parameter "{name}": "{value}"', hint=hint
        ) from None
    size_kb = round(found[0] * _MEMORY_UNITS[unit] / 1024)
    if not _WORK_MEM_KB_MIN <= size_kb <= _WORK_MEM_KB_MAX:
        raise InvalidParameterValue(
            f'{size_kb} kB is outside the valid range for parameter "{name}"'
            f" ({_WORK_MEM_KB_MIN} kB .. {_WORK_MEM_KB_MAX} kB)"
        )
    for name_of_unit in ("TB", "GB", "MB"):
        if size_kb * 1024 % _MEMORY_UNITS[name_of_unit] == 0:
            return f"{size_kb * 1024 // _MEMORY_UNITS[name_of_unit]}{name_of_unit}"
    return f"{size_kb}kB"


def bytes_of(value: str) -> int:
    """The number of bytes in an amount that `check_memory` wrote."""
    return int(value[:-2]) * _MEMORY_UNITS[value[-2:]]


# A zone as hours east of UTC.
_HOURS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


def session_zone(value: str) -> TimeZone:
    """The zone of a session, by its name or specification; an abbreviation does not name one. Raises 22023."""
    zone = find_zone(value)
    if zone is None:
        raise InvalidParameterValue(f'invalid value for parameter "TimeZone": "{value}"')
    return zone


def check_time_zone(_name: str, value: str) -> str:
    """A zone by its name, or as hours east of UTC."""
    hours = _HOURS.fullmatch(value.strip())
    if hours is not None:
        return fixed_zone_name(round(float(value) * 3600))
    zone = session_zone(value)
    if zone.fixed_offset is not None and zone.fixed_offset % 60:
        raise InvalidParameterValue(
            f'time zone "{value}" appears to use leap seconds',
            detail="PostgreSQL does not support leap seconds.",
        )
    return zone.name


_DATE_STYLES = {"iso": "ISO", "sql": "SQL", "postgres": "Postgres", "german": "German"}
_DATE_ORDERS = {
    **dict.fromkeys(("mdy", "us", "noneuro", "noneuropean"), "MDY"),
    **dict.fromkeys(("dmy", "euro", "european"), "DMY"),
    "ymd": "YMD",
}


def check_date_style(name: str, value: str) -> str:
    """A style of dates and an order of their fields, over the usual ones."""
    return date_style_over("ISO, MDY", value)


def date_style_over(before: str, value: str) -> str:
    """DateStyle as SET says; what it does not speak of stays as before."""
    style: str | None = None
    order: str | None = None
    problem = InvalidParameterValue(f'invalid value for parameter "DateStyle": "{value}"')
    for word in value.replace(",", " ").lower().split():
        folded = "postgres" if word.startswith("postgres") else word
        if word == "default":
            before = "ISO, MDY"
        elif folded in _DATE_STYLES:
            if style not in (None, _DATE_STYLES[folded]):
                problem.detail = 'Conflicting "DateStyle" specifications.'
                raise problem
            style = _DATE_STYLES[folded]
        elif folded in _DATE_ORDERS:
            if order not in (None, _DATE_ORDERS[folded]):
                problem.detail = 'Conflicting "DateStyle" specifications.'
                raise problem
            order = _DATE_ORDERS[folded]
        else:
            problem.detail = f'Unrecognized key word: "{word}".'
            raise problem
    if style == "German" and order is None:
        order = "DMY"
    old_style, old_order = before.split(", ")
    return f"{style or old_style}, {order or old_order}"


def one_of(*words: str) -> Callable[[str, str], str]:
    """One of some words."""

    def check(name: str, value: str) -> str:
        if value.lower() not in words:
            raise InvalidParameterValue(
                f'invalid value for parameter "{name}": "{value}"',
                hint=f"Available values: {', '.join(words)}.",
            )
        return value.lower()

    return check


def check_backslash_quote(name: str, value: str) -> str:
    """When a backslash may stand before a quote."""
    words = {"true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"}
    return one_of("safe_encoding", "on", "off")(name, words.get(value.lower(), value))


def only(*words: str) -> Callable[[str, str], str]:
    """A setting that can only say what is so."""

    def check(name: str, value: str) -> str:
        if value.lower() not in [word.lower() for word in words]:
            raise FeatureNotSupported(
                f'{name} cannot be set to "{value}": only {" or ".join(words)} is supported'
            )
        return value

    return check
