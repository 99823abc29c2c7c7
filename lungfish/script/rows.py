r"""Rows as a script has them, `--| 1 | abc`, and what differs between two lists of them.

    NULL        null                  \NULL      the text NULL
    ''          the empty text        \s         a space at the beginning or the end of a value
    \n \t \r    line ends and tabs    \\ \|      themselves

Both sides are compared as cells spelled so.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence

from lungfish.script.engine import Row

_SPECIAL = {"\\": "\\\\", "|": "\\|", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SPECIALS = re.compile(r"[\\|\n\t\r]")
_EDGES = re.compile(r"\A +| +\Z")
_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")

Cells = tuple[str, ...]
# So many lines of a difference are shown.
_LINES_MAX = 40


def spelled(value: str | None) -> str:
    """A value as a cell."""
    if value is None:
        return "NULL"
    if not value:
        return "''"
    if value in ("NULL", "''"):
        return "\\" + value
    text = _SPECIALS.sub(lambda found: _SPECIAL[found[0]], value)
    return _EDGES.sub(lambda found: "\\s" * len(found[0]), text)


def cells_of(row: Row) -> Cells:
    """A row of a result as cells."""
    return tuple(spelled(value) for value in row)


def parse_cells(line: str) -> Cells:
    """The cells of an expected row, as it stands behind `--|`."""
    return tuple(cell.strip() for cell in _BAR.sub("\\1\0", line).split("\0"))


def written(rows: Sequence[Cells]) -> list[str]:
    """Rows as lines, their columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=False)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(" | ".join([*cells, *row[len(widths) :]]).rstrip())
    return lines


def difference(expected: Sequence[Cells], got: Sequence[Cells], order: str) -> list[str] | None:
    """The lines of both with - before what is missing and + before what is too much; None where they agree.

    `order`: ordered, sorted (the order does not matter), subset (there may be others too).
    """
    if order == "ordered":
        if list(expected) == list(got):
            return None
    else:
        missing = Counter(expected) - Counter(got)
        surplus = Counter(got) - Counter(expected)
        if not missing and (order == "subset" or not surplus):
            return None
        expected, got = sorted(expected), sorted(got)
    both = written([*expected, *got])
    before, after = both[: len(expected)], both[len(expected) :]
    lines = [line for line in difflib.ndiff(before, after) if not line.startswith("?")]
    if order == "subset":
        lines = [line for line in lines if not line.startswith("+")]
    if len(lines) > _LINES_MAX:
        changed = next(i for i, line in enumerate(lines) if not line.startswith(" "))
        first = max(0, changed - 3)
        left_out = len(lines) - first - _LINES_MAX
        lines = [*(["  ..."] if first else []), *lines[first : first + _LINES_MAX]]
        lines += [f"  ... and {left_out} more"] if left_out > 0 else []
    return lines
