"""Tables as psql draws them, to the character: its aligned format with `border` 0 to 2 and `linestyle` ascii or unicode.

     id | name
    ----+-------
      1 | one  +      a value of two lines: psql's mark at the end of the first
        | line
    (1 row)

A piece of rows without line breaks is drawn by one `%` of a row template each, which is as fast as Python does it; others go line by
line. The widths of a piece are at least those of the pieces before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lungfish.repl.formats.screen import line_width, pad, screen_text, text_width
from lungfish.repl.formats.settings import (
    DisplaySettings,
    ResultText,
    Row,
    cell_columns,
    footer_lines,
    title_of,
)


@dataclass(frozen=True, slots=True)
class LineStyle:
    """The characters of the lines; `corners` are left, middle and right of the top, the inner and the bottom line."""

    horizontal: str
    vertical: str
    corners: tuple[tuple[str, str, str], ...]
    # What stands behind a value's line that another one follows.
    newline: str


LINE_STYLES = {
    "ascii": LineStyle("-", "|", (("+",) * 3,) * 3, "+"),
    "unicode": LineStyle("─", "│", (("┌", "┬", "┐"), ("├", "┼", "┤"), ("└", "┴", "┘")), "↵"),
}

# The rows that the decision between a table and \x auto looks at.
_PROBE_ROWS = 1_000


def write_box(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """The table with a frame of unicode lines."""
    return write_aligned(result, replace(settings, border=2, line_style="unicode"))


def write_aligned(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """psql's aligned table."""
    header = [screen_text(name) for name in result.columns]
    has_header = settings.has_header and not settings.is_tuples_only
    # psql counts the names also where it does not show them.
    widths = [text_width(name) for name in header]
    table = None
    for piece in result.pieces(settings.piece_rows):
        columns = _screen_columns(piece, settings.null)
        widths = [
            max(width, _column_width(column)) for width, column in zip(widths, columns, strict=True)
        ]
        if table is None:
            table = _Table(widths, result.alignments, settings)
            yield from _head(table, result, header if has_header else None)
        else:
            table = _Table(widths, result.alignments, settings)
        yield from table.body(columns, len(piece))
    if table is None:
        table = _Table(widths, result.alignments, settings)
        yield from _head(table, result, header if has_header else None)
    if settings.border == 2:
        yield table.rule(2)
    for line in footer_lines(result, settings):
        yield f"{line}\n"
    yield "\n"


def _head(table: _Table, result: ResultText, header: list[str] | None) -> Iterator[str]:
    """Title, upper frame, column names, and the line below them."""
    title = title_of(result, table.settings)
    if title is not None:
        yield f"{' ' * ((table.width - line_width(title)) // 2)}{title}\n"
    if header is not None:
        if table.settings.border == 2:
            yield table.rule(0)
        yield table.header(header)
        yield table.rule(1)


def total_width(result: ResultText, settings: DisplaySettings) -> int:
    """How wide the table is, as far as its first rows tell."""
    widths = [text_width(screen_text(name)) for name in result.columns]
    for piece in result.pieces(_PROBE_ROWS):
        columns = _screen_columns(piece, settings.null)
        widths = [max(w, _column_width(column)) for w, column in zip(widths, columns, strict=True)]
        break
    return _Table(widths, result.alignments, settings).width


def _screen_columns(piece: Sequence[Row], null: str) -> list[list[str]]:
    return [
        column if "".join(column).isprintable() else [screen_text(value) for value in column]
        for column in cell_columns(piece, null)
    ]


def _column_width(column: list[str]) -> int:
    text = "".join(column)
    if text.isascii() and "\n" not in text:
        return max(map(len, column))
    return max(map(text_width, column))


class _Table:
    """Draws lines of a table whose columns have these widths."""

    def __init__(
        self, widths: Sequence[int], is_right: Sequence[bool], settings: DisplaySettings
    ) -> None:
        self.settings = settings
        self._widths = widths
        self._is_right = is_right
        self._style = LINE_STYLES[settings.line_style]
        border, bar = settings.border, self._style.vertical
        self._between = (" ", f" {bar} ", f" {bar} ")[border]
        self._left = ("", " ", f"{bar} ")[border]
        self._right = f" {bar}" if border == 2 else ""

    @property
    def width(self) -> int:
        """Places that a line takes."""
        count = len(self._widths)
        return (
            sum(self._widths) + (count, max(count * 3 - 1, 0), count * 3 + 1)[self.settings.border]
        )

    def rule(self, place: int) -> str:
        """The line at the top (0), below the header (1) or at the bottom (2)."""
        line = self._style.horizontal
        left, middle, right = self._style.corners[place]
        dashes = [line * width for width in self._widths]
        if self.settings.border == 0:
            return " ".join(dashes) + "\n"
        inner = f"{line}{middle}{line}".join(dashes)
        if self.settings.border == 1:
            return f"{line}{inner}{line}\n"
        return f"{left}{line}{inner}{line}{right}\n"

    def header(self, names: Sequence[str]) -> str:
        """The line, or lines, of column names, each in the middle of its column."""
        parts = [name.split("\n") for name in names]
        height = max(map(len, parts), default=0)
        lines = []
        for index in range(height):
            cells = [
                _center(lines_of[index] if index < len(lines_of) else "", width)
                + self._mark(lines_of, index)
                for lines_of, width in zip(parts, self._widths, strict=True)
            ]
            lines.append(self._join_marked(cells))
        return "".join(lines)

    def body(self, columns: list[list[str]], count: int) -> Iterator[str]:
        """The lines of rows."""
        if not columns:
            # psql draws nothing for rows without columns but the rule.
            return
        if any("\n" in value for column in columns for value in column if not value.isprintable()):
            for row in zip(*columns, strict=True):
                yield self._row_of_lines(row)
            return
        places, values = [], []
        last = len(columns) - 1 if self.settings.border < 2 else -1
        for index, column in enumerate(columns):
            width, is_right = self._widths[index], self._is_right[index]
            is_padded = is_right or index != last
            if not "".join(column).isascii() and is_padded:
                column = [pad(value, width, is_right=is_right) for value in column]
                is_padded = False
            places.append(f"%{'' if is_right else '-'}{width}s" if is_padded else "%s")
            values.append(column)
        template = self._left + self._between.join(places) + self._right + "\n"
        for start in range(0, count, 2_000):
            rows = zip(*[column[start : start + 2_000] for column in values], strict=True)
            yield "".join(map(template.__mod__, rows))

    def _row_of_lines(self, row: Sequence[str]) -> str:
        """A row with values of more than one line."""
        parts = [value.split("\n") for value in row]
        lines = []
        for index in range(max(map(len, parts))):
            cells = []
            for place, (lines_of, width) in enumerate(zip(parts, self._widths, strict=True)):
                line = lines_of[index] if index < len(lines_of) else ""
                mark = self._mark(lines_of, index)
                if place < len(parts) - 1 or self.settings.border == 2:
                    line = pad(line, width, is_right=self._is_right[place]) + mark
                elif index < len(lines_of):
                    is_right = self._is_right[place]
                    if is_right or mark != " ":
                        line = pad(line, width, is_right=is_right)
                    line += mark.rstrip()
                cells.append(line)
            lines.append(self._join_marked(cells))
        return "".join(lines)

    def _mark(self, lines: Sequence[str], index: int) -> str:
        return self._style.newline if index + 1 < len(lines) else " "

    def _join_marked(self, cells: Sequence[str]) -> str:
        """A line of cells that have their mark, or a space for it, at the end."""
        border, bar = self.settings.border, self._style.vertical
        if border == 2:
            return f"{bar} {f'{bar} '.join(cells)}{bar}\n"
        return ("".join(cells) if border == 0 else " " + f"{bar} ".join(cells)) + "\n"


def _center(text: str, width: int) -> str:
    room = width - line_width(text)
    return " " * (room // 2) + text + " " * ((room + 1) // 2)
