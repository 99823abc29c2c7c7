"""Tables for pages: markdown as GitHub reads it, and HTML as psql writes it."""

from __future__ import annotations

import html
from collections.abc import Iterator

from lungfish.repl.formats.screen import pad, text_width
from lungfish.repl.formats.settings import (
    DisplaySettings,
    ResultText,
    cell_columns,
    footer_lines,
    title_of,
)


def write_markdown(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """GitHub's tables, which cannot do without a header."""
    names = [_markdown(name) for name in result.columns]
    widths: list[int] | None = None
    for piece in result.pieces(settings.piece_rows):
        columns = [
            [_markdown(value) for value in column] for column in cell_columns(piece, settings.null)
        ]
        if widths is None:
            widths = [
                max(3, text_width(name), *map(text_width, column))
                for name, column in zip(names, columns, strict=True)
            ]
            yield _markdown_head(names, widths, result.alignments)
        padded = [
            [pad(value, width, is_right=is_right) for value in column]
            for column, width, is_right in zip(columns, widths, result.alignments, strict=True)
        ]
        yield "".join([f"| {' | '.join(row)} |\n" for row in zip(*padded, strict=True)])
    if widths is None:
        yield _markdown_head(names, [max(3, text_width(name)) for name in names], result.alignments)


def _markdown_head(names: list[str], widths: list[int], alignments: list[bool]) -> str:
    cells = [
        pad(name, width, is_right=is_right)
        for name, width, is_right in zip(names, widths, alignments, strict=True)
    ]
    rules = [
        "-" * (width - 1) + (":" if is_right else "-")
        for width, is_right in zip(widths, alignments, strict=True)
    ]
    return f"| {' | '.join(cells)} |\n| {' | '.join(rules)} |\n"


def _markdown(value: str) -> str:
    return value.replace("|", "\\|").replace("\r", "").replace("\n", "<br>")


def write_html(result: ResultText, settings: DisplaySettings) -> Iterator[str]:
    """psql's HTML table, with its footers behind it."""
    yield f'<table border="{settings.border}">\n'
    title = title_of(result, settings)
    if title is not None:
        yield f"  <caption>{_html(title)}</caption>\n"
    if settings.has_header and not settings.is_tuples_only:
        yield "  <tr>\n"
        for name in result.columns:
            yield f'    <th align="center">{_html(name)}</th>\n'
        yield "  </tr>\n"
    cells = [
        f'    <td align="{"right" if is_right else "left"}">%s</td>\n'
        for is_right in result.alignments
    ]
    template = '  <tr valign="top">\n' + "".join(cells) + "  </tr>\n"
    for piece in result.pieces(settings.piece_rows):
        columns = [
            [_html(value) if value.strip() else "&nbsp; " for value in column]
            for column in cell_columns(piece, settings.null)
        ]
        yield "".join(map(template.__mod__, zip(*columns, strict=True)))
    yield "</table>\n"
    footers = footer_lines(result, settings)
    if footers:
        yield f"<p>{''.join([f'{_html(line)}<br />{chr(10)}' for line in footers])}</p>\n"


def _html(text: str) -> str:
    escaped = html.escape(text, quote=False).replace('"', "&quot;").replace("\n", "<br />\n")
    # Spaces at the beginning would be dropped.
    bare = escaped.lstrip(" ")
    return "&nbsp;" * (len(escaped) - len(bare)) + bare
