"""Loading files into a database: SQL, data files, SQLite databases.

    app.sql                  statements and COPY data; plain output of pg_dump too
    people.csv, .tsv, .jsonl, .parquet    rows into a table, which is made if there is none
    sqlite:old.db            tables, rows, keys and indexes of a SQLite database

A load is one transaction. If anything in it is wrong, all that is wrong is reported and nothing is kept, unless errors are not to stop
it: then what is good is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lungfish.catalog.objects import Column, Table
from lungfish.connection.connection import Connection
from lungfish.errors import (
    InvalidParameterValue,
    UndefinedColumn,
    WrongObjectType,
)
from lungfish.sql.quoting import quote_identifier, quote_qualified
from lungfish.transfer.data_files import (
    FORMATS,
    DataFile,
    FileOptions,
    open_data_file,
    read_text,
    values_of,
)
from lungfish.transfer.inference import infer_types
from lungfish.transfer.report import LoadReport
from lungfish.transfer.row_sink import RowSink, SourceRow
from lungfish.transfer.sql_files import load_sql
from lungfish.transfer.sqlite_source import load_sqlite
from lungfish.types.sql_type import TypeKind

SQLITE = "sqlite:"
KINDS = ("sql", "csv", "tsv", "jsonl", "parquet")


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a file is loaded."""

    # One of KINDS; None: by the ending of its name.
    kind: str | None = None
    # The table for rows, `t` or `s.t`; None: named like the file. Of SQLite: only this table.
    table: str | None = None
    stops_at_error: bool = True
    file: FileOptions = field(default_factory=FileOptions)


class _Refused(Exception):
    """Something was wrong, so nothing is kept."""


def load(connection: Connection, source: str, options: LoadOptions | None = None) -> LoadReport:
    """Load a source. Raises what SQL raises, UndefinedFile, InvalidParameterValue for a kind that is not known."""
    used = options or LoadOptions()
    report = LoadReport()
    if source.startswith(SQLITE):
        path = source.removeprefix(SQLITE)
        _all_or_nothing(
            connection, report, used, lambda: load_sqlite(connection, path, used.table, report)
        )
        return report
    kind = used.kind or _kind_of(source)
    if kind == "sql":
        load_sql(connection, read_text(source), report, stops_at_error=used.stops_at_error)
        return report
    file = open_data_file(connection, source, kind, used.file)
    name = used.table or Path(source).stem
    _all_or_nothing(
        connection, report, used, lambda: _load_rows(connection, file, name, used, report)
    )
    return report


def _kind_of(source: str) -> str:
    ending = Path(source).suffix.lower()
    if ending in (".sql", ".dump", ".pgsql"):
        return "sql"
    if ending not in FORMATS:
        raise InvalidParameterValue(
            f'what kind of file "{source}" is cannot be told from its name',
            hint=f"Say so with --format: {', '.join(KINDS)}; or sqlite:{source}.",
        )
    return FORMATS[ending]


def _all_or_nothing(
    connection: Connection, report: LoadReport, options: LoadOptions, run: Callable[[], None]
) -> None:
    try:
        with connection.transaction():
            run()
            if options.stops_at_error and not report.is_good:
                raise _Refused
    except _Refused:
        report.is_kept = False


# Rows.


def _load_rows(
    connection: Connection, file: DataFile, name: str, options: LoadOptions, report: LoadReport
) -> None:
    schema, _, bare = name.rpartition(".")
    table = _find_table(connection, schema or None, bare)
    is_new = table is None
    if table is None:
        types = file.types or infer_types(values_of(file.rows), len(file.columns))
        columns = ",\n".join(
            f"    {quote_identifier(column)} {kind}"
            for column, kind in zip(file.columns, types, strict=True)
        )
        connection.execute(f"CREATE TABLE {quote_qualified(schema or None, bare)} (\n{columns}\n)")
        table = _find_table(connection, schema or None, bare)
        assert table is not None, "it was made just now"
        shown = ", ".join(f"{c} {k}" for c, k in zip(file.columns, types, strict=True))
        report.notes.append(f"made table {name} ({shown})")
    targets = _targets(table, file, is_matched=is_new or _has_names(options))
    sink = RowSink(connection, table, targets, report)
    sink.load(_with_arrays(file.rows, targets))


def _has_names(options: LoadOptions) -> bool:
    return options.file.has_header


def _find_table(connection: Connection, schema: str | None, name: str) -> Table | None:
    session = connection._session
    found = session.catalog.find_relation(name, schema, session.settings.search_path)
    if found is None:
        return None
    if not isinstance(found, Table) or found.materialized_query is not None:
        raise WrongObjectType(f'"{name}" is not a table')
    return found


def _targets(table: Table, file: DataFile, *, is_matched: bool) -> list[Column]:
    """The table's column for each of the file's: by name, or by place where the file has no names."""
    if not is_matched:
        writable = [column for column in table.columns if column.generated is None]
        return writable[: len(file.columns)]
    found = []
    for name in file.columns:
        at = table.column_position(name)
        if at is None:
            at = table.column_position(name.lower())
        if at is None:
            names = ", ".join(column.name for column in table.columns)
            raise UndefinedColumn(
                f'column "{name}" of the file does not exist in table "{table.name}"',
                hint=f"The table has {names}. Without a line of names, say --no-header.",
            )
        found.append(table.columns[at])
    return found


def _with_arrays(rows: Any, targets: Sequence[Column]) -> Iterator[SourceRow]:
    """The rows, with lists of JSON as arrays where the column is one."""
    places = [at for at, column in enumerate(targets) if column.type.kind is TypeKind.ARRAY]
    if not places:
        return iter(rows)
    return ((label, _arrays_written(fields, places)) for label, fields in rows)


def _arrays_written(fields: Sequence[str | None], places: Sequence[int]) -> list[str | None]:
    written = list(fields)
    for at in places:
        value = written[at] if at < len(written) else None
        if value is not None and value.startswith("["):
            try:
                written[at] = _array_text(json.loads(value, parse_float=str, parse_int=str))
            except ValueError:
                # No JSON: the column's own reader says what is wrong with it.
                continue
    return written


def _array_text(value: Any) -> str:
    """PostgreSQL's text of an array."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(map(_array_text, value)) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


__all__ = ["KINDS", "LoadOptions", "LoadReport", "load"]
