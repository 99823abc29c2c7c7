"""The values of types as PostgreSQL's binary protocol sends them: float8send, int4send and their kin."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from lungfish.functions.registry import Function, Volatility
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NAME,
    OID,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    Interval,
    SqlType,
)

# PostgreSQL counts from 2000, we from 1970.
_EPOCH_DAYS = 10_957
_EPOCH_MICROSECONDS = _EPOCH_DAYS * 86_400_000_000
_INT32_ENDS = (-(2**31), 2**31 - 1)
_INT64_ENDS = (-(2**63), 2**63 - 1)


def _packed(layout: str) -> Callable[[Any], bytes]:
    return struct.Struct(layout).pack


def _send_date(days: int) -> bytes:
    return struct.pack(">i", days if days in _INT32_ENDS else days - _EPOCH_DAYS)


def _send_timestamp(moment: int) -> bytes:
    return struct.pack(">q", moment if moment in _INT64_ENDS else moment - _EPOCH_MICROSECONDS)


def _send_interval(value: Interval) -> bytes:
    months, days, microseconds = value
    return struct.pack(">qii", microseconds, days, months)


def _send_text(text: str) -> bytes:
    return text.encode()


_SENDERS: tuple[tuple[str, SqlType, Callable[[Any], bytes]], ...] = (
    ("int2send", SMALLINT, _packed(">h")),
    ("int4send", INTEGER, _packed(">i")),
    ("int8send", BIGINT, _packed(">q")),
    ("float4send", REAL, _packed(">f")),
    ("float8send", DOUBLE, _packed(">d")),
    ("oidsend", OID, _packed(">I")),
    ("boolsend", BOOLEAN, _packed(">?")),
    ("textsend", TEXT, _send_text),
    ("varcharsend", VARCHAR, _send_text),
    ("namesend", NAME, _send_text),
    ("byteasend", BYTEA, bytes),
    ("uuid_send", UUID, bytes),
    ("date_send", DATE, _send_date),
    ("time_send", TIME, _packed(">q")),
    ("timestamp_send", TIMESTAMP, _send_timestamp),
    ("timestamptz_send", TIMESTAMPTZ, _send_timestamp),
    ("interval_send", INTERVAL, _send_interval),
)

FUNCTIONS: tuple[Function, ...] = tuple(
    Function(
        name,
        (sql_type,),
        BYTEA,
        send,
        # Texts are sent in the client's encoding.
        volatility=Volatility.STABLE if send is _send_text else Volatility.IMMUTABLE,
    )
    for name, sql_type, send in _SENDERS
)
