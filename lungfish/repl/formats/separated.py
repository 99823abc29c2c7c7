"""Values with separators between them: plain (psql's unaligned), csv, tsv.

In csv and tsv an empty value is quoted where NULL is shown as nothing, as COPY does it, so that the two can be told apart when the file
is read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lungfish.repl.formats.settings import (
    DisplaySettings,
    ResultText,
    Row,
    cell_columns,
    footer_lines,
    title_of,
)


def write_plain(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """psql's unaligned format; `\\f` sets what stands between the values."""
    field, record = settings.field_separator, settings.record_separator
    title = title_of(result, settings)
    if title is not None:
        yield f"{title}{record}"
    if settings.has_header and not settings.is_tuples_only:
        yield field.join(result.columns) + record
    for piece in result.pieces(settings.piece_rows):
        if not result.columns:
            continue
        rows = zip(*cell_columns(piece, settings.null), strict=True)
        yield record.join(map(field.join, rows)) + record
    for line in footer_lines(result, settings):
        yield f"{line}{record}"


def write_plain_expanded(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """The same with a column a line, and an empty line between rows."""
    field, record = settings.field_separator, settings.record_separator
    title = title_of(result, settings)
    if title is not None:
        yield f"{title}{record}"
    before = ""
    for row in result.rows:
        pairs = zip(result.columns, row, strict=True)
        null = settings.null
        yield before + "".join(
            [f"{name}{field}{null if value is None else value}{record}" for name, value in pairs]
        )
        before = record


def write_csv(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """Comma-separated values (RFC 4180, with newlines alone), as COPY writes them."""
    return _write_quoted(result, settings, settings.csv_separator)


def write_tsv(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """The same with tabs."""
    return _write_quoted(result, settings, "\t")


def _write_quoted(result: ResultText, settings: DisplaySettings, separator: str) -> Iterator[str]:
    special = re.compile(f'[{re.escape(separator)}"\r\n]')
    if settings.has_header and not settings.is_tuples_only:
        yield separator.join(_quoted(list(result.columns), special)) + "\n"
    for piece in result.pieces(settings.piece_rows):
        columns = [_csv_column(column, settings.null, special) for column in _by_column(piece)]
        if columns:
            yield "\n".join(map(separator.join, zip(*columns, strict=True))) + "\n"


def _by_column(piece: Sequence[Row]) -> Iterator[tuple[str | None, ...]]:
    return zip(*piece, strict=True)


def _csv_column(column: Sequence[str | None], null: str, special: re.Pattern[str]) -> list[str]:
    """The values of a column, quoted where they must be; NULL never is."""
    if None not in column:
        return _quoted([value for value in column if value is not None], special)
    quoted = iter(_quoted([value for value in column if value is not None], special))
    return [null if value is None else next(quoted) for value in column]


def _quoted(values: list[str], special: re.Pattern[str]) -> list[str]:
    # One search over all of them tells of most columns that nothing has to be quoted.
    if special.search("\0".join(values)) is None and "" not in values and "\\." not in values:
        return values
    return [
        '"' + value.replace('"', '""') + '"'
        if not value or value == "\\." or special.search(value) is not None
        else value
        for value in values
    ]
