"""Rows from files of data: csv, tsv, jsonl and parquet, each value as text under the name of its column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from lungfish.connection.connection import Connection
from lungfish.errors import BadCopyFileFormat, CharacterNotInRepertoire, UndefinedFile
from lungfish.session.copy_lines import read_lines
from lungfish.session.copy_options import CopyOptions
from lungfish.transfer.row_sink import SourceRow
from lungfish.types.python_values import from_python
from lungfish.types.text_format import format_value

# By the ending of the file's name.
FORMATS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How the lines of a csv or tsv file are read."""

    has_header: bool = True
    # None: that of the format.
    delimiter: str | None = None
    null: str | None = None


@dataclass(slots=True)
class DataFile:
    """A file's columns, and its rows, which may be read several times."""

    columns: list[str]
    # The types of the columns where the file knows them; None: to be inferred.
    types: list[str] | None
    rows: RowSource


class RowSource(Protocol):
    """Rows that can be read from the beginning each time."""

    def __iter__(self) -> Iterator[SourceRow]: ...


def open_data_file(connection: Connection, path: str, kind: str, options: FileOptions) -> DataFile:
    """Read a file's head. Raises UndefinedFile, CharacterNotInRepertoire, BadCopyFileFormat for what is no such file."""
    if kind == "parquet":
        return _parquet_file(connection, path)
    text = read_text(path)
    if kind == "jsonl":
        rows = _JsonLines(text)
        return DataFile(rows.columns, None, rows)
    return _separated_file(text, kind, options)


def read_text(path: str) -> str:
    """A file's text. Raises UndefinedFile, CharacterNotInRepertoire."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UndefinedFile(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CharacterNotInRepertoire(f"{path} is not UTF-8: {error.reason}") from error


# csv and tsv


class _Separated(RowSource):
    def __init__(self, text: str, options: CopyOptions, *, has_header: bool) -> None:
        self._text = text
        self._options = options
        self._first = 2 if has_header else 1
        self._skipped = 1 if has_header else 0

    def __iter__(self) -> Iterator[SourceRow]:
        rows = islice(read_lines(self._text, self._options, ()), self._skipped, None)
        for number, fields in enumerate(rows, self._first):
            yield str(number), [None if field is None else str(field) for field in fields]


def _separated_file(text: str, kind: str, options: FileOptions) -> DataFile:
    is_csv = kind == "csv"
    usual = "," if is_csv else "\t"
    layout = CopyOptions(is_csv=True, delimiter=options.delimiter or usual, null=options.null or "")
    first = next(read_lines(text, layout, ()), None)
    if first is None:
        columns = []
    elif options.has_header:
        columns = [str(name) if isinstance(name, str) else "" for name in first]
    else:
        columns = [f"column{number}" for number in range(1, len(first) + 1)]
    return DataFile(columns, None, _Separated(text, layout, has_header=options.has_header))


# jsonl


class _JsonLines(RowSource):
    """An object a line; a key that a line has not is NULL."""

    def __init__(self, text: str) -> None:
        self._text = text
        names: dict[str, None] = {}
        for _, found in self._objects():
            names.update(dict.fromkeys(found))
        self.columns = list(names)

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(self._text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line, parse_float=_Number, parse_int=_Number)
            except ValueError as error:
                raise BadCopyFileFormat(f"line {number} is not JSON: {error}") from error
            if not isinstance(found, dict):
                raise BadCopyFileFormat(f"line {number} is not a JSON object")
            yield number, found

    def __iter__(self) -> Iterator[SourceRow]:
        for number, found in self._objects():
            yield str(number), [_json_text(found.get(name)) for name in self.columns]


class _Number(str):
    """A number of JSON, in the digits in which it was written."""

    __slots__ = ()


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _to_json(value)


def _to_json(value: Any) -> str:
    """JSON with the numbers as they were."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {_to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_to_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# parquet


class _ParquetRows(RowSource):
    def __init__(self, connection: Connection, file: Any, types: Sequence[str]) -> None:
        self._file = file
        self._types = types
        self._settings = connection._session.settings.text

    def __iter__(self) -> Iterator[SourceRow]:
        number = 0
        for batch in self._file.iter_batches():
            columns = [
                _python_values(column, kind)
                for column, kind in zip(batch.columns, self._types, strict=True)
            ]
            for row in zip(*columns, strict=True):
                number += 1
                yield str(number), [self._text(value) for value in row]

    def _text(self, value: Any) -> str | None:
        if isinstance(value, (dict, list)):
            return json.dumps(value, default=str)
        inner, kind = from_python(value, self._settings)
        return None if inner is None or kind is None else format_value(inner, kind, self._settings)


def _parquet_file(connection: Connection, path: str) -> DataFile:
    # Put off: only here is a file format of Arrow's read.
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(Path(path).expanduser())
    except FileNotFoundError as error:
        raise UndefinedFile(f"{path}: no such file") from error
    except (pa.ArrowException, OSError) as error:
        raise BadCopyFileFormat(f"{path} is not a parquet file: {error}") from error
    schema = file.schema_arrow
    types = [_type_of(field.type, pa.types) for field in schema]
    return DataFile(list(schema.names), types, _ParquetRows(connection, file, types))


def _python_values(column: Any, kind: str) -> list[Any]:
    """A column's values as Python's; times of nanoseconds as microseconds, if nothing is lost by it."""
    import pyarrow as pa

    if kind in ("timestamp", "timestamptz", "interval", "time") and column.type.unit == "ns":
        try:
            column = column.cast(_IN_MICROSECONDS[kind](column.type, pa))
        except pa.ArrowInvalid as error:
            raise BadCopyFileFormat(f"a time has parts of a microsecond: {error}") from error
    values: list[Any] = column.to_pylist()
    return values


_IN_MICROSECONDS: dict[str, Callable[[Any, Any], Any]] = {
    "timestamp": lambda _kind, pa: pa.timestamp("us"),
    "timestamptz": lambda kind, pa: pa.timestamp("us", kind.tz),
    "interval": lambda _kind, pa: pa.duration("us"),
    "time": lambda _kind, pa: pa.time64("us"),
}


def _type_of(arrow: Any, types: Any) -> str:
    """The type for a column of Arrow's."""
    if types.is_decimal(arrow):
        return f"numeric({arrow.precision},{max(arrow.scale, 0)})"
    if types.is_timestamp(arrow):
        return "timestamp" if arrow.tz is None else "timestamptz"
    for is_kind, name in (
        (types.is_boolean, "boolean"), (types.is_int8, "smallint"), (types.is_uint8, "smallint"),
        (types.is_int16, "smallint"), (types.is_uint16, "integer"), (types.is_int32, "integer"),
        (types.is_uint32, "bigint"), (types.is_int64, "bigint"), (types.is_uint64, "numeric(20,0)"),
        (types.is_float16, "real"), (types.is_float32, "real"), (types.is_float64, "double precision"),
        (types.is_date, "date"), (types.is_time, "time"), (types.is_binary, "bytea"),
        (types.is_large_binary, "bytea"), (types.is_fixed_size_binary, "bytea"),
        (types.is_nested, "jsonb"), (types.is_duration, "interval"),
    ):  # fmt: skip
        if is_kind(arrow):
            return name
    return "text"


def values_of(rows: RowSource) -> Iterator[Sequence[str | None]]:
    """The fields alone."""
    return (fields for _, fields in rows)
