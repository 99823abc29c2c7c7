"""A result as the caller sees it: its columns as PEP 249 describes them, its rows as Python's own values or as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lungfish.connection.row_factories import ColumnDescription, Description
from lungfish.errors import OWN_MISTAKES, internal_error
from lungfish.planner.expressions import OutputColumn
from lungfish.session import StatementResult
from lungfish.types.python_values import column_to_python, writer_of
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.text_format import format_column
from lungfish.types.vectors import to_values

_CONVERTERS_MAX = 256

# Rows whose texts are made together, so that the first ones of a long result are there at once.
_TEXT_PIECE_ROWS = 4_096


class Converters:
    """Whether a result's values are Python's own already, remembered by its columns, which all runs of a plan share."""

    def __init__(self) -> None:
        # By the identity of the columns, which the entry keeps alive.
        self._known: dict[int, tuple[Sequence[OutputColumn], TextSettings, bool]] = {}

    def needed(self, columns: Sequence[OutputColumn], settings: TextSettings) -> bool:
        """Whether any column is converted under these settings. Hot: every fetch of a short result."""
        known = self._known.get(id(columns))
        if known is not None and known[1] is settings:
            return known[2]
        if len(self._known) >= _CONVERTERS_MAX:
            self._known.clear()
        is_needed = any(writer_of(column.type, settings) for column in columns)
        self._known[id(columns)] = (columns, settings, is_needed)
        return is_needed


def describe(result: StatementResult) -> Description:
    """PEP 249's description of a result's columns."""
    return Description(
        [_describe_column(column.name, column.type) for column in result.columns or ()]
    )


def _describe_column(name: str, sql_type: SqlType) -> ColumnDescription:
    precision = scale = size = None
    if sql_type.modifiers:
        if sql_type.kind is TypeKind.NUMERIC:
            precision, scale = sql_type.modifiers
        elif sql_type.kind in (TypeKind.VARCHAR, TypeKind.CHAR):
            size = sql_type.modifiers[0]
    # As in PostgreSQL, a client is told a domain's base type.
    return ColumnDescription(
        name, str(sql_type.base.unmodified), size, None, precision, scale, None
    )


def iter_python_rows(result: StatementResult, settings: TextSettings) -> Iterator[tuple[Any, ...]]:
    """The rows as tuples of Python's own values. Raises what comes of the query, and CorruptDatabase for what no value was stored as."""
    try:
        types = [column.type for column in result.columns or ()]
        if result.rows is not None:
            writers = [writer_of(kind, settings) for kind in types]
            if not any(writers):
                yield from map(tuple, result.rows)
                return
            for row in result.rows:
                yield tuple(
                    [
                        value if value is None or writer is None else writer(value)
                        for value, writer in zip(row, writers, strict=True)
                    ]
                )
            return
        for batch in result.batches:
            if not types:
                yield from [()] * batch.row_count
                continue
            columns = [
                column_to_python(vector, kind, settings)
                for vector, kind in zip(batch.columns, types, strict=True)
            ]
            yield from zip(*columns, strict=True)
    except OWN_MISTAKES as error:
        raise internal_error(error) from error


def iter_text_rows(
    result: StatementResult, settings: TextSettings
) -> Iterator[tuple[str | None, ...]]:
    """The rows as PostgreSQL's text output, None for NULL."""
    try:
        types = [column.type for column in result.columns or ()]

        if result.rows is not None:
            if not types:
                yield from [()] * len(result.rows)
                return
            for start in range(0, len(result.rows), _TEXT_PIECE_ROWS):
                piece = zip(*result.rows[start : start + _TEXT_PIECE_ROWS], strict=True)
                columns = [
                    format_column(values, kind, settings)
                    for values, kind in zip(piece, types, strict=True)
                ]
                yield from zip(*columns, strict=True)
            return
        for batch in result.batches:
            if not types:
                yield from [()] * batch.row_count
                continue
            columns = [
                format_column(to_values(vector, kind), kind, settings)
                for vector, kind in zip(batch.columns, types, strict=True)
            ]
            yield from zip(*columns, strict=True)
    except OWN_MISTAKES as error:
        raise internal_error(error) from error
