"""JSON, JSON by lines, and INSERT statements: each value in the notation of its type."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from lungfish.repl.formats.settings import NUMERIC_TYPES, DisplaySettings, ResultText
from lungfish.sql.quoting import quote_identifier, quote_literal

_JSON_TYPES = frozenset({"json", "jsonb"})
_NOT_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})
# A character outside strings that JSON takes for space; in strings it does not occur.
_LINE_BREAKS = str.maketrans("\r\n", "  ")

ValueWriter = Callable[[str], str]


def write_json(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """An array with an object for each row."""
    yield "["
    before = "\n  "
    for objects in _json_objects(result, settings):
        yield before + ",\n  ".join(objects)
        before = ",\n  "
    yield "\n]\n"


def write_json_lines(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """An object a line."""
    for objects in _json_objects(result, settings):
        yield "\n".join(objects) + "\n"


def _json_objects(result: ResultText, settings: DisplaySettings) -> Iterator[Sequence[str]]:
    """The rows' objects, a piece at a time."""
    names = [_json_string(name).replace("%", "%%") for name in result.columns]
    template = "{" + ", ".join([f"{name}: %s" for name in names]) + "}"
    writers = [_json_writer(name) for name in result.types]
    for piece in result.pieces(settings.piece_rows):
        yield _fill(template, writers, piece, "null")


def _fill(
    template: str, writers: Sequence[ValueWriter], piece: Sequence[Sequence[str | None]], null: str
) -> list[str]:
    """The template filled in with each row's values."""
    if not writers:
        return [template for _ in piece]
    columns = [
        [null if value is None else write(value) for value in column]
        for write, column in zip(writers, zip(*piece, strict=True), strict=True)
    ]
    return list(map(template.__mod__, zip(*columns, strict=True)))


def _json_writer(type_name: str) -> ValueWriter:
    if type_name in _JSON_TYPES:
        return _json_document
    if type_name in NUMERIC_TYPES:
        return _json_number
    return _json_boolean if type_name == "boolean" else _json_string


_json_string: ValueWriter = json.JSONEncoder(ensure_ascii=False).encode


def _json_document(value: str) -> str:
    return value.translate(_LINE_BREAKS)


def _json_number(value: str) -> str:
    return _json_string(value) if value in _NOT_NUMBERS else value


def _json_boolean(value: str) -> str:
    return "true" if value == "t" else "false"


def write_insert(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """INSERT statements that would put the rows into the table that `\\pset tablename` names."""
    names = ", ".join([quote_identifier(name) for name in result.columns])
    table = ".".join([quote_identifier(part) for part in settings.table_name.split(".")])
    head = f"INSERT INTO {table} ({names}) VALUES (".replace("%", "%%")
    template = head + ", ".join(["%s"] * len(result.columns)) + ");"
    if not result.columns:
        template = f"INSERT INTO {table} DEFAULT VALUES;"
    writers = [_sql_writer(name) for name in result.types]
    for piece in result.pieces(settings.piece_rows):
        yield "\n".join(_fill(template, writers, piece, "NULL")) + "\n"


def _sql_writer(type_name: str) -> ValueWriter:
    if type_name in NUMERIC_TYPES:
        return lambda value: f"'{value}'" if value in _NOT_NUMBERS else value
    if type_name == "boolean":
        return _json_boolean
    return quote_literal
