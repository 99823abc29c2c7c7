"""Ranges as text: `[1,5)`, `(,2000-01-01]`, `empty`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lungfish.errors import InvalidTextRepresentation
from lungfish.types.range_value import EMPTY_RANGE, RangeValue

_NEEDS_QUOTES = re.compile(r'[()\[\],"\\\s]')


def format_range(value: RangeValue, format_bound: Callable[[Any], str]) -> str:
    """PostgreSQL's text of a range."""
    if value.is_empty:
        return "empty"
    lower = "" if value.lower is None else _quoted(format_bound(value.lower))
    upper = "" if value.upper is None else _quoted(format_bound(value.upper))
    opening = "[" if value.is_lower_inclusive else "("
    closing = "]" if value.is_upper_inclusive else ")"
    return f"{opening}{lower},{upper}{closing}"


def _quoted(text: str) -> str:
    if not text or _NEEDS_QUOTES.search(text):
        escaped = text.replace("\\", "\\\\").replace('"', '""')
        return f'"{escaped}"'
    return text


def parse_range(text: str, parse_bound: Callable[[str], Any]) -> RangeValue:
    """The range that a text spells, its bounds not yet in the normal form of discrete types. Raises 22P02."""
    stripped = text.strip()
    if stripped.lower() == "empty":
        return EMPTY_RANGE
    if stripped[:1] not in ("[", "("):
        raise _malformed(text, "Missing left parenthesis or bracket.")
    lower, place = _read_bound(stripped, 1, text)
    if stripped[place : place + 1] != ",":
        raise _malformed(text, "Missing comma after lower bound.")
    upper, place = _read_bound(stripped, place + 1, text)
    closing = stripped[place : place + 1]
    if closing == ",":
        raise _malformed(text, "Too many commas.")
    if place + 1 != len(stripped):
        raise _malformed(text, "Junk after right parenthesis or bracket.")
    return RangeValue(
        None if lower is None else parse_bound(lower),
        None if upper is None else parse_bound(upper),
        stripped[0] == "[" and lower is not None,
        closing == "]" and upper is not None,
    )


def _read_bound(text: str, place: int, whole: str) -> tuple[str | None, int]:
    if text[place : place + 1] in (",", ")", "]"):
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
        elif character in ",)]" and not is_quoted:
            return "".join(pieces), place
        else:
            pieces.append(character)
        place += 1
    raise _malformed(whole, "Unexpected end of input.")


_RANGE_PART = re.compile(
    r"""\s*(empty | [\[(] (?: "(?:[^"\\]|\\.|"")*" | \\. | [^"\\\])] )* [\])])\s*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def split_multirange(text: str) -> list[str]:
    """The texts of the ranges in a multirange's text. Raises 22P02."""
    stripped = text.strip()
    if stripped[:1] != "{":
        raise _malformed_multirange(text, "Missing left brace.")
    place = 1
    found: list[str] = []
    if stripped[1:].strip() == "}":
        return found
    while True:
        match = _RANGE_PART.match(stripped, place)
        if match is None:
            detail = (
                "Expected range start." if place < len(stripped) else "Unexpected end of input."
            )
            raise _malformed_multirange(text, detail)
        found.append(match[1])
        place = match.end()
        mark = stripped[place : place + 1]
        place += 1
        if mark == "}":
            break
        if not mark:
            raise _malformed_multirange(text, "Unexpected end of input.")
        if mark != ",":
            raise _malformed_multirange(text, "Expected comma or end of multirange.")
    if place != len(stripped):
        raise _malformed_multirange(text, "Junk after closing right brace.")
    return found


def _malformed_multirange(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed multirange literal: "{text}"', detail=detail)


def _malformed(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed range literal: "{text}"', detail=detail)
