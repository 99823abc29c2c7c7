"""pg_input_is_valid and pg_input_error_info: whether a text is a value of a type, and if not, why."""

from __future__ import annotations

from typing import Any

from lungfish import errors
from lungfish.functions.registry import Function, FunctionContext, Volatility, record_of
from lungfish.types.casts import coerce_length
from lungfish.types.sql_type import BOOLEAN, TEXT, SqlType
from lungfish.types.text_parse import parse_value

_COLUMNS = (("message", TEXT), ("detail", TEXT), ("hint", TEXT), ("sql_error_code", TEXT))
_INFO = record_of(_COLUMNS)


def _find_error(context: FunctionContext, text: str, type_name: str) -> errors.Error | None:
    """What is wrong with the text; None if it is a value of the type. Raises UndefinedObject for a type that there is not."""
    kind: SqlType = context.ask_catalog("named_type", (type_name,))
    try:
        value = parse_value(text, kind.base.unmodified, context.session_fact("text_settings"))
        value = coerce_length(value, kind.base)
        if kind.domain is not None:
            context.check_domain(value, kind)
    except errors.FeatureNotSupported:
        raise
    except errors.Error as error:
        return error
    return None


def _is_valid(context: FunctionContext, text: str, type_name: str) -> bool:
    return _find_error(context, text, type_name) is None


def _error_info(context: FunctionContext, text: str, type_name: str) -> list[tuple[Any, ...]]:
    error = _find_error(context, text, type_name)
    if error is None:
        return [(None, None, None, None)]
    return [(error.message, error.detail, error.hint, error.sqlstate)]


INPUT_FUNCTIONS: tuple[Function, ...] = (
    Function(
        "pg_input_is_valid",
        (TEXT, TEXT),
        BOOLEAN,
        _is_valid,
        volatility=Volatility.STABLE,
        needs_context=True,
    ),
    Function(
        "pg_input_error_info",
        (TEXT, TEXT),
        _INFO,
        _error_info,
        volatility=Volatility.STABLE,
        needs_context=True,
        returns_set=True,
        output_columns=_COLUMNS,
    ),
)
