"""Functions and operators by name and argument types, with the look-ups kept.

A statement meets the same few operators over the same few types again and again, and overload resolution is the dearest part
of binding an expression; a resolution depends on nothing but its arguments, so it is kept for the life of the process. Failures
are not kept: they are raised anew with their own place.
"""

from __future__ import annotations

from functools import lru_cache

from lungfish import errors, functions
from lungfish.functions import has_aggregate, has_function, has_window_function
from lungfish.functions.registry import Aggregate, Function, Resolved, WindowFunction
from lungfish.types.sql_type import SqlType

Types = tuple[SqlType, ...]

__all__ = [
    "find_aggregate",
    "find_function",
    "find_operator",
    "find_window_function",
    "has_aggregate",
    "has_function",
    "has_window_function",
]


@lru_cache(maxsize=8192)
def _operator(symbol: str, types: Types) -> Resolved[Function]:
    return functions.resolve_operator(symbol, types)


def find_operator(symbol: str, types: Types, position: int = -1) -> Resolved[Function]:
    """The operator for one operand or two. Raises UndefinedFunction, AmbiguousFunction."""
    try:
        return _operator(symbol, types)
    except errors.Error as error:
        error.at(position)
        raise


@lru_cache(maxsize=4096)
def _function(name: str, types: Types, is_variadic: bool) -> Resolved[Function]:
    return functions.resolve_function(name, types, is_variadic=is_variadic)


def find_function(
    name: str, types: Types, position: int = -1, *, is_variadic: bool = False
) -> Resolved[Function]:
    """The plain function that a call means. Raises UndefinedFunction, AmbiguousFunction."""
    try:
        return _function(name, types, is_variadic)
    except errors.Error as error:
        error.at(position)
        raise


@lru_cache(maxsize=2048)
def _aggregate(name: str, types: Types, is_star: bool, is_variadic: bool) -> Resolved[Aggregate]:
    return functions.resolve_aggregate(name, types, is_star=is_star, is_variadic=is_variadic)


def find_aggregate(
    name: str, types: Types, position: int = -1, *, is_star: bool = False, is_variadic: bool = False
) -> Resolved[Aggregate]:
    """The aggregate that a call means. Raises UndefinedFunction, AmbiguousFunction."""
    try:
        return _aggregate(name, types, is_star, is_variadic)
    except errors.Error as error:
        error.at(position)
        raise


@lru_cache(maxsize=1024)
def _window(name: str, types: Types) -> Resolved[WindowFunction]:
    return functions.resolve_window(name, types)


def find_window_function(name: str, types: Types, position: int = -1) -> Resolved[WindowFunction]:
    """The window function that a call means. Raises UndefinedFunction, AmbiguousFunction."""
    try:
        return _window(name, types)
    except errors.Error as error:
        error.at(position)
        raise
