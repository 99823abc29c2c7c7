"""random(), random_normal() and random(min, max), and setseed, after which they give what PostgreSQL gives.

The generator is xoroshiro128** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018), seeded by splitmix64, as
in PostgreSQL's common/pg_prng.c. Before anybody has set a seed the numbers come from the session's own generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lungfish.errors import InvalidParameterValue
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.numerics import CONTEXT, scale_of
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, NUMERIC, VOID, SqlType

_LONG = (1 << 64) - 1
_DOUBLE_BITS = 52
# NUMERIC's digits come in groups of four, of which the first four are drawn at once.
_GROUP_DIGITS, _GROUP = 4, 10_000
_FIRST_GROUPS = 4


class SeededRandom:
    """PostgreSQL's generator from a seed between -1 and 1."""

    def __init__(self, seed: float) -> None:
        state = int(((1 << _DOUBLE_BITS) - 1) * seed) & _LONG
        self._first, state = _split(state)
        self._second, _ = _split(state)

    def getrandbits(self, count: int) -> int:
        """That many random bits, 64 at most."""
        first, mixed = self._first, self._second ^ self._first
        bits = _rotated(first * 5 & _LONG, 7) * 9 & _LONG
        self._first = _rotated(first, 24) ^ mixed ^ (mixed << 16 & _LONG)
        self._second = _rotated(mixed, 37)
        return bits >> (64 - count)

    def random(self) -> float:
        """A number from 0 up to 1."""
        return math.ldexp(self.getrandbits(_DOUBLE_BITS), -_DOUBLE_BITS)


def _rotated(word: int, count: int) -> int:
    return (word << count | word >> (64 - count)) & _LONG


def _split(state: int) -> tuple[int, int]:
    """A number of splitmix64, and its next state."""
    state = (state + 0x9E3779B97F4A7C15) & _LONG
    value = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _LONG
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _LONG
    return value ^ value >> 31, state


def _up_to(context: FunctionContext, last: int) -> int:
    """A number from 0 to `last`, each as likely as the others."""
    if not last:
        return 0
    while True:
        found = context.draw_bits() >> (64 - last.bit_length())
        if found <= last:
            return found


def _random(context: FunctionContext) -> float:
    return context.draw()


def _random_between(context: FunctionContext, low: int, high: int) -> int:
    if low > high:
        raise InvalidParameterValue("lower bound must be less than or equal to upper bound")
    return low + _up_to(context, high - low)


def _random_normal(context: FunctionContext, mean: float, deviation: float) -> float:
    """By Box and Muller's transform."""
    radius = math.sqrt(-2.0 * math.log(1.0 - context.draw()))
    return mean + deviation * radius * math.sin(2.0 * math.pi * (1.0 - context.draw()))


def _random_numeric(context: FunctionContext, low: Decimal, high: Decimal) -> Decimal:
    for name, bound in (("lower", low), ("upper", high)):
        if not bound.is_finite():
            problem = "NaN" if bound.is_nan() else "infinity"
            raise InvalidParameterValue(f"{name} bound cannot be {problem}")
    if low > high:
        raise InvalidParameterValue("lower bound must be less than or equal to upper bound")
    scale = max(scale_of(low), scale_of(high))
    groups_behind_point = -(-scale // _GROUP_DIGITS)
    shift = groups_behind_point * _GROUP_DIGITS
    last = int(CONTEXT.subtract(high, low).scaleb(shift, CONTEXT))
    # The last group's digits that the scale has no room for are zeros.
    step = 10 ** (shift - scale)
    found = last + 1 if last else 0
    while found > last:
        found = _draw_groups(context, last, step)
    return CONTEXT.add(low, Decimal(found // step).scaleb(-scale, CONTEXT))


def _draw_groups(context: FunctionContext, last: int, step: int) -> int:
    """A multiple of `step` with as many groups of digits as `last`; it may be greater than that."""
    groups: list[int] = []
    rest = last
    while rest:
        rest, group = divmod(rest, _GROUP)
        groups.append(group)
    groups.reverse()
    first = 0
    for group in groups[:_FIRST_GROUPS]:
        first = first * _GROUP + group
    left = len(groups) - min(len(groups), _FIRST_GROUPS)
    if not left:
        return _up_to(context, first // step) * step
    found = _up_to(context, first)
    whole = left - (step > 1)
    while whole > 0:
        # Four groups at a time while there are as many, the lowest of them first.
        size = _FIRST_GROUPS if whole >= _FIRST_GROUPS else 1
        drawn = _up_to(context, _GROUP**size - 1)
        for _ in range(size):
            drawn, group = divmod(drawn, _GROUP)
            found = found * _GROUP + group
        whole -= size
    if step > 1:
        found = found * _GROUP + _up_to(context, _GROUP // step - 1) * step
    return found


def _set_seed(context: FunctionContext, seed: float) -> None:
    if not -1 <= seed <= 1:
        shown = "NaN" if math.isnan(seed) else f"{seed:g}"
        raise InvalidParameterValue(f"setseed parameter {shown} is out of allowed range [-1,1]")
    context.seed_draws(seed)


def _function(
    name: str, arguments: tuple[SqlType, ...], result: SqlType, scalar: Callable[..., Any]
) -> Function:
    return Function(
        name,
        arguments,
        result,
        scalar,
        volatility=Volatility.VOLATILE,
        needs_context=True,
        defaults=(0.0, 1.0) if name == "random_normal" else (),
    )


FUNCTIONS: tuple[Function, ...] = (
    _function("random", (), DOUBLE, _random),
    _function("random", (INTEGER, INTEGER), INTEGER, _random_between),
    _function("random", (BIGINT, BIGINT), BIGINT, _random_between),
    _function("random", (NUMERIC, NUMERIC), NUMERIC, _random_numeric),
    _function("random_normal", (DOUBLE, DOUBLE), DOUBLE, _random_normal),
    _function("setseed", (DOUBLE,), VOID, _set_seed),
)
