"""Errors as psql prints them.

ERROR:  column "prise" does not exist
LINE 1: SELECT prise FROM album
               ^
HINT:  Perhaps you meant to reference the column "album.price".
"""

from __future__ import annotations

from lungfish import errors

# A longer line is cut around the place.
_LINE_LENGTH_MAX = 120


def format_error(error: errors.Error, *, place: str | None = None, is_verbose: bool = False) -> str:
    """The error's report, without a newline at the end. `place` goes first: `script.sql:12`."""
    code = f"{error.sqlstate}: " if is_verbose else ""
    lines = [f"{place + ': ' if place else ''}ERROR:  {code}{error.message}"]
    caret = _caret(error)
    if caret is not None:
        lines.append(caret)
    if error.detail:
        lines.append(f"DETAIL:  {error.detail}")
    if error.hint:
        lines.append(f"HINT:  {error.hint}")
    if is_verbose:
        lines += _names(error)
    return "\n".join(lines)


def _caret(error: errors.Error) -> str | None:
    """The line of the statement with a caret under the place; None without one."""
    place = error.line_and_column
    if place is None or error.sql is None:
        return None
    line, column = place
    text = error.sql.split("\n")[line - 1].replace("\t", " ").rstrip("\r")
    offset = column - 1
    if len(text) > _LINE_LENGTH_MAX:
        start = max(0, min(offset - _LINE_LENGTH_MAX // 2, len(text) - _LINE_LENGTH_MAX))
        end = start + _LINE_LENGTH_MAX
        head, tail = "..." if start else "", "..." if end < len(text) else ""
        text = head + text[start:end] + tail
        offset += len(head) - start
    label = f"LINE {line}: "
    return f"{label}{text}\n{' ' * (len(label) + offset)}^"


def _names(error: errors.Error) -> list[str]:
    named = (
        ("SCHEMA NAME", error.schema),
        ("TABLE NAME", error.table),
        ("COLUMN NAME", error.column),
        ("CONSTRAINT NAME", error.constraint),
    )
    return [f"{label}:  {name}" for label, name in named if name]
