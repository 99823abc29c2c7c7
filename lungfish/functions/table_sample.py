"""TABLESAMPLE's choice of rows: whether a row, by its address, is in the sample of a seed.

A row is in the sample if a hash of its address (BERNOULLI) or of its page (SYSTEM) and the seed lies below the share that is asked
for, so the choice of one row does not depend on which others are looked at, in which order or by how many threads. PostgreSQL does
the same with its own hash and its own addresses: the samples differ, their sizes do not.

The hash is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import InvalidTablesampleArgument, InvalidTablesampleRepeat
from lungfish.functions.registry import Function, Volatility
from lungfish.types.batch import Vector
from lungfish.types.sql_type import BIGINT, BOOLEAN, DOUBLE, INTEGER, REAL

_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _cutoff(percent: float | None) -> int:
    """Below which 32-bit hash a row is chosen. Raises InvalidTablesampleArgument."""
    if percent is None:
        raise InvalidTablesampleArgument("TABLESAMPLE parameter cannot be null")
    if not 0 <= percent <= 100:
        raise InvalidTablesampleArgument("sample percentage must be between 0 and 100")
    return round(2**32 * percent / 100)


def _start(seed: float | None) -> int:
    """The seed as the hash takes it. Raises InvalidTablesampleRepeat."""
    if seed is None:
        raise InvalidTablesampleRepeat("TABLESAMPLE REPEATABLE parameter cannot be null")
    (bits,) = struct.unpack("<Q", struct.pack("<d", seed + 0.0))
    return _mixed(int(bits))


def _mixed(value: int) -> int:
    value = (value + _STEP) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


def _chooser(shift: int) -> Callable[[int, float | None, float | None], bool]:
    def choose(address: int, percent: float | None, seed: float | None) -> bool:
        cutoff, start = _cutoff(percent), _start(seed)
        return _mixed((address >> shift) ^ start) >> 32 < cutoff

    return choose


def _vector_chooser(shift: int) -> Callable[..., Vector]:
    choose_one = _chooser(shift)

    def choose(addresses: Any, percent: Any, seed: Any) -> Vector:
        if isinstance(addresses, pa.Scalar) or not (
            isinstance(percent, pa.Scalar) and isinstance(seed, pa.Scalar)
        ):
            columns = [
                [each.as_py()] * _length(addresses, percent, seed)
                if isinstance(each, pa.Scalar)
                else each.to_pylist()
                for each in (addresses, percent, seed)
            ]
            return pa.array(list(map(choose_one, *columns)), pa.bool_())
        cutoff, start = _cutoff(percent.as_py()), _start(seed.as_py())
        keys = addresses.to_numpy(zero_copy_only=False).astype(np.uint64) >> np.uint64(shift)
        with np.errstate(over="ignore"):
            values = (keys ^ np.uint64(start)) + np.uint64(_STEP)
            values = (values ^ (values >> np.uint64(30))) * np.uint64(_FIRST)
            values = (values ^ (values >> np.uint64(27))) * np.uint64(_SECOND)
            values ^= values >> np.uint64(31)
        return pa.array((values >> np.uint64(32)) < np.uint64(cutoff))

    return choose


def _length(*arguments: Any) -> int:
    return max(len(each) for each in arguments if not isinstance(each, pa.Scalar))


def sample_function(name: str, shift: int) -> Function:
    """Whether the row with an address, of which `shift` low bits do not count, is in the sample of (percentage, seed)."""
    return Function(
        name,
        (BIGINT, REAL, DOUBLE),
        BOOLEAN,
        _chooser(shift),
        _vector_chooser(shift),
        is_strict=False,
    )


def _seed(statement: Any, number: int) -> float:
    kept: dict[object, Any] = statement.kept
    key = (_seed, number)
    if key not in kept:
        kept[key] = statement.functions.random()
    found: float = kept[key]
    return found


# A seed for one sample of one execution of a statement: the same wherever it is asked for.
STATEMENT_SEED = Function(
    "tablesample_seed",
    (INTEGER,),
    DOUBLE,
    _seed,
    volatility=Volatility.STABLE,
    needs_statement=True,
)
