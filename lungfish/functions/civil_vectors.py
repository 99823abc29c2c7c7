"""Calendar fields of whole columns of days or timestamps, by NumPy; the same algorithm as `types.calendar`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lungfish.types.calendar import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND

Int64s = npt.NDArray[np.int64]


def civil_dates(days: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Years (astronomical), months and days of days since 1970-01-01."""
    era, day_of_era = np.divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_index = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_index + 2) // 5 + 1
    month = np.where(month_index < 10, month_index + 3, month_index - 9)
    year = era * 400 + year_of_era + (month <= 2)
    return year, month, day


def days_of_civil(years: Int64s, months: Int64s, days: Int64s) -> Int64s:
    """The inverse of `civil_dates`."""
    years = years - (months <= 2)
    era, year_of_era = np.divmod(years, 400)
    day_of_year = (153 * ((months + 9) % 12) + 2) // 5 + days - 1
    found: Int64s = (
        era * 146_097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + day_of_year
        - 719_468
    )
    return found


def civil_fields(numbers: Int64s, unit: str, *, is_date: bool) -> Int64s:
    """A field of finite dates or timestamps: year, month, day, quarter, dow, isodow, hour or minute."""
    if is_date:
        days, clock = numbers, np.zeros_like(numbers)
    else:
        days, clock = np.divmod(numbers, MICROSECONDS_PER_DAY)
    match unit:
        case "hour":
            return clock // (3600 * MICROSECONDS_PER_SECOND)
        case "minute":
            return clock // (60 * MICROSECONDS_PER_SECOND) % 60
        case "dow":
            return (days + 4) % 7
        case "isodow":
            return (days + 3) % 7 + 1
    year, month, day = civil_dates(days)
    match unit:
        case "year":
            # There is no year 0 outside of here.
            return np.where(year > 0, year, year - 1)
        case "month":
            return month
        case "day":
            return day
    return (month - 1) // 3 + 1
