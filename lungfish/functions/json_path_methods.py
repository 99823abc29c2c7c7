"""The item methods of JSON paths that make numbers, strings and booleans."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from lungfish.errors import DataError, InvalidParameterValue, NonNumericSqlJsonItem
from lungfish.functions.json_path_datetime import JsonDatetime
from lungfish.types.format_numbers import format_double
from lungfish.types.json_text import JsonTree
from lungfish.types.numerics import canonical, fit_decimal, numeric_text
from lungfish.types.parse_numbers import integer_range, parse_double, parse_integer, parse_numeric
from lungfish.types.sql_type import BIGINT, INTEGER

_INTEGERS = {"integer": INTEGER, "bigint": BIGINT}
_TYPE_NAMES = {
    "double": "double precision",
    "number": "numeric",
    "decimal": "numeric",
    "integer": "integer",
    "bigint": "bigint",
    "boolean": "boolean",
}
_PRECISION_MAX, _SCALE_MIN, _SCALE_MAX = 1000, -1000, 1000


def type_name(item: JsonTree) -> str:
    """What .type() says."""
    if item is None:
        return "null"
    if isinstance(item, JsonDatetime):
        return item.type.kind.value
    for kind, name in ((bool, "boolean"), (str, "string"), (Decimal, "number"), (list, "array")):
        if isinstance(item, kind):
            return name
    return "object"


def rounded(name: str, item: JsonTree) -> Decimal:
    """.abs(), .floor() or .ceiling(). Raises 22036."""
    if not isinstance(item, Decimal):
        raise NonNumericSqlJsonItem(
            f"jsonpath item method .{name}() can only be applied to a numeric value"
        )
    if name == "abs":
        return abs(item)
    return canonical(item.to_integral_value(ROUND_FLOOR if name == "floor" else ROUND_CEILING))


def _invalid(name: str, item: JsonTree) -> NonNumericSqlJsonItem:
    shown = numeric_text(item) if isinstance(item, Decimal) else item
    return NonNumericSqlJsonItem(
        f'argument "{shown}" of jsonpath item method .{name}() is invalid for type {_TYPE_NAMES[name]}'
    )


def as_number(name: str, item: JsonTree, arguments: Sequence[int] = ()) -> Decimal:
    """.double(), .number(), .decimal(p, s), .integer() or .bigint(). Raises 22036, 22023."""
    if not isinstance(item, (str, Decimal)):
        raise NonNumericSqlJsonItem(
            f"jsonpath item method .{name}() can only be applied to a string or numeric value"
        )
    if name == "double":
        return _as_double(item)
    if name in _INTEGERS:
        return _as_integer(name, item)
    try:
        number = parse_numeric(item) if isinstance(item, str) else item
    except DataError:
        raise _invalid(name, item) from None
    if not number.is_finite():
        raise NonNumericSqlJsonItem(
            f"NaN or Infinity is not allowed for jsonpath item method .{name}()"
        )
    return _fitted(item, number, arguments) if arguments else number


def _as_double(item: str | Decimal) -> Decimal:
    try:
        number = parse_double(item if isinstance(item, str) else numeric_text(item))
    except DataError:
        raise _invalid("double", item) from None
    if number != number or number in (float("inf"), float("-inf")):
        raise NonNumericSqlJsonItem(
            "NaN or Infinity is not allowed for jsonpath item method .double()"
        )
    return canonical(Decimal(format_double(number))) if isinstance(item, str) else item


def _as_integer(name: str, item: str | Decimal) -> Decimal:
    sql_type = _INTEGERS[name]
    try:
        if isinstance(item, str):
            return canonical(Decimal(parse_integer(item, sql_type)))
    except DataError:
        raise _invalid(name, item) from None
    low, high = integer_range(sql_type.kind)
    whole = item.to_integral_value(ROUND_HALF_UP) if item.is_finite() else item
    if not low <= whole <= high:
        raise _invalid(name, item)
    return canonical(whole)


def _fitted(item: str | Decimal, number: Decimal, arguments: Sequence[int]) -> Decimal:
    precision, scale = arguments[0], arguments[1] if len(arguments) > 1 else 0
    if not 1 <= precision <= _PRECISION_MAX:
        raise InvalidParameterValue(f"NUMERIC precision {precision} must be between 1 and 1000")
    if not _SCALE_MIN <= scale <= _SCALE_MAX:
        raise InvalidParameterValue(f"NUMERIC scale {scale} must be between -1000 and 1000")
    try:
        return fit_decimal(number, precision, scale)
    except DataError:
        raise _invalid("decimal", item) from None


def as_string(item: JsonTree) -> str:
    """.string(). Raises 22036."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return item
    if isinstance(item, Decimal):
        return numeric_text(item)
    if isinstance(item, JsonDatetime):
        return item.text()
    raise NonNumericSqlJsonItem(
        "jsonpath item method .string() can only be applied to a boolean, string, numeric, or datetime value"
    )


def as_boolean(item: JsonTree) -> bool:
    """.boolean(). Raises 22036."""
    if isinstance(item, bool):
        return item
    if isinstance(item, Decimal):
        if item != item.to_integral_value() or abs(item) >= 2**31:
            raise _invalid("boolean", item)
        return bool(item)
    if isinstance(item, str):
        word = item.strip().lower()
        for answer, words in ((True, ("true", "yes")), (False, ("false", "no"))):
            if word and any(full.startswith(word) for full in words):
                return answer
        if word in ("on", "1", "of", "off", "0"):
            return word in ("on", "1")
        raise _invalid("boolean", item)
    raise NonNumericSqlJsonItem(
        "jsonpath item method .boolean() can only be applied to a boolean, string, or numeric value"
    )
