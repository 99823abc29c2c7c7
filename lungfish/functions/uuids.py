"""UUIDs: making them (RFC 9562, versions 4 and 7), and what those with a version say."""

from __future__ import annotations

from lungfish.errors import DatetimeFieldOverflow
from lungfish.functions.registry import (
    ArgumentType,
    Function,
    FunctionContext,
    ScalarForm,
    Volatility,
)
from lungfish.types.calendar import is_valid_timestamp
from lungfish.types.sql_type import INTERVAL, SMALLINT, TIMESTAMPTZ, UUID, Interval

_VARIANT_MASK = 0b11 << 62
_VARIANT = 0b10 << 62
# From 1582-10-15, where versions 1 and 6 begin to count, to 1970, in microseconds.
_GREGORIAN_US = 12_219_292_800_000_000
_DAY_US = 86_400_000_000


def _random_bits(context: FunctionContext, count: int) -> int:
    """`count` random bits; a random number has 53 good ones."""
    bits = 0
    for _ in range(0, count, 32):
        bits = bits << 32 | int(context.random() * (1 << 32))
    return bits & ((1 << count) - 1)


def _random_uuid(context: FunctionContext) -> bytes:
    high = _random_bits(context, 64) & ~0xF000 | 0x4000
    low = _random_bits(context, 64) & ~_VARIANT_MASK | _VARIANT
    return (high << 64 | low).to_bytes(16, "big")


def _timed_uuid(context: FunctionContext, *shift: Interval) -> bytes:
    """Milliseconds since 1970, then the rest of the time to a quarter of a microsecond, then chance."""
    now = context.clock_timestamp()
    for months, days, microseconds in shift:
        now += (months * 30 + days) * _DAY_US + microseconds
    milliseconds, rest = divmod(now, 1000)
    high = (milliseconds & ((1 << 48) - 1)) << 16 | 0x7000 | rest * 4096 // 1000
    low = _random_bits(context, 64) & ~_VARIANT_MASK | _VARIANT
    return (high << 64 | low).to_bytes(16, "big")


def version_of(value: bytes) -> int | None:
    """The version, of UUIDs that have one."""
    return value[6] >> 4 if value[8] >> 6 == 0b10 else None


def timestamp_of(value: bytes) -> int | None:
    """When a UUID of version 1 or 7 was made, in microseconds since 1970."""
    number = int.from_bytes(value, "big")
    match version_of(value):
        case 1:
            ticks = (number >> 64 & 0x0FFF) << 48 | (number >> 80 & 0xFFFF) << 32 | number >> 96
            found = ticks // 10 - _GREGORIAN_US
        case 7:
            found = (number >> 80) * 1000
        case _:
            return None
    if not is_valid_timestamp(found):
        raise DatetimeFieldOverflow("timestamp out of range")
    return found


def _made(name: str, arguments: tuple[ArgumentType, ...], scalar: ScalarForm) -> Function:
    return Function(
        name,
        arguments,
        UUID,
        scalar,
        volatility=Volatility.VOLATILE,
        needs_context=True,
    )


FUNCTIONS: tuple[Function, ...] = (
    _made("gen_random_uuid", (), _random_uuid),
    _made("uuidv4", (), _random_uuid),
    _made("uuidv7", (), _timed_uuid),
    _made("uuidv7", (INTERVAL,), _timed_uuid),
    Function("uuid_extract_version", (UUID,), SMALLINT, version_of),
    Function("uuid_extract_timestamp", (UUID,), TIMESTAMPTZ, timestamp_of),
)
