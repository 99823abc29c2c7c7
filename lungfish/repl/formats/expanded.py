r"""`\x`: one column a line, as psql draws it, for rows too wide for the screen.

-[ RECORD 1 ]------
id   | 1
name | two   +
| lines
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lungfish.repl.formats.aligned import LINE_STYLES
from lungfish.repl.formats.screen import pad, screen_text, text_width
from lungfish.repl.formats.settings import (
    DisplaySettings,
    ResultText,
    count_rows,
    footer_lines,
    title_of,
)


def write_expanded(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """psql's expanded table."""
    title = title_of(result, settings)
    if not len(result.rows):
        if not settings.is_tuples_only:
            yield from [f"{line}\n" for line in result.footers or (count_rows(result),)]
        yield "\n"
        return
    if title is not None:
        yield f"{title}\n"
    null = settings.null
    names = [screen_text(name) for name in result.columns]
    number = 0
    for piece in result.pieces(settings.piece_rows):
        rows = [[screen_text(null if value is None else value) for value in row] for row in piece]
        records = _Records(names, rows, settings)
        for row in rows:
            number += 1
            yield records.draw(row, number)
        if settings.border == 2 and number == len(result.rows):
            yield records.rule(None, 2)
    for line in footer_lines(result, settings) if result.footers or result.omitted_count else ():
        yield f"{line}\n"
    yield "\n"


class _Records:
    """Draws records whose names and values have these widths."""

    def __init__(
        self, names: Sequence[str], rows: Sequence[Sequence[str]], settings: DisplaySettings
    ) -> None:
        self._settings = settings
        self._style = LINE_STYLES[settings.line_style]
        self._names = [name.split("\n") for name in names]
        self._has_name_lines = any("\n" in name for name in names)
        self._name_width = max([text_width(name) for name in names], default=0)
        values = [value for row in rows for value in row]
        self._value_width = max(map(text_width, values), default=0)

    def draw(self, row: Sequence[str], number: int) -> str:
        """One record with the line above it."""
        lines = []
        if not self._settings.is_tuples_only:
            lines.append(self.rule(number, 0 if number == 1 else 1))
        elif number > 1 or self._settings.border == 2:
            lines.append(self.rule(None, 0 if number == 1 else 1))
        for name, value in zip(self._names, row, strict=True):
            lines += self._pair(name, value.split("\n"))
        return "".join(lines)

    def rule(self, number: int | None, place: int) -> str:
        """The line above a record (0, 1), or below the last (2)."""
        border, dash = self._settings.border, self._style.horizontal
        left, middle, right = self._style.corners[place]
        start = {0: "", 1: dash, 2: f"{left}{dash}"}[border]
        label = "" if number is None else f"[ RECORD {number} ]" if border else f"* Record {number}"
        # What psql counts: with a frame the dash before the label is not one of the name's places.
        used = len(label) + (1 if border != 2 else 0)
        fill = dash if border else " "
        line = start + label + fill * max(self._name_width - used, 0)
        over = used - self._name_width
        # The places between name and value: a dash, the crossing, a dash.
        joint = f"{dash}{middle}{dash}" if border else " "
        if over > 0:
            joint, over = joint[over:], max(over - len(joint), 0)
        else:
            over = 0
        line += joint
        line += fill * max(self._value_width - over, 0)
        return line + (f"{dash}{right}" if border == 2 else "") + "\n"

    def _pair(self, name: Sequence[str], value: Sequence[str]) -> Iterator[str]:
        """The lines of one column's name and value."""
        border, bar, mark = self._settings.border, self._style.vertical, self._style.newline
        has_marks = border > 0 or self._has_name_lines
        for index in range(max(len(name), len(value))):
            named = pad(name[index] if index < len(name) else "", self._name_width)
            named += (mark if index + 1 < len(name) else " ") if has_marks else ""
            line = value[index] if index < len(value) else ""
            if index + 1 < len(value):
                line = pad(line, self._value_width) + mark
            elif border == 2:
                line = pad(line, self._value_width) + " "
            if border == 2:
                yield f"{bar} {named}{bar} {line}{bar}\n"
            else:
                # Beside the further lines of a name nothing stands, not even the space before values.
                before = " " if index < len(value) else ""
                yield f"{named}{bar if border else ''}{before}{line}\n"
