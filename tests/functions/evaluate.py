"""Evaluates a function or operator over typed texts, both by its scalar and by its vector form.

An answer is the text of the result, None for NULL, or `ERROR 22012` and the like: what the oracle's answer is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish import errors
from lungfish.functions import resolve_function, resolve_operator
from lungfish.functions.registry import Function, Resolved
from lungfish.types.casts import coerce_length, find_cast
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import SqlType
from lungfish.types.text_format import format_value
from lungfish.types.text_parse import parse_value
from lungfish.types.vectors import build_vector, to_values

SETTINGS = TextSettings(transaction_timestamp=1_700_000_000_000_000)
# A typed text, or NULL of a type.
Typed = tuple[SqlType, str | None]


class FakeContext:
    """A statement with fixed answers."""

    def statement_timestamp(self) -> int:
        return 1_700_000_000_000_000

    def transaction_timestamp(self) -> int:
        return 1_700_000_000_000_000

    def clock_timestamp(self) -> int:
        return 1_700_000_000_000_001

    def sleep(self, seconds: float) -> None:
        del seconds

    def random(self) -> float:
        return 0.25

    def draw(self) -> float:
        return 0.25

    def draw_bits(self) -> int:
        return 1 << 62

    def seed_draws(self, seed: float) -> None:
        del seed

    def setting(self, name: str) -> str:
        return {"timezone": "UTC"}.get(name.lower(), "")

    def set_setting(self, name: str, value: str, is_local: bool) -> None:
        del name, value, is_local

    def next_value(self, sequence_name: str) -> int:
        del sequence_name
        return 7

    def current_value(self, sequence_name: str) -> int:
        del sequence_name
        return 6

    def set_value(self, sequence_name: str, value: int, is_called: bool) -> int:
        del sequence_name, is_called
        return value

    def last_value(self) -> int:
        return 6

    def session_fact(self, name: str) -> Any:
        return {"text_settings": SETTINGS, "current_user": "anna", "version": "PostgreSQL 18"}.get(
            name
        )


CONTEXT = FakeContext()


def resolve(name: str, types: Sequence[SqlType]) -> Resolved[Function]:
    """The entry for an operator's symbol or a function's name."""
    if name[0].isalpha() or name[0] == "_":
        return resolve_function(name, types)
    return resolve_operator(name, types)


def cast_arguments(arguments: Sequence[Typed], found: Resolved[Function]) -> list[Any]:
    """The arguments' internal values in the types that the signature asks for."""
    values = []
    for (sql_type, text), target in zip(arguments, found.argument_types, strict=False):
        if text is None:
            values.append(None)
            continue
        value = coerce_length(parse_value(text, sql_type, SETTINGS), sql_type, is_explicit=True)
        cast = find_cast(sql_type, target)
        assert cast is not None
        values.append(cast.scalar(value, SETTINGS))
    return values + list(found.appended)


def call_scalar(found: Resolved[Function], values: Sequence[Any]) -> Any:
    """The scalar form's answer."""
    function = found.callee
    if function.is_strict and any(value is None for value in values):
        return None
    assert function.scalar is not None
    keywords = {"types": found.argument_types} if function.needs_types else {}
    context = [CONTEXT] if function.needs_context else []
    return function.scalar(*context, *values, **keywords)


def call_vector(found: Resolved[Function], values: Sequence[Any]) -> Any:
    """The vector form's answer for a batch of two equal rows; the first one's value."""
    function = found.callee
    assert function.vector is not None
    keywords = {"types": found.argument_types} if function.needs_types else {}
    vectors = [
        build_vector([value, value], sql_type)
        for value, sql_type in zip(values, found.argument_types, strict=True)
    ]
    result = function.vector(*vectors, **keywords)
    return to_values(result, found.result)[0]


def answer(compute: Callable[[], Any], result: Callable[[], SqlType]) -> str | None:
    """The text of what is computed, or the error's SQLSTATE."""
    try:
        value = compute()
        if value is None:
            return None
        return format_value(value, result(), SETTINGS)
    except errors.Error as error:
        return f"ERROR {error.sqlstate}"
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        return f"ERROR XX000 {type(error).__name__}: {error}"


def evaluate(name: str, arguments: Sequence[Typed]) -> str | None:
    """The scalar form's answer to a call over typed texts."""
    try:
        found = resolve(name, [sql_type for sql_type, _ in arguments])
        values = cast_arguments(arguments, found)
    except errors.Error as error:
        return f"ERROR {error.sqlstate}"
    if found.callee.returns_set:
        return answer_set(found, values)
    return answer(lambda: call_scalar(found, values), lambda: found.result)


def answer_set(found: Resolved[Function], values: Sequence[Any]) -> str | None:
    """The rows of a set-returning function, joined by |."""
    try:
        rows = call_scalar(found, values)
        texts = []
        for row in rows if rows is not None else ():
            if found.callee.output_columns:
                cells = [
                    "NULL" if cell is None else format_value(cell, kind, SETTINGS)
                    for cell, (_, kind) in zip(row, found.callee.output_columns, strict=True)
                ]
                texts.append(",".join(cells))
            else:
                texts.append("NULL" if row is None else format_value(row, found.result, SETTINGS))
        return "|".join(texts) if texts else None
    except errors.Error as error:
        return f"ERROR {error.sqlstate}"


def evaluate_vector(name: str, arguments: Sequence[Typed]) -> tuple[bool, str | None]:
    """Whether there is a vector form, and its answer."""
    try:
        found = resolve(name, [sql_type for sql_type, _ in arguments])
        values = cast_arguments(arguments, found)
    except errors.Error as error:
        return True, f"ERROR {error.sqlstate}"
    if found.callee.vector is None or found.callee.returns_set:
        return False, None
    return True, answer(lambda: call_vector(found, values), lambda: found.result)
