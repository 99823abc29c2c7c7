"""From the caller's text and values to parsed statements and internal values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lungfish.database.plan_cache import LruCache, ParsedText
from lungfish.errors import Error, InterfaceError
from lungfish.sql.offsets import OffsetMap
from lungfish.sql.parameters import rewrite_parameters
from lungfish.sql.statements import parse
from lungfish.types.casts import read_text
from lungfish.types.python_values import ListText, from_python
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import INTEGER, SqlType, TypeKind

_INTEGER_MIN, _INTEGER_MAX = -(2**31), 2**31 - 1

# The values of one execution and their types; None where the statement is to infer one.
BoundParameters = tuple[tuple[Any, ...], tuple[SqlType | None, ...]]


def parse_text(cache: LruCache[ParsedText], sql: str, *, has_parameters: bool) -> ParsedText:
    """The text's statements, parsed once. Placeholders are looked for only when the caller gives parameters."""
    key = (sql, has_parameters)
    found = cache.get(key)
    if found is not None:
        return found
    if has_parameters:
        rewritten = rewrite_parameters(sql)
        position_of: OffsetMap | None = rewritten.position_of
        names, count = rewritten.names, rewritten.count
        try:
            pieces = parse(rewritten.text)
        except Error as error:
            raise move_position(error, position_of)  # noqa: B904 - the same error, its place mapped back.
    else:
        pieces, names, count, position_of = parse(sql), None, 0, None
    parsed = ParsedText(
        tuple(piece.statement for piece in pieces),
        tuple(piece.text for piece in pieces),
        names,
        count,
        position_of,
    )
    if has_parameters and len(parsed.statements) > 1:
        raise InterfaceError(
            "several statements cannot take parameters", hint="Execute them one by one."
        )
    cache.put(key, parsed)
    return parsed


def move_position(error: Error, position_of: OffsetMap | None) -> Error:
    """The error with its place in the text that the caller gave, where placeholders had been rewritten."""
    if position_of is not None and error.position is not None and error.sql is None:
        error.position = position_of(error.position)
    return error


def bind_parameters(
    parsed: ParsedText,
    parameters: Sequence[Any] | Mapping[str, Any] | None,
    settings: TextSettings,
) -> tuple[tuple[Any, ...], tuple[SqlType | None, ...]]:
    """The internal values in the order of $1, $2, ... and their types; None where the statement is to infer one.

    Raises InterfaceError where the parameters do not fit the placeholders.
    """
    if parameters is None:
        return (), ()
    given: Sequence[Any]
    if parsed.parameter_names is not None:
        given = _values_by_name(parsed.parameter_names, parameters)
    elif type(parameters) is tuple and len(parameters) == parsed.parameter_count:
        given = parameters
    else:
        given = _values_by_position(parsed.parameter_count, parameters)
    values: list[Any] = []
    types: list[SqlType | None] = []
    for item in given:
        # What `from_python` says of the commonest two, in line: bench/oltp.py.
        if type(item) is int and _INTEGER_MIN <= item <= _INTEGER_MAX:
            values.append(item)
            types.append(INTEGER)
        elif type(item) is str and item.isascii() and "\0" not in item:
            values.append(item)
            types.append(None)
        else:
            value, kind = from_python(item, settings)
            values.append(value)
            types.append(None if kind.kind is TypeKind.UNKNOWN else kind)
    return tuple(values), tuple(types)


def infer_values(
    values: tuple[Any, ...],
    types: tuple[SqlType | None, ...],
    wanted: Sequence[SqlType],
    settings: TextSettings,
) -> tuple[Any, ...]:
    """The values of parameters whose types the statement inferred: a str is read as a literal of the type would be."""
    if None not in types:
        return values
    return tuple(
        value if given is not None or value is None else infer_value(value, kind, settings)
        for value, given, kind in zip(values, types, wanted, strict=True)
    )


def infer_value(value: str, kind: SqlType, settings: TextSettings) -> Any:
    """A parameter's text as the value of the type that the statement wants."""
    return read_text(_literal(value, kind), kind.base, settings)


def is_plain_text(kind: SqlType) -> bool:
    """Whether the value of a parameter of this type is its text as it stands."""
    return kind.kind is TypeKind.TEXT and not kind.modifiers


def _literal(value: str, kind: SqlType) -> str:
    """The text that a parameter stands for: of a list, where JSON is wanted, not that of an array."""
    if isinstance(value, ListText) and kind.kind in (TypeKind.JSON, TypeKind.JSONB):
        return value.json_text
    return value


def _values_by_name(
    names: tuple[str, ...], parameters: Sequence[Any] | Mapping[str, Any]
) -> list[Any]:
    if not isinstance(parameters, Mapping):
        raise InterfaceError(
            "the statement's parameters have names, so a mapping is needed",
            hint=f"Give a dict with {', '.join(dict.fromkeys(names))}.",
        )
    missing = [name for name in dict.fromkeys(names) if name not in parameters]
    if missing:
        raise InterfaceError(f"no value is given for parameter {', '.join(missing)}")
    return [parameters[name] for name in names]


def _values_by_position(count: int, parameters: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    if isinstance(parameters, (str, bytes, Mapping)):
        raise InterfaceError(
            f"parameters are given as a sequence, not as {type(parameters).__name__}",
            hint="For a single value write (value,).",
        )
    given = list(parameters)
    if len(given) != count:
        raise InterfaceError(f"the statement takes {count} parameters, but {len(given)} were given")
    return given
