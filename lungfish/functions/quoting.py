"""Text made of values of any type: concat, format, and quoting for SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lungfish.errors import (
    InvalidParameterValue,
    NullValueNotAllowed,
    NumericValueOutOfRange,
    SyntaxError,
)
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.registry import Function, FunctionContext, Polymorphic, Volatility
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.casts import require_find_cast
from lungfish.types.keywords import KEYWORDS, lower_ascii
from lungfish.types.parse_numbers import parse_integer
from lungfish.types.sql_type import BOOLEAN, INTEGER, TEXT, SqlType, TypeKind, array_of
from lungfish.types.text_format import format_value

_SAFE_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


def quote_identifier(name: str) -> str:
    """A name as SQL needs it written."""
    if _SAFE_IDENTIFIER.fullmatch(name) and name not in KEYWORDS:
        return name
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def quote_literal(text: str) -> str:
    """A text as a SQL literal."""
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def _as_text(context: FunctionContext, value: Any, sql_type: SqlType) -> str:
    """The value cast to text."""
    text: str = require_find_cast(sql_type, TEXT).scalar(value, text_settings(context))
    return text


def _quote_value(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
    return quote_literal(_as_text(context, value, types[0]))


def _quote_nullable(context: FunctionContext, value: Any, *, types: Sequence[SqlType]) -> str:
    return "NULL" if value is None else quote_literal(_as_text(context, value, types[0]))


def _shown(context: FunctionContext, value: Any, sql_type: SqlType) -> str:
    """The value as the type's output function writes it."""
    return format_value(value, sql_type, text_settings(context))


def _join_after(
    context: FunctionContext, text: str, value: Any, *, types: Sequence[SqlType]
) -> str:
    return text + _as_text(context, value, types[1])


def _join_before(
    context: FunctionContext, value: Any, text: str, *, types: Sequence[SqlType]
) -> str:
    return _as_text(context, value, types[0]) + text


def _concat(context: FunctionContext, *values: Any, types: Sequence[SqlType]) -> str:
    kinds = _types_of(values, types)
    return "".join(
        _shown(context, value, kind)
        for value, kind in zip(values, kinds, strict=True)
        if value is not None
    )


def _concat_ws(
    context: FunctionContext, separator: str | None, *values: Any, types: Sequence[SqlType]
) -> str | None:
    if separator is None:
        return None
    kinds = _types_of(values, types[1:])
    return separator.join(
        _shown(context, value, kind)
        for value, kind in zip(values, kinds, strict=True)
        if value is not None
    )


def _types_of(values: Sequence[Any], types: Sequence[SqlType]) -> Sequence[SqlType]:
    """A type for each value: the elements of a VARIADIC array share its element type."""
    if len(types) == len(values) and not (types and _is_spread(values[-1], types[-1])):
        return types
    array = types[-1]
    element = array.element or array
    return [*types[:-1], *([element] * (len(values) - len(types) + 1))]


def _is_spread(value: Any, sql_type: SqlType) -> bool:
    """Whether the value is an element of the VARIADIC array of that type, rather than an array."""
    is_array = sql_type.kind is TypeKind.ARRAY
    return is_array and not hasattr(value, "dimensions") and value is not None


# format()

_SPECIFIER = re.compile(r"%(?:(\d+)\$)?(-?)(?:(\d+)|\*(?:(\d+)\$)?)?(.?)", re.DOTALL)
_PERCENT_HINT = 'For a single "%" use "%%".'


def _digits(text: str) -> int:
    """A number in a specifier. Raises NumericValueOutOfRange where PostgreSQL's integer has no room for it."""
    number = int(text)
    if number >= _NUMBER_LIMIT:
        raise NumericValueOutOfRange("number is out of range")
    return number


class _Formatter:
    """One run of format(): which argument comes next, and what has been written."""

    def __init__(
        self, context: FunctionContext, values: Sequence[Any], types: Sequence[SqlType]
    ) -> None:
        self._context = context
        self._values = values
        self._types = types
        self._next = 0

    def run(self, template: str) -> str:
        """The template with its specifiers replaced."""
        pieces, place = [], 0
        while True:
            found = template.find("%", place)
            if found < 0:
                pieces.append(template[place:])
                return "".join(pieces)
            pieces.append(template[place:found])
            if template[found + 1 : found + 2] == "%":
                pieces.append("%")
                place = found + 2
                continue
            match = _SPECIFIER.match(template, found)
            assert match is not None
            pieces.append(self._specified(match))
            place = match.end()

    def _specified(self, match: re.Match[str]) -> str:
        number, minus, width_text, width_argument, letter = match.groups()
        if not letter:
            raise InvalidParameterValue("unterminated format() type specifier", hint=_PERCENT_HINT)
        width = _digits(width_text) if width_text else 0
        if "*" in match[0][:-1]:
            width = self._width(width_argument)
        if letter not in "sIL":
            raise InvalidParameterValue(
                f'unrecognized format() type specifier "{letter}"', hint=_PERCENT_HINT
            )
        value, sql_type = self._argument(number)
        text = self._conversion(letter, value, sql_type)
        if minus or width < 0:
            return text.ljust(abs(width))
        return text.rjust(width)

    def _width(self, number: str | None) -> int:
        value, sql_type = self._argument(number)
        if value is None:
            return 0
        width = parse_integer(_shown(self._context, value, sql_type), INTEGER)
        if width == -_NUMBER_LIMIT:
            raise NumericValueOutOfRange("number is out of range")
        return width

    def _argument(self, number: str | None) -> tuple[Any, SqlType]:
        if number is not None:
            if _digits(number) == 0:
                raise InvalidParameterValue(
                    "format specifies argument 0, but arguments are numbered from 1"
                )
            self._next = int(number) - 1
        if self._next >= _NUMBER_LIMIT:
            raise NumericValueOutOfRange("number is out of range")
        if self._next >= len(self._values):
            raise InvalidParameterValue("too few arguments for format()")
        index = self._next
        self._next += 1
        return self._values[index], self._types[index]

    def _conversion(self, letter: str, value: Any, sql_type: SqlType) -> str:
        if value is None:
            if letter == "I":
                raise NullValueNotAllowed("null values cannot be formatted as an SQL identifier")
            return "NULL" if letter == "L" else ""
        text = _shown(self._context, value, sql_type)
        if letter == "I":
            return quote_identifier(text)
        return quote_literal(text) if letter == "L" else text


def _format(
    context: FunctionContext, template: str | None, *values: Any, types: Sequence[SqlType]
) -> str | None:
    if template is None:
        return None
    return _Formatter(context, values, _types_of(values, types[1:])).run(template)


# Identifiers and escapes

_IDENTIFIER_PART = re.compile(
    r'\s*(?:"((?:[^"]|"")*)"|([A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*))\s*', re.ASCII
)


def _parse_ident(text: str, is_strict: bool = True) -> ArrayValue:
    """parse_ident: the parts of a qualified name. Raises 22023."""
    parts: list[str] = []
    place = 0
    while True:
        match = _IDENTIFIER_PART.match(text, place)
        if match is None:
            detail = 'No valid identifier before ".".' if text[place : place + 1] == "." else None
            if text[place:].lstrip()[:1] == '"':
                detail = "String has unclosed double quotes."
            elif parts and detail is None:
                detail = 'No valid identifier after ".".'
            raise InvalidParameterValue(
                f'string is not a valid identifier: "{text}"', detail=detail
            )
        if match[1] == "":
            raise InvalidParameterValue(
                f'string is not a valid identifier: "{text}"',
                detail="Quoted identifier must not be empty.",
            )
        parts.append(match[1].replace('""', '"') if match[1] is not None else lower_ascii(match[2]))
        place = match.end()
        if text[place : place + 1] == ".":
            place += 1
            continue
        if place < len(text) and is_strict:
            raise InvalidParameterValue(f'string is not a valid identifier: "{text}"')
        return array_value(parts)


# Beyond this the number of an argument of format() is no integer.
_NUMBER_LIMIT = 1 << 31
_UNICODE_ESCAPE = re.compile(
    r"\\(?:(\\)|([0-9a-fA-F]{4})|\+([0-9a-fA-F]{6})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))?"
)
_UNICODE_HINT = "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX."


def unescape_unicode(text: str) -> str:
    """unistr: the characters that Unicode escapes stand for. Raises 42601."""
    pieces: list[str] = []
    place = 0
    for match in _UNICODE_ESCAPE.finditer(text):
        pieces.append(text[place : match.start()])
        place = match.end()
        if match[1]:
            pieces.append("\\")
            continue
        digits = next((group for group in match.groups()[1:] if group), None)
        if digits is None:
            raise SyntaxError("invalid Unicode escape", hint=_UNICODE_HINT)
        code = int(digits, 16)
        if not 0 < code <= 0x10FFFF:
            raise SyntaxError(f"invalid Unicode code point: {code:04X}")
        pieces.append(chr(code))
    pieces.append(text[place:])
    joined = "".join(pieces)
    try:
        return joined.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise SyntaxError("invalid Unicode surrogate pair") from error


_ANY = Polymorphic.ANY


def _context_function(name: str, arguments: Any, scalar: Any, **options: Any) -> Function:
    return Function(
        name,
        arguments,
        TEXT,
        scalar,
        volatility=Volatility.STABLE,
        needs_context=True,
        needs_types=True,
        **options,
    )


FUNCTIONS: tuple[Function, ...] = (
    Function("quote_ident", (TEXT,), TEXT, quote_identifier),
    Function("quote_literal", (TEXT,), TEXT, quote_literal),
    _context_function("quote_literal", (Polymorphic.ANYELEMENT,), _quote_value),
    Function(
        "quote_nullable",
        (TEXT,),
        TEXT,
        lambda value: "NULL" if value is None else quote_literal(value),
        is_strict=False,
    ),
    _context_function(
        "quote_nullable", (Polymorphic.ANYELEMENT,), _quote_nullable, is_strict=False
    ),
    _context_function("concat", (_ANY,), _concat, is_strict=False, is_variadic=True),
    _context_function("concat_ws", (TEXT, _ANY), _concat_ws, is_strict=False, is_variadic=True),
    _context_function("||", (TEXT, Polymorphic.ANYNONARRAY), _join_after),
    _context_function("||", (Polymorphic.ANYNONARRAY, TEXT), _join_before),
    _context_function("format", (TEXT,), _format, is_strict=False),
    _context_function("format", (TEXT, _ANY), _format, is_strict=False, is_variadic=True),
    Function("unistr", (TEXT,), TEXT, unescape_unicode),
    Function("parse_ident", (TEXT, BOOLEAN), array_of(TEXT), _parse_ident, defaults=(True,)),
)
