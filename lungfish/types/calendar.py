"""The proleptic Gregorian calendar over all years, and the ranges of dates and timestamps.

Days count from 1970-01-01, microseconds likewise. Years are astronomical here: year 0 is 1 BC, -1 is 2 BC. Python's own
`datetime` ends at the years 1 and 9999, PostgreSQL's types do not, so this is done with integers.
The conversions between days and civil dates follow H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
"""

from __future__ import annotations

from typing import NamedTuple

from lungfish.types.sql_type import (
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    MINUS_INFINITE_DATE,
    MINUS_INFINITE_TIMESTAMP,
)

MICROSECONDS_PER_SECOND = 1_000_000
MICROSECONDS_PER_MINUTE = 60 * MICROSECONDS_PER_SECOND
MICROSECONDS_PER_HOUR = 3600 * MICROSECONDS_PER_SECOND
MICROSECONDS_PER_DAY = 86_400 * MICROSECONDS_PER_SECOND
SECONDS_PER_DAY = 86_400

# The Julian day number of 1970-01-01, and of 2000-01-01.
EPOCH_JULIAN_DAY = 2_440_588
POSTGRES_EPOCH_DAYS = 10_957
POSTGRES_EPOCH_MICROSECONDS = POSTGRES_EPOCH_DAYS * MICROSECONDS_PER_DAY

# 4714-11-24 BC, the first day there is; dates end with the year 5874897.
DAYS_MIN = -EPOCH_JULIAN_DAY
DAYS_MAX = 2_147_483_493 - EPOCH_JULIAN_DAY
# PostgreSQL's timestamps go on to 294276-12-31; counted from 1970, 64 bits end in January 294247.
TIMESTAMP_MIN = DAYS_MIN * MICROSECONDS_PER_DAY
TIMESTAMP_MAX = INFINITE_TIMESTAMP - 1

_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)

MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class CivilTime(NamedTuple):
    """A timestamp taken apart. `year` is astronomical."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int


def is_leap_year(year: int) -> bool:
    """Whether the astronomical year has a 29th of February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    """The length of the month (1 to 12)."""
    return 29 if month == 2 and is_leap_year(year) else _DAYS_IN_MONTH[month - 1]


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    if month <= 2:
        year -= 1
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (
        era * 146_097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + day_of_year
        - 719_468
    )


def civil_from_days(days: int) -> tuple[int, int, int]:
    """Year, month and day of a count of days since 1970-01-01."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_index = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_index + 2) // 5 + 1
    month = month_index + 3 if month_index < 10 else month_index - 9
    return era * 400 + year_of_era + (month <= 2), month, day


def day_of_year(year: int, month: int, day: int) -> int:
    """1 for the first of January."""
    return _DAYS_BEFORE_MONTH[month - 1] + day + (month > 2 and is_leap_year(year))


def day_of_week(days: int) -> int:
    """0 for Sunday to 6 for Saturday."""
    return (days + 4) % 7


def iso_year_and_week(year: int, month: int, day: int) -> tuple[int, int]:
    """The ISO 8601 year and week number of a date."""
    days = days_from_civil(year, month, day)
    # The week belongs to the year that its Thursday is in.
    thursday = days - (days + 3) % 7 + 3
    iso_year, _, _ = civil_from_days(thursday)
    return iso_year, (thursday - days_from_civil(iso_year, 1, 1)) // 7 + 1


def iso_week_start(iso_year: int, week: int) -> int:
    """The days of the Monday of an ISO week."""
    fourth = days_from_civil(iso_year, 1, 4)
    return fourth - (fourth + 3) % 7 + (week - 1) * 7


def split_timestamp(timestamp: int) -> CivilTime:
    """A finite timestamp taken apart."""
    days, rest = divmod(timestamp, MICROSECONDS_PER_DAY)
    year, month, day = civil_from_days(days)
    seconds, microsecond = divmod(rest, MICROSECONDS_PER_SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return CivilTime(year, month, day, hour, minute, second, microsecond)


def is_infinite_date(days: int) -> bool:
    """Whether the date is infinity or -infinity."""
    return days in (INFINITE_DATE, MINUS_INFINITE_DATE)


def is_infinite_timestamp(timestamp: int) -> bool:
    """Whether the timestamp is infinity or -infinity."""
    return timestamp in (INFINITE_TIMESTAMP, MINUS_INFINITE_TIMESTAMP)


def is_valid_timestamp(timestamp: int) -> bool:
    """Whether a computed finite timestamp is in the range."""
    return TIMESTAMP_MIN <= timestamp <= TIMESTAMP_MAX


def is_valid_date(days: int) -> bool:
    """Whether a computed finite date is in the range."""
    return DAYS_MIN <= days <= DAYS_MAX


def add_months(days: int, months: int) -> int:
    """The date `months` later; a day past the month's end becomes its last day."""
    year, month, day = civil_from_days(days)
    year_shift, month_index = divmod(month - 1 + months, 12)
    year += year_shift
    return days_from_civil(year, month_index + 1, min(day, days_in_month(year, month_index + 1)))
