"""Results as text: the formats, in one table.

Values arrive as PostgreSQL's text, so every format shows what psql would. Numbers are aligned to the right. tabulate draws the
tables, always with number parsing off (it would turn the text 1e5 into 100000).
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

Row = Sequence[str | None]

NUMERIC_TYPES = frozenset(
    {"smallint", "integer", "bigint", "oid", "real", "double precision", "numeric"}
)
_JSON_TYPES = frozenset({"json", "jsonb"})
_NOT_JSON_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})

# tabulate takes all rows at once; a long result is drawn in pieces of this many rows with the same widths.
_ROWS_PER_PIECE = 2_000


@dataclass(frozen=True, slots=True)
class ResultText:
    """A result whose values are text. `types` are the columns' type names."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[Row]
    # Rows that were left out of `rows` because of a limit.
    omitted_count: int = 0


@dataclass(slots=True)
class DisplaySettings:
    """How results are shown; the shell's commands change it."""

    format: str = "table"
    is_expanded: bool = False
    has_timing: bool = False
    has_header: bool = True
    # Command tags, row counts and titles; off with -q.
    has_messages: bool = True
    null: str = ""
    is_verbose: bool = False
    is_echoing: bool = False
    # Rows shown of a result; 0: all.
    rows_max: int = 0
    title: str | None = field(default=None)


Writer = Callable[[ResultText, DisplaySettings], Iterator[str]]


def format_result(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """The lines of a result, in the format that the settings name."""
    if settings.is_expanded and settings.format == "table":
        return _write_expanded(result, settings)
    return FORMATS[settings.format](result, settings)


def _cells(result: ResultText, settings: DisplaySettings) -> list[list[str]]:
    null = settings.null
    return [[null if value is None else value for value in row] for row in result.rows]


def _screen_cells(result: ResultText, settings: DisplaySettings) -> list[list[str]]:
    """The values as they stand on a screen: a tab takes its room."""
    return [[value.expandtabs() for value in row] for row in _cells(result, settings)]


def _alignments(result: ResultText) -> list[str]:
    return ["right" if name in NUMERIC_TYPES else "left" for name in result.types]


def count_rows(result: ResultText) -> str:
    """The footer: (3 rows)."""
    count = len(result.rows)
    if result.omitted_count:
        return f"({count} of {count + result.omitted_count} rows; \\rows 0 shows all)"
    return "(1 row)" if count == 1 else f"({count} rows)"


def _write_table(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    if settings.title:
        yield settings.title
    cells = _screen_cells(result, settings)
    if result.columns:
        yield from _draw(result, settings, cells, "presto")
    elif settings.has_header:
        yield "--"
    if settings.has_messages:
        yield count_rows(result)
        yield ""


def _draw(
    result: ResultText, settings: DisplaySettings, cells: list[list[str]], style: str
) -> Iterator[str]:
    """Draw by tabulate, piece by piece.

    The header goes in as the first row, padded to the widest value, so that all pieces come out with the same widths and
    without the two blanks that tabulate adds to its own headers.
    """
    # Put off: needed only where a table is drawn.
    from tabulate import tabulate

    widths = [
        max([_width(name), *[_width(row[index]) for row in cells]])
        for index, name in enumerate(result.columns)
    ]
    alignments = _alignments(result)
    header = [_center(name, width) for name, width in zip(result.columns, widths, strict=True)]
    for start in range(0, max(len(cells), 1), _ROWS_PER_PIECE):
        text = tabulate(
            [header, *cells[start : start + _ROWS_PER_PIECE]],
            tablefmt=style,
            disable_numparse=True,
            colalign=alignments,
            preserve_whitespace=True,
        )
        head, *lines = text.split("\n")
        if style == "github":
            # Without headers of its own tabulate begins with the rule.
            head, lines = lines[0], lines[1:]
        if start == 0 and settings.has_header:
            yield head.rstrip() if style == "presto" else head
            yield _rule(widths, alignments, style)
        yield from [line.rstrip() for line in lines] if style == "presto" else lines


def _rule(widths: list[int], alignments: list[str], style: str) -> str:
    """The line between header and rows."""
    if style == "presto":
        return "+".join(["-" * (width + 2) for width in widths])
    dashes = [
        "-" * (width + 1) + (":" if alignment == "right" else "-")
        for width, alignment in zip(widths, alignments, strict=True)
    ]
    return f"|{'|'.join(dashes)}|"


def _center(text: str, width: int) -> str:
    """The text in the middle, as psql puts headers."""
    room = width - _width(text)
    return " " * (room // 2) + text + " " * (room - room // 2)


def _width(text: str) -> int:
    """How many places the text's widest line takes on the screen."""
    if text.isascii() and "\n" not in text:
        return len(text)
    return max(_line_width(line) for line in text.split("\n"))


def _line_width(line: str) -> int:
    # Put off with the other drawing: only text outside ASCII needs it.
    from wcwidth import wcswidth

    width = wcswidth(line)
    return width if width >= 0 else len(line)


def _write_plain(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """Values with bars between them, nothing aligned: psql's unaligned format."""
    if settings.has_header:
        yield "|".join(result.columns)
    for row in _cells(result, settings):
        yield "|".join(row)


def _write_expanded(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """One column a line, for rows too wide for the screen."""
    if settings.title:
        yield settings.title
    name_width = max(map(len, result.columns), default=0)
    cells = _screen_cells(result, settings)
    value_width = max((_width(value) for row in cells for value in row), default=0)
    for number, row in enumerate(cells, 1):
        label = f"-[ RECORD {number} ]"
        if len(label) <= name_width + 1:
            yield label.ljust(name_width + 1, "-") + "+" + "-" * (value_width + 1)
        else:
            yield label.ljust(name_width + 3 + value_width, "-")
        for name, value in zip(result.columns, row, strict=True):
            first, *rest = value.split("\n")
            yield f"{name.ljust(name_width)} | {first}"
            for line in rest:
                yield f"{' ' * name_width} | {line}"
    if settings.has_messages and not cells:
        yield count_rows(result)
    if settings.has_messages:
        yield ""


def _write_markdown(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """GitHub's tables, which cannot do without a header."""
    cells = [
        [value.replace("|", "\\|").replace("\n", "<br>") for value in row]
        for row in _cells(result, settings)
    ]
    yield from _draw(result, replace(settings, has_header=True), cells, "github")


def _write_html(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    yield "<table>"
    if settings.has_header:
        names = "".join(f"<th>{html.escape(name)}</th>" for name in result.columns)
        yield f"<tr>{names}</tr>"
    alignments = _alignments(result)
    for row in _cells(result, settings):
        values = "".join(
            f'<td align="{alignment}">{html.escape(value)}</td>'
            for value, alignment in zip(row, alignments, strict=True)
        )
        yield f"<tr>{values}</tr>"
    yield "</table>"


def _write_separated(delimiter: str) -> Writer:
    def write(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        if settings.has_header:
            writer.writerow(result.columns)
        for index, row in enumerate(_cells(result, settings)):
            # csv writes a lone empty value as "", which would be read back as a value, not as NULL.
            if row == [""]:
                buffer.write("\n")
            else:
                writer.writerow(row)
            if index % _ROWS_PER_PIECE == 0:
                yield from _drain(buffer)
        yield from _drain(buffer)

    return write


def _drain(buffer: io.StringIO) -> Iterator[str]:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    if text:
        yield text.removesuffix("\n")


def _json_value(value: str | None, type_name: str) -> str:
    if value is None:
        return "null"
    if type_name in _JSON_TYPES or (type_name in NUMERIC_TYPES and value not in _NOT_JSON_NUMBERS):
        return value
    if type_name == "boolean":
        return "true" if value == "t" else "false"
    return json.dumps(value, ensure_ascii=False)


def _json_objects(result: ResultText) -> Iterator[str]:
    names = [json.dumps(name, ensure_ascii=False) for name in result.columns]
    for row in result.rows:
        pairs = [
            f"{name}: {_json_value(value, type_name)}"
            for name, value, type_name in zip(names, row, result.types, strict=True)
        ]
        yield "{" + ", ".join(pairs) + "}"


def _write_json(result: ResultText, _settings: DisplaySettings) -> Iterator[str]:
    yield "["
    last = len(result.rows) - 1
    for index, text in enumerate(_json_objects(result)):
        yield f"  {text}{',' if index < last else ''}"
    yield "]"


def _write_json_lines(result: ResultText, _settings: DisplaySettings) -> Iterator[str]:
    return _json_objects(result)


FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        "table": _write_table,
        "plain": _write_plain,
        "csv": _write_separated(","),
        "tsv": _write_separated("\t"),
        "json": _write_json,
        "jsonl": _write_json_lines,
        "markdown": _write_markdown,
        "html": _write_html,
    }
)

# Formats for machines: nothing but the data is printed.
DATA_FORMATS = frozenset({"csv", "tsv", "json", "jsonl", "markdown", "html"})
