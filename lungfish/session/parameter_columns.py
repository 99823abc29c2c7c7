"""The parameters of executemany, by column: bound once for a column instead of once for a value.

Sets are taken so where they are plain sequences of one length and each column holds values of one Python type, None aside. Anything else
goes set by set (`parameters.py`), which also words the errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from lungfish.database.plan_cache import ParsedText
from lungfish.session.parameters import infer_value, is_plain_text
from lungfish.types.encodable import check_encodable
from lungfish.types.python_values import from_python
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    DOUBLE,
    INTEGER,
    SqlType,
    TypeKind,
)

_PLAIN_SETS = frozenset({tuple, list})
# Whose values need no change.
_PLAIN_TYPES: dict[type, SqlType] = {float: DOUBLE, bool: BOOLEAN, bytes: BYTEA}


@dataclass(frozen=True, slots=True)
class ParameterColumns:
    """Internal values by parameter, and for each parameter its type; None where the statement is to infer it."""

    columns: Sequence[Sequence[Any]]
    types: tuple[SqlType | None, ...]
    row_count: int
    # Some set, bound by itself, would have other types: a NULL has none, and integers are of two sizes. No matter where a parameter is
    # only assigned to a column.
    is_mixed: bool


def bind_columns(
    parsed: ParsedText,
    sets: Sequence[Sequence[Any] | Mapping[str, Any]],
    settings: TextSettings,
) -> ParameterColumns | None:
    """The sets by column; None where they are to be bound one by one. Raises as `from_python` does."""
    count = parsed.parameter_count
    if parsed.parameter_names is not None or len(sets) < 2 or not count:
        return None
    if not set(map(type, sets)) <= _PLAIN_SETS or set(map(len, sets)) != {count}:
        return None
    columns: list[Sequence[Any]] = []
    types: list[SqlType | None] = []
    is_mixed = False
    for position in range(count):
        column = tuple(map(itemgetter(position), sets))
        bound = _bind_column(column, settings)
        if bound is None:
            return None
        values, kind, is_mixed_column = bound
        columns.append(values)
        types.append(kind)
        is_mixed |= is_mixed_column
    return ParameterColumns(columns, tuple(types), len(sets), is_mixed)


def columns_of_sets(
    sets: Sequence[tuple[Any, ...]], types: tuple[SqlType | None, ...]
) -> ParameterColumns:
    """Sets that were bound one by one to values of the same types."""
    return ParameterColumns(list(zip(*sets, strict=True)), types, len(sets), is_mixed=False)


def _bind_column(
    column: tuple[Any, ...], settings: TextSettings
) -> tuple[Sequence[Any], SqlType | None, bool] | None:
    """Values, type, and whether a value by itself might have another type; None if the column has values of several types."""
    found = set(map(type, column))
    has_nulls = type(None) in found
    found.discard(type(None))
    if len(found) != 1:
        return None if found else (column, None, False)
    (kind,) = found
    if kind is int:
        given = [each for each in column if each is not None] if has_nulls else column
        low, high = min(given), max(given)
        if low >= -(2**31) and high < 2**31:
            return column, INTEGER, has_nulls
        if low >= -(2**63) and high < 2**63:
            is_large = low >= 2**31 or high < -(2**31)
            return column, BIGINT, has_nulls or not is_large
        return None
    if kind is str and not has_nulls:
        joined = "\1".join(column)
        if "\0" not in joined:
            check_encodable(joined)
            return column, None, False
    plain = _PLAIN_TYPES.get(kind)
    if plain is not None:
        return column, plain, has_nulls
    values, types = zip(*[from_python(each, settings) for each in column], strict=True)
    named = {id(each): each for each in types if each.kind is not TypeKind.UNKNOWN}
    if not named:
        return values, None, False
    if len(named) > 1:
        return None
    return values, next(iter(named.values())), has_nulls


def infer_columns(
    bound: ParameterColumns, wanted: Sequence[SqlType], settings: TextSettings
) -> list[Sequence[Any]]:
    """The values of parameters whose types the statement has inferred."""
    return [
        values
        if given is not None or is_plain_text(kind)
        else [None if each is None else infer_value(each, kind, settings) for each in values]
        for values, given, kind in zip(bound.columns, bound.types, wanted, strict=True)
    ]
