"""Functions of enums: the first and last label, and ranges of labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.errors import ObjectNotInPrerequisiteState
from lungfish.functions.registry import ArgumentType, Function, Polymorphic, ResultType, Volatility
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.sql_type import SqlType, array_of

_ENUM = Polymorphic.ANYENUM


def _labels(types: Sequence[SqlType]) -> tuple[str, ...]:
    """The type's labels. Raises 55000 where it has none."""
    if not types[0].labels:
        raise ObjectNotInPrerequisiteState(f"enum {types[0]} contains no values")
    return types[0].labels


def _first(value: str | None, *, types: Sequence[SqlType]) -> str:
    return _labels(types)[0]


def _last(value: str | None, *, types: Sequence[SqlType]) -> str:
    return _labels(types)[-1]


def _all(value: str | None, *, types: Sequence[SqlType]) -> ArrayValue:
    return array_value(types[0].labels)


def _range(first: str | None, last: str | None, *, types: Sequence[SqlType]) -> ArrayValue:
    """The labels from `first` to `last`; NULL leaves an end open."""
    labels = types[0].labels
    start = 0 if first is None else labels.index(first)
    end = len(labels) if last is None else labels.index(last) + 1
    return array_value(labels[start:end])


def _array_type(types: Sequence[SqlType]) -> SqlType:
    return array_of(types[0])


def _entry(
    name: str, arguments: tuple[ArgumentType, ...], result: ResultType, scalar: Callable[..., Any]
) -> Function:
    # Labels can be added to an enum: what there is may change between statements.
    stable = Volatility.STABLE
    return Function(
        name, arguments, result, scalar, volatility=stable, is_strict=False, needs_types=True
    )


FUNCTIONS: tuple[Function, ...] = (
    _entry("enum_first", (_ENUM,), _ENUM, _first),
    _entry("enum_last", (_ENUM,), _ENUM, _last),
    _entry("enum_range", (_ENUM,), _array_type, _all),
    _entry("enum_range", (_ENUM, _ENUM), _array_type, _range),
)
