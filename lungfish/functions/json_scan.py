"""Parts of a JSON text as they are written: type json keeps blanks, the order of keys and those that come twice.

The texts are known to be JSON. A part is cut out by its place; only a key or a string that is asked for as text is decoded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lungfish.errors import (
    CharacterNotInRepertoire,
    InvalidTextRepresentation,
    UntranslatableCharacter,
)
from lungfish.types.encodable import check_encodable
from lungfish.types.json_text import parse_json

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(r"[^\s,\]}]+")
_INTERESTING = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_BLANKS = re.compile(r"[ \t\n\r]*")


_INDEX = re.compile(r"\s*([+-]?\d+)", re.ASCII)


def check_escapes(text: str) -> None:
    """Raise what an escape anywhere in the text raises, for functions that read all strings of it. Raises 22P02, 22P05."""
    if "\\u" in text:
        parse_json(text)


def path_index(step: str) -> int | None:
    """The array index that a path's step spells, or None."""
    match = _INDEX.fullmatch(step)
    if match is None:
        return None
    index = int(match[1])
    return index if -(2**31) <= index < 2**31 else None


def kind_of(text: str) -> str:
    """object, array, string, number, boolean or null."""
    first = text[_skip_blanks(text, 0)]
    return {
        "{": "object",
        "[": "array",
        '"': "string",
        "t": "boolean",
        "f": "boolean",
        "n": "null",
    }.get(first, "number")


def _skip_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    assert match is not None
    return match.end()


def _value_end(text: str, place: int) -> int:
    """The end of the value that starts at `place`."""
    first = text[place]
    if first == '"':
        match = _STRING.match(text, place)
        assert match is not None
        return match.end()
    if first not in "[{":
        match = _SCALAR.match(text, place)
        assert match is not None
        return match.end()
    depth = 0
    for match in _INTERESTING.finditer(text, place):
        if match[0] in ("[", "{"):
            depth += 1
        elif match[0] in ("]", "}"):
            depth -= 1
            if not depth:
                return match.end()
    raise AssertionError("the text of a json value is not balanced")


def elements_of(text: str) -> Iterator[str]:
    """The texts of an array's elements."""
    place = _skip_blanks(text, _skip_blanks(text, 0) + 1)
    while text[place] != "]":
        end = _value_end(text, place)
        yield text[place:end]
        place = _skip_blanks(text, end)
        if text[place] == ",":
            place = _skip_blanks(text, place + 1)


def members_of(text: str) -> Iterator[tuple[str, str]]:
    """An object's keys, decoded, with the texts of their values."""
    place = _skip_blanks(text, _skip_blanks(text, 0) + 1)
    while text[place] != "}":
        end = _value_end(text, place)
        key = _decoded(text[place:end])
        place = _skip_blanks(text, _skip_blanks(text, end) + 1)
        end = _value_end(text, place)
        yield key, text[place:end]
        place = _skip_blanks(text, end)
        if text[place] == ",":
            place = _skip_blanks(text, place + 1)


def _decoded(text: str) -> str:
    """What a string stands for. Raises InvalidTextRepresentation for half of a surrogate pair, which type json lets stand."""
    decoded: str = json.loads(text, strict=False)
    try:
        check_encodable(decoded)
    except CharacterNotInRepertoire:
        raise InvalidTextRepresentation(
            "invalid input syntax for type json",
            detail="Unicode low surrogate must follow a high surrogate.",
        ) from None
    return decoded


def text_of(text: str) -> str | None:
    """A value as text: a string without its quotes, null as None, anything else as it is written. Raises 22P05."""
    kind = kind_of(text)
    if kind == "string":
        decoded = _decoded(text)
        if "\0" in decoded:
            raise UntranslatableCharacter(
                "unsupported Unicode escape sequence", detail="\\u0000 cannot be converted to text."
            )
        return decoded
    return None if kind == "null" else text
