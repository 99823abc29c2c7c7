"""UUIDs: versions 4 and 7 made, versions and times read out (RFC 9562). Chance and the clock come from the statement's context."""

from __future__ import annotations

from lungfish.functions.datetime_operators import add_interval
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.sql_type import INTERVAL, SMALLINT, TIMESTAMPTZ, Interval, SqlType, TypeKind

_UUID = SqlType(TypeKind.UUID)
# Between 1582-10-15, where version 1 counts from, and 1970-01-01, in units of 100 ns.
_GREGORIAN_OFFSET = 0x01B21DD213814000


def _random_bytes(context: FunctionContext, count: int) -> bytes:
    return bytes(int(context.random() * 256) for _ in range(count))


def _marked(value: bytes, version: int) -> bytes:
    """The bytes with their version and the variant of RFC 9562."""
    found = bytearray(value)
    found[6] = (found[6] & 0x0F) | (version << 4)
    found[8] = (found[8] & 0x3F) | 0x80
    return bytes(found)


def _random_uuid(context: FunctionContext) -> bytes:
    return _marked(_random_bytes(context, 16), 4)


def _ordered_uuid(context: FunctionContext) -> bytes:
    return _at_instant(context, context.clock_timestamp())


def _shifted_uuid(context: FunctionContext, shift: Interval) -> bytes:
    return _at_instant(context, add_interval(context.clock_timestamp(), shift))


def _at_instant(context: FunctionContext, instant: int) -> bytes:
    """Milliseconds, then twelve bits of their fraction (RFC 9562, 6.2, method 3), then chance."""
    milliseconds, microseconds = divmod(instant, 1000)
    fraction = microseconds * 4096 // 1000
    head = milliseconds.to_bytes(6, "big", signed=False) + fraction.to_bytes(2, "big")
    return _marked(head + _random_bytes(context, 8), 7)


def _has_rfc_variant(value: bytes) -> bool:
    return value[8] & 0xC0 == 0x80


def extract_version(value: bytes) -> int | None:
    """The version; null of other variants."""
    return value[6] >> 4 if _has_rfc_variant(value) else None


def extract_timestamp(value: bytes) -> int | None:
    """The time in a UUID of version 1 or 7; null of the others."""
    if not _has_rfc_variant(value):
        return None
    if value[6] >> 4 == 7:
        return int.from_bytes(value[:6], "big") * 1000
    if value[6] >> 4 == 1:
        ticks = (
            int.from_bytes(value[:4], "big")
            | int.from_bytes(value[4:6], "big") << 32
            | (int.from_bytes(value[6:8], "big") & 0x0FFF) << 48
        )
        return (ticks - _GREGORIAN_OFFSET) // 10
    return None


FUNCTIONS: tuple[Function, ...] = (
    *(
        Function(name, (), _UUID, _random_uuid, volatility=Volatility.VOLATILE, needs_context=True)
        for name in ("gen_random_uuid", "uuidv4")
    ),
    Function(
        "uuidv7", (), _UUID, _ordered_uuid, volatility=Volatility.VOLATILE, needs_context=True
    ),
    Function(
        "uuidv7",
        (INTERVAL,),
        _UUID,
        _shifted_uuid,
        volatility=Volatility.VOLATILE,
        needs_context=True,
    ),
    Function("uuid_extract_version", (_UUID,), SMALLINT, extract_version),
    Function("uuid_extract_timestamp", (_UUID,), TIMESTAMPTZ, extract_timestamp),
)
