"""Composite values as text: `(1,"a b",)`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lungfish.errors import InvalidTextRepresentation

_NEEDS_QUOTES = re.compile(r'[(),"\\\s]')


def format_record(texts: Sequence[str | None]) -> str:
    """PostgreSQL's text of a row from the texts of its fields."""
    return "(" + ",".join("" if text is None else _quoted(text) for text in texts) + ")"


def _quoted(text: str) -> str:
    if not text or _NEEDS_QUOTES.search(text):
        escaped = text.replace("\\", "\\\\").replace('"', '""')
        return f'"{escaped}"'
    return text


def split_record(text: str) -> list[str | None]:
    """The texts of a row's fields, None for NULL. Raises 22P02."""
    stripped = text.strip()
    if not stripped.startswith("("):
        raise _malformed(text, "Missing left parenthesis.")
    fields: list[str | None] = []
    place = 1
    while True:
        field, place = _read_field(stripped, place, text)
        fields.append(field)
        mark = stripped[place : place + 1]
        if mark == ")":
            break
        if mark != ",":
            raise _malformed(text, "Unexpected end of input.")
        place += 1
    if place + 1 != len(stripped):
        raise _malformed(text, "Junk after right parenthesis.")
    return fields


def _read_field(text: str, place: int, whole: str) -> tuple[str | None, int]:
    if text[place : place + 1] in (",", ")"):
        return None, place
    pieces: list[str] = []
    is_quoted = False
    while place < len(text):
        character = text[place]
        if character == "\\":
            place += 1
            if place >= len(text):
                break
            pieces.append(text[place])
        elif character == '"':
            if is_quoted and text[place + 1 : place + 2] == '"':
                pieces.append('"')
                place += 1
            else:
                is_quoted = not is_quoted
        elif character in ",)" and not is_quoted:
            return "".join(pieces), place
        else:
            pieces.append(character)
        place += 1
    raise _malformed(whole, "Unexpected end of input.")


def _malformed(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed record literal: "{text}"', detail=detail)
