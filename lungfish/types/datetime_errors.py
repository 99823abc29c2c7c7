"""The errors of date, time and interval input, with PostgreSQL's texts."""

from __future__ import annotations

import enum

from lungfish.errors import (
    DatetimeFieldOverflow,
    Error,
    IntervalFieldOverflow,
    InvalidDatetimeFormat,
    InvalidParameterValue,
    InvalidTimeZoneDisplacementValue,
)


class Fault(enum.Enum):
    """Why a text was refused."""

    BAD_FORMAT = enum.auto()
    FIELD_OVERFLOW = enum.auto()
    # A month or day number out of range: maybe the order of the fields is another one.
    ORDER_OVERFLOW = enum.auto()
    INTERVAL_OVERFLOW = enum.auto()
    ZONE_OVERFLOW = enum.auto()
    UNKNOWN_ZONE = enum.auto()


class DecodingError(ValueError):
    """Carries the fault up to where the whole text and the type's name are known."""

    def __init__(self, fault: Fault = Fault.BAD_FORMAT, subject: str = "") -> None:
        super().__init__(fault.name)
        self.fault = fault
        # The time zone that is not known.
        self.subject = subject


def datetime_error(error: DecodingError, text: str, type_name: str) -> Error:
    """The error to raise for a text that is no value of the type."""
    match error.fault:
        case Fault.FIELD_OVERFLOW:
            return DatetimeFieldOverflow(f'date/time field value out of range: "{text}"')
        case Fault.ORDER_OVERFLOW:
            return DatetimeFieldOverflow(
                f'date/time field value out of range: "{text}"',
                hint='Perhaps you need a different "DateStyle" setting.',
            )
        case Fault.INTERVAL_OVERFLOW:
            return IntervalFieldOverflow(f'interval field value out of range: "{text}"')
        case Fault.ZONE_OVERFLOW:
            return InvalidTimeZoneDisplacementValue(
                f'time zone displacement out of range: "{text}"'
            )
        case Fault.UNKNOWN_ZONE:
            return InvalidParameterValue(f'time zone "{error.subject}" not recognized')
        case Fault.BAD_FORMAT:
            return InvalidDatetimeFormat(f'invalid input syntax for type {type_name}: "{text}"')
