"""Operators on the bits of integers and of bit strings, and the functions of bit strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lungfish.errors import (
    ArraySubscriptError,
    InvalidParameterValue,
    StringDataLengthMismatch,
    SubstringError,
)
from lungfish.functions.registry import Function
from lungfish.functions.strings import check_overlay
from lungfish.types.compute import pc
from lungfish.types.sql_type import BIGINT, INTEGER, SMALLINT, TEXT, SqlType, TypeKind

_BIT = SqlType(TypeKind.BIT)
_VARBIT = SqlType(TypeKind.VARBIT)
_WIDTHS = {SMALLINT: 16, INTEGER: 32, BIGINT: 64}


# Integers


def _wrap(value: int, width: int) -> int:
    value %= 1 << width
    return value - (1 << width) if value >= 1 << (width - 1) else value


def _shift_left(sql_type: SqlType) -> Callable[[int, int], int]:
    """As the machine does it: of the count only the low bits are looked at, and what leaves the word is lost."""
    width = _WIDTHS[sql_type]
    # A smallint is shifted in a word of 32 bits.
    mask = 63 if width == 64 else 31
    return lambda value, count: _wrap(value << (count & mask), width)


def _shift_right(sql_type: SqlType) -> Callable[[int, int], int]:
    mask = 63 if _WIDTHS[sql_type] == 64 else 31
    return lambda value, count: value >> (count & mask)


def _base(digits: int) -> Callable[[int], str]:
    """to_hex and the like over 64 bits; see `_base_32` for INTEGER."""
    letter = {1: "b", 3: "o", 4: "x"}[digits]
    return lambda value: format(value % (1 << 64), letter)


def _base_32(digits: int) -> Callable[[int], str]:
    letter = {1: "b", 3: "o", 4: "x"}[digits]
    return lambda value: format(value % (1 << 32), letter)


def _integer_operators() -> list[Function]:
    found = []
    for kind in _WIDTHS:
        both = (kind, kind)
        found += [
            Function("&", both, kind, lambda left, right: left & right, pc.bit_wise_and),
            Function("|", both, kind, lambda left, right: left | right, pc.bit_wise_or),
            Function("#", both, kind, lambda left, right: left ^ right, pc.bit_wise_xor),
            Function("~", (kind,), kind, lambda value: ~value, pc.bit_wise_not),
            Function("<<", (kind, INTEGER), kind, _shift_left(kind)),
            Function(">>", (kind, INTEGER), kind, _shift_right(kind)),
        ]
    for name, digits in (("to_hex", 4), ("to_oct", 3), ("to_bin", 1)):
        found.append(Function(name, (INTEGER,), TEXT, _base_32(digits)))
        found.append(Function(name, (BIGINT,), TEXT, _base(digits)))
    return found


# Bit strings


def _bitwise(name: str, combine: Callable[[int, int], int]) -> Callable[[str, str], str]:
    def scalar(left: str, right: str) -> str:
        if len(left) != len(right):
            raise StringDataLengthMismatch(f"cannot {name} bit strings of different sizes")
        if not left:
            return ""
        return format(combine(int(left, 2), int(right, 2)), f"0{len(left)}b")

    return scalar


def _invert(value: str) -> str:
    return value.translate({48: "1", 49: "0"})


def _shift_bits_left(value: str, count: int) -> str:
    if count < 0:
        return _shift_bits_right(value, -count)
    return value[count:].ljust(len(value), "0")


def _shift_bits_right(value: str, count: int) -> str:
    if count < 0:
        return _shift_bits_left(value, -count)
    return value[: max(len(value) - count, 0)].rjust(len(value), "0")


def _join(one: str, other: str) -> str:
    return one + other


def _substring_from(value: str, start: int) -> str:
    return value[max(start - 1, 0) :]


def _substring_from_for(value: str, start: int, count: int) -> str:
    if count < 0:
        raise SubstringError("negative substring length not allowed")
    return value[max(start - 1, 0) : max(start - 1 + count, 0)]


def _overlay(value: str, new: str, start: int, count: int | None = None) -> str:
    if count is None:
        count = len(new)
    check_overlay(start, count)
    return value[: start - 1] + new + _substring_from(value, start + count)


def _position(value: str, part: str) -> int:
    # Nothing is found in no bits, not even no bits.
    return value.find(part) + 1 if value else 0


def _check_index(value: str, index: int) -> None:
    if not 0 <= index < len(value):
        raise ArraySubscriptError(f"bit index {index} out of valid range (0..{len(value) - 1})")


def _get_bit(value: str, index: int) -> int:
    _check_index(value, index)
    return int(value[index])


def _set_bit(value: str, index: int, new: int) -> str:
    _check_index(value, index)
    if new not in (0, 1):
        raise InvalidParameterValue("new bit must be 0 or 1")
    return value[:index] + str(new) + value[index + 1 :]


def _entry(name: str, arguments: tuple[SqlType, ...], result: SqlType, scalar: Any) -> Function:
    return Function(name, arguments, result, scalar)


FUNCTIONS: tuple[Function, ...] = (
    *_integer_operators(),
    _entry("&", (_BIT, _BIT), _BIT, _bitwise("AND", lambda left, right: left & right)),
    _entry("|", (_BIT, _BIT), _BIT, _bitwise("OR", lambda left, right: left | right)),
    _entry("#", (_BIT, _BIT), _BIT, _bitwise("XOR", lambda left, right: left ^ right)),
    _entry("~", (_BIT,), _BIT, _invert),
    _entry("<<", (_BIT, INTEGER), _BIT, _shift_bits_left),
    _entry(">>", (_BIT, INTEGER), _BIT, _shift_bits_right),
    _entry("||", (_VARBIT, _VARBIT), _VARBIT, _join),
    _entry("length", (_BIT,), INTEGER, len),
    _entry("bit_length", (_BIT,), INTEGER, len),
    _entry("octet_length", (_BIT,), INTEGER, lambda value: (len(value) + 7) // 8),
    _entry("substring", (_BIT, INTEGER), _BIT, _substring_from),
    _entry("substring", (_BIT, INTEGER, INTEGER), _BIT, _substring_from_for),
    _entry("overlay", (_BIT, _BIT, INTEGER), _BIT, _overlay),
    _entry("overlay", (_BIT, _BIT, INTEGER, INTEGER), _BIT, _overlay),
    _entry("position", (_BIT, _BIT), INTEGER, _position),
    _entry("get_bit", (_BIT, INTEGER), INTEGER, _get_bit),
    _entry("set_bit", (_BIT, INTEGER, INTEGER), _BIT, _set_bit),
    _entry("bit_count", (_BIT,), BIGINT, lambda value: value.count("1")),
)
