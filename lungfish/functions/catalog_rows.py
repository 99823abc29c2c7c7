"""Functions that give tools rows: words of the language, options of objects, members of an array with their numbers, a sequence's row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lungfish.errors import NullValueNotAllowed
from lungfish.functions.registry import (
    Function,
    FunctionContext,
    Polymorphic,
    Volatility,
    record_of,
)
from lungfish.types.array_value import ArrayValue
from lungfish.types.keywords import (
    COLUMN_NAME,
    NOT_BARE_LABELS,
    RESERVED,
    TYPE_OR_FUNCTION_NAME,
    UNRESERVED,
)
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    INTERNAL_CHAR,
    TEXT,
    SqlType,
    array_of,
)
from lungfish.types.type_oids import registered_type

_KEYWORD_COLUMNS = (
    ("word", TEXT), ("catcode", INTERNAL_CHAR), ("barelabel", BOOLEAN), ("catdesc", TEXT), ("baredesc", TEXT),
)  # fmt: skip
_KEYWORDS = (
    ("U", "unreserved", UNRESERVED),
    ("C", "unreserved (cannot be function or type name)", COLUMN_NAME),
    ("T", "reserved (can be function or type name)", TYPE_OR_FUNCTION_NAME),
    ("R", "reserved", RESERVED),
)
_OPTION_COLUMNS = (("option_name", TEXT), ("option_value", TEXT))
_SEQUENCE_COLUMNS = (("last_value", BIGINT), ("is_called", BOOLEAN))


def _keywords() -> list[tuple[str, str, bool, str, str]]:
    return sorted(
        (word, code, word not in NOT_BARE_LABELS, what, "requires AS" if word in NOT_BARE_LABELS else "can be bare label")
        for code, what, words in _KEYWORDS
        for word in words
    )  # fmt: skip


def _options(items: ArrayValue) -> Iterator[tuple[str, str | None]]:
    """Each `name=value`; without a sign of equality there is no value. Raises NullValueNotAllowed."""
    for item in items.elements:
        if item is None:
            raise NullValueNotAllowed("null array element not allowed in this context")
        name, sign, value = item.partition("=")
        yield name, value if sign else None


def _member_type(types: Sequence[SqlType]) -> SqlType:
    element = types[0].element
    assert element is not None, "the argument is an array"
    return record_of((("x", element), ("n", INTEGER)))


def _members(items: ArrayValue) -> list[tuple[Any, int]]:
    """Each member with its number from 1, whatever the array's subscripts are."""
    return [(item, number) for number, item in enumerate(items.elements, 1)]


def _sequence_row(context: FunctionContext, oid: int) -> list[tuple[Any, ...]]:
    return [context.ask_catalog("pg_get_sequence_data", (oid,))]


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "pg_get_keywords",
        (),
        record_of(_KEYWORD_COLUMNS),
        _keywords,
        volatility=Volatility.STABLE,
        returns_set=True,
        output_columns=_KEYWORD_COLUMNS,
    ),
    Function(
        "pg_options_to_table",
        (array_of(TEXT),),
        record_of(_OPTION_COLUMNS),
        lambda items: list(_options(items)),
        volatility=Volatility.STABLE,
        returns_set=True,
        output_columns=_OPTION_COLUMNS,
    ),
    # What JDBC's drivers ask of keys and indexes.
    Function(
        "information_schema._pg_expandarray",
        (Polymorphic.ANYARRAY,),
        _member_type,
        _members,
        returns_set=True,
    ),
    Function(
        "pg_get_sequence_data",
        (registered_type("regclass"),),
        record_of(_SEQUENCE_COLUMNS),
        _sequence_row,
        volatility=Volatility.VOLATILE,
        needs_context=True,
        returns_set=True,
        output_columns=_SEQUENCE_COLUMNS,
    ),
)
