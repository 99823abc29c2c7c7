r"""COPY ... FROM STDIN in scripts: the lines behind the statement, up to `\.`, become rows.

The lines are read here, by the client, in PostgreSQL's text and CSV formats, and inserted in batches inside one transaction, so a
bad line leaves nothing behind. Values go in as text and take the types of their columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from lungfish import Connection, errors
from lungfish.sql.ast.dml import Copy
from lungfish.sql.quoting import quote_identifier, quote_qualified

_ROWS_PER_BATCH = 10_000
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SUPPORTED = frozenset(
    {"format", "delimiter", "null", "header", "quote", "escape", "encoding", "freeze"}
)

Row = list[str | None]


@dataclass(frozen=True, slots=True)
class CopyFormat:
    """The options of COPY that say how lines are read."""

    is_csv: bool
    delimiter: str
    null: str
    has_header: bool
    quote: str
    escape: str


def read_format(copy: Copy) -> CopyFormat:
    """The options of a COPY statement. Raises FeatureNotSupported for those that cannot be kept."""
    options = dict(copy.options)
    unknown = [name for name in options if name not in _SUPPORTED]
    kind = str(options.get("format", "text"))
    if unknown or kind not in ("text", "csv") or copy.where is not None:
        what = f"option {unknown[0]}" if unknown else "WHERE" if copy.where else f"format {kind}"
        raise errors.FeatureNotSupported(
            f"COPY FROM STDIN with {what} is not supported", position=copy.position
        )
    is_csv = kind == "csv"
    quote = str(options.get("quote", '"'))
    return CopyFormat(
        is_csv=is_csv,
        delimiter=str(options.get("delimiter", "," if is_csv else "\t")),
        null=str(options.get("null", "" if is_csv else "\\N")),
        has_header=str(options.get("header", False)).lower() in ("true", "on", "1", "match"),
        quote=quote,
        escape=str(options.get("escape", quote)),
    )


def read_rows(data: str, layout: CopyFormat) -> Iterator[Row]:
    """The rows of the data."""
    rows = _csv_rows(data, layout) if layout.is_csv else _text_rows(data, layout)
    return islice(rows, 1 if layout.has_header else 0, None)


def _text_rows(data: str, layout: CopyFormat) -> Iterator[Row]:
    for line in data.split("\n"):
        line = line.removesuffix("\r")
        if line or not layout.has_header:
            yield [
                None if field == layout.null else _unescape(field)
                for field in _split_fields(line, layout.delimiter)
            ]


def _split_fields(line: str, delimiter: str) -> list[str]:
    """The fields; a delimiter behind a backslash belongs to its field."""
    if "\\" + delimiter not in line:
        return line.split(delimiter)
    return re.findall(rf"(?:^|{re.escape(delimiter)})((?:\\.|[^\\{re.escape(delimiter)}])*)", line)


def _unescape(field: str) -> str:
    if "\\" not in field:
        return field
    return _ESCAPE.sub(_unescaped, field)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8))
    return _CONTROL.get(code, code)


def _csv_rows(data: str, layout: CopyFormat) -> Iterator[Row]:
    """CSV's rows. Python's csv module cannot tell an empty field, which is NULL, from a quoted empty one."""
    match_field = _csv_field(layout).match
    position, row = 0, list[str | None]()
    while position <= len(data):
        match = match_field(data, position)
        if match is None:
            raise errors.BadCopyFileFormat(
                "unterminated CSV quoted field, or text beside the quotes",
                detail=f"at offset {position}",
            )
        quoted, plain, end = match.groups()
        if quoted is None:
            row.append(None if plain == layout.null else plain)
        else:
            row.append(quoted.replace(layout.escape + layout.quote, layout.quote))
        position = match.end()
        if end != layout.delimiter:
            yield row
            row = []
            if not end:
                return


def _csv_field(layout: CopyFormat) -> re.Pattern[str]:
    """One field with what ends it: a quoted one (its inside), or a plain one; a delimiter, a newline or nothing."""
    quote, escape, delimiter = map(re.escape, (layout.quote, layout.escape, layout.delimiter))
    inside = f"(?:[^{quote}{escape}]|{escape}{quote}|{escape}(?!{quote}))*"
    if layout.quote == layout.escape:
        inside = f"(?:[^{quote}]|{quote}{quote})*"
    return re.compile(
        f"(?:{quote}({inside}){quote}|([^{quote}{delimiter}\\r\\n]*))({delimiter}|\\r?\\n|\\Z)"
    )


def copy_from_data(connection: Connection, copy: Copy, data: str) -> int:
    """Insert the rows of the data into the table; how many there were."""
    assert copy.table is not None
    layout = read_format(copy)
    name = quote_qualified(copy.table.schema, copy.table.name)
    columns = copy.columns or tuple(
        column.name
        for column in connection.execute(f"SELECT * FROM {name} LIMIT 0").description or ()
    )
    quoted = ", ".join([quote_identifier(column) for column in columns])
    places = ", ".join(["?"] * len(columns))
    sql = f"INSERT INTO {name} ({quoted}) VALUES ({places})"
    text = data.removesuffix("\n")
    if not text:
        return 0
    rows = _checked(read_rows(text, layout), columns, copy.table.name)
    count = 0
    with connection.transaction():
        while batch := list(islice(rows, _ROWS_PER_BATCH)):
            connection.executemany(sql, batch)
            count += len(batch)
    return count


def _checked(rows: Iterable[Row], columns: tuple[str, ...], table: str) -> Iterator[Row]:
    """The rows, once each has as many values as there are columns."""
    for number, row in enumerate(rows, 1):
        if len(row) < len(columns):
            raise errors.BadCopyFileFormat(
                f'missing data for column "{columns[len(row)]}"',
                detail=f"COPY {table}, row {number}",
            )
        if len(row) > len(columns):
            raise errors.BadCopyFileFormat(
                "extra data after last expected column", detail=f"COPY {table}, row {number}"
            )
        yield row
