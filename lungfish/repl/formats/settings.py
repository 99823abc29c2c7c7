"""What a format is given: the result as text, and how it is to be shown."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

Row = Sequence[str | None]

NUMERIC_TYPES = frozenset(
    {"smallint", "integer", "bigint", "oid", "real", "double precision", "numeric", "money", "xid", "cid"}
)  # fmt: skip

# Rows that are drawn at once. Within a piece of a table the columns are as wide as its widest value; the first piece is short, so that
# a reader of a long result sees something at once, and the widths of the ones behind it only grow.
_PIECE_ROWS = 50_000


class Rows(Protocol):
    """The rows of a result, which may be gone through more than once; a list is one."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Row]: ...


class Expanded(enum.Enum):
    """When a table is shown with one column a line; AUTO: when it is wider than the screen."""

    OFF = "off"
    ON = "on"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class ResultText:
    """A result whose values are text. `types` are the columns' type names."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Rows
    # Rows that were left out of `rows` because of a limit.
    omitted_count: int = 0
    title: str | None = None
    # Lines below a table; None: the count of rows.
    footers: tuple[str, ...] | None = None

    def pieces(self, size: int = _PIECE_ROWS) -> Iterator[list[Row]]:
        """The rows in lists of at most `size`."""
        rows = iter(self.rows)
        while piece := list(islice(rows, size)):
            yield piece

    @property
    def alignments(self) -> list[bool]:
        """Whether each column is aligned to the right."""
        return [name in NUMERIC_TYPES for name in self.types]


@dataclass(slots=True)
class DisplaySettings:
    """How results are shown; the shell's commands change it. The names are those of psql's `\\pset`, more or less."""

    format: str = "table"
    expanded: Expanded = Expanded.OFF
    has_timing: bool = False
    has_header: bool = True
    # Neither header, title nor footers.
    is_tuples_only: bool = False
    # The line (n rows).
    has_footer: bool = True
    # No command tags and messages: -q.
    is_quiet: bool = False
    null: str = ""
    is_verbose: bool = False
    is_echoing: bool = False
    # Rows shown of a result; 0: all.
    rows_max: int = 0
    title: str | None = None
    # 0: only spaces between columns, 1: lines inside, 2: also around.
    border: int = 1
    # Lines are drawn by "ascii" or "unicode" characters.
    line_style: str = "ascii"
    field_separator: str = "|"
    record_separator: str = "\n"
    csv_separator: str = ","
    # The screen's width, for expanded "auto"; 0: unknown.
    columns: int = 0
    # "on": when the result does not fit on the screen, "off", "always".
    pager: str = "on"
    # What `insert` inserts into.
    table_name: str = "result"
    # One piece for a file; for a screen the rows of its first page, so that they are there at once.
    piece_rows: int = _PIECE_ROWS


def footer_lines(result: ResultText, settings: DisplaySettings) -> Sequence[str]:
    """The lines below a table."""
    if settings.is_tuples_only:
        return ()
    if result.footers is not None:
        return result.footers
    return (count_rows(result),) if settings.has_footer else ()


def count_rows(result: ResultText) -> str:
    """The footer: (3 rows)."""
    count = len(result.rows)
    if result.omitted_count:
        return f"({count:,} of {count + result.omitted_count:,} rows; \\rows 0 shows all)"
    return "(1 row)" if count == 1 else f"({count} rows)"


def title_of(result: ResultText, settings: DisplaySettings) -> str | None:
    """The line above a table."""
    return None if settings.is_tuples_only else result.title or settings.title


def cell_columns(piece: Sequence[Row], null: str) -> list[list[str]]:
    """The rows' values by column, NULL as its text."""
    return [
        [null if value is None else value for value in column] if None in column else list(column)
        for column in zip(*piece, strict=True)
    ]
