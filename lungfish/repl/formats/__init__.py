"""Results as text: every format of the shell, in one table.

Values arrive as PostgreSQL's text, so every format shows what psql would. `format_result` is the way in: it takes a `ResultText` and
the `DisplaySettings` and yields pieces of text, so that a long result is printed while it is drawn.

    settings.py     ResultText, DisplaySettings
    aligned.py      table (psql's aligned), box
    expanded.py     \\x
    separated.py    plain (psql's unaligned), csv, tsv
    structured.py   json, jsonl, insert
    markup.py       markdown, html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from lungfish.repl.formats.aligned import total_width, write_aligned, write_box
from lungfish.repl.formats.expanded import write_expanded
from lungfish.repl.formats.markup import write_html, write_markdown
from lungfish.repl.formats.separated import write_csv, write_plain, write_plain_expanded, write_tsv
from lungfish.repl.formats.settings import DisplaySettings, Expanded, ResultText
from lungfish.repl.formats.structured import write_insert, write_json, write_json_lines

Writer = Callable[[ResultText, DisplaySettings], Iterator[str]]

FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        "table": write_aligned,
        "box": write_box,
        "plain": write_plain,
        "csv": write_csv,
        "tsv": write_tsv,
        "json": write_json,
        "jsonl": write_json_lines,
        "markdown": write_markdown,
        "html": write_html,
        "insert": write_insert,
    }
)

# The names that psql, sqlite3 and duckdb have for them.
FORMAT_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "aligned": "table",
        "column": "table",
        "duckbox": "box",
        "jsonlines": "jsonl",
        "list": "plain",
        "tabs": "tsv",
        "unaligned": "plain",
    }
)

# Formats for machines: nothing but the data is printed, and no pager shows it.
DATA_FORMATS = frozenset({"csv", "tsv", "json", "jsonl", "markdown", "html", "insert"})


def format_result(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """The text of a result in the format that the settings name: pieces that end with a newline."""
    if is_expanded(result, settings):
        plain = settings.format == "plain"
        return (write_plain_expanded if plain else write_expanded)(result, settings)
    return FORMATS[settings.format](result, settings)


def is_expanded(result: ResultText, settings: DisplaySettings) -> bool:
    """Whether the result is shown with one column a line."""
    if settings.format not in ("table", "box", "plain") or settings.expanded is Expanded.OFF:
        return False
    if settings.expanded is Expanded.AUTO:
        return settings.columns > 0 and total_width(result, settings) > settings.columns
    return True


__all__ = [
    "DATA_FORMATS",
    "FORMATS",
    "FORMAT_ALIASES",
    "DisplaySettings",
    "Expanded",
    "ResultText",
    "format_result",
    "is_expanded",
]
