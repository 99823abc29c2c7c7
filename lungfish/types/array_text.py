"""Arrays as text: `{1,2,NULL}`, `{{"a b",c},{d,e}}`, `[0:1]={5,6}`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lungfish.errors import ArraySubscriptError, InvalidTextRepresentation, ProgramLimitExceeded
from lungfish.types.array_value import EMPTY_ARRAY, ArrayValue

DIMENSIONS_MAX = 6
_NEEDS_QUOTES = re.compile(r'[{},"\\\s]')
# An item without quotes and escapes, that is not blank; and what is in quotes up to their end or the next escape.
_PLAIN_ITEM = re.compile(r'[^,{}"\\ \t\n\r\v\f][^,{}"\\]*(?=[,}])')
_UNESCAPED = re.compile(r'[^"\\]*')
_BLANKS = " \t\n\r\v\f"
_BOUND = re.compile(r"\[([+-]?\d+)(?::([+-]?\d+))?\]", re.ASCII)


def format_array(value: ArrayValue, format_item: Callable[[Any], str]) -> str:
    """PostgreSQL's text of an array."""
    if not value.dimensions:
        return "{}"
    texts = ["NULL" if item is None else _quoted(format_item(item)) for item in value.elements]
    for length in reversed(value.dimensions):
        texts = [
            "{" + ",".join(texts[start : start + length]) + "}"
            for start in range(0, len(texts), length)
        ]
    if value.has_default_bounds:
        return texts[0]
    bounds = zip(value.lower_bounds, value.dimensions, strict=True)
    return "".join(f"[{lower}:{lower + length - 1}]" for lower, length in bounds) + "=" + texts[0]


def _quoted(text: str) -> str:
    if not text or _is_null(text) or _NEEDS_QUOTES.search(text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return text


def _is_null(text: str) -> bool:
    return len(text) == 4 and text.upper() == "NULL"


def parse_array(text: str, parse_item: Callable[[str], Any]) -> ArrayValue:
    """The array that a text spells. Raises 22P02."""
    return _ArrayReader(text, parse_item).read()


# The greatest integer, behind which no subscript could stand.
_BOUND_MAX = 2**31 - 1


class _ArrayReader:
    def __init__(self, text: str, parse_item: Callable[[str], Any]) -> None:
        self.text = text
        self.parse_item = parse_item
        self.place = 0
        self.elements: list[Any] = []
        # The length of each level, once its first list is closed.
        self.lengths: list[int | None] = []

    def read(self) -> ArrayValue:
        self._skip_blanks()
        bounds = self._bounds()
        if self._peek() != "{":
            if bounds:
                raise self._malformed('Array contents must start with "{".')
            raise self._malformed('Array value must start with "{" or dimension information.')
        self._list(0)
        self._skip_blanks()
        if self.place < len(self.text):
            raise self._malformed("Junk after closing right brace.")
        if not self.elements:
            if bounds:
                raise self._malformed("Specified array dimensions do not match array contents.")
            return EMPTY_ARRAY
        dimensions = tuple(length for length in self.lengths if length is not None)
        if bounds:
            if tuple(upper - lower + 1 for lower, upper in bounds) != dimensions:
                raise self._malformed("Specified array dimensions do not match array contents.")
            return ArrayValue(tuple(self.elements), dimensions, tuple(low for low, _ in bounds))
        return ArrayValue(tuple(self.elements), dimensions, (1,) * len(dimensions))

    def _skip_blanks(self) -> None:
        while self.place < len(self.text) and self.text[self.place] in _BLANKS:
            self.place += 1

    def _peek(self) -> str:
        return self.text[self.place] if self.place < len(self.text) else ""

    def _bounds(self) -> list[tuple[int, int]]:
        bounds: list[tuple[int, int]] = []
        while self._peek() == "[":
            match = _BOUND.match(self.text, self.place)
            if match is None:
                raise self._malformed('"[" must introduce explicitly-specified array dimensions.')
            lower = int(match[1]) if match[2] is not None else 1
            upper = int(match[2] if match[2] is not None else match[1])
            if len(bounds) == DIMENSIONS_MAX:
                raise _too_many()
            if upper < lower:
                raise ArraySubscriptError("upper bound cannot be less than lower bound")
            if upper >= _BOUND_MAX:
                raise ProgramLimitExceeded(f"array upper bound is too large: {upper}")
            bounds.append((lower, upper))
            self.place = match.end()
            self._skip_blanks()
        if bounds:
            if self._peek() != "=":
                raise self._malformed('Missing "=" after array dimensions.')
            self.place += 1
            self._skip_blanks()
        return bounds

    def _list(self, depth: int) -> None:
        if depth >= DIMENSIONS_MAX:
            raise _too_many()
        if depth == len(self.lengths):
            self.lengths.append(None)
        is_new = depth == len(self.lengths) - 1 and self.lengths[depth] is None
        # A level that a list before has closed as its last one has no lists in it.
        is_innermost: bool | None = None if is_new else depth == len(self.lengths) - 1
        self.place += 1
        count = 0
        self._skip_blanks()
        if self._peek() == "}":
            self.place += 1
            self._close(depth, 0)
            return
        while True:
            self._skip_blanks()
            is_list = self._peek() == "{"
            if is_innermost is None:
                is_innermost = not is_list
                if is_innermost and any(length is None for length in self.lengths[depth + 1 :]):
                    raise self._ragged()
            if is_list is is_innermost or (is_innermost and depth != len(self.lengths) - 1):
                raise self._ragged()
            if is_list:
                self._list(depth + 1)
            else:
                self.elements.append(self._item())
            count += 1
            self._skip_blanks()
            mark = self._peek()
            self.place += 1
            if mark == "}":
                self._close(depth, count)
                return
            if mark == "":
                raise self._malformed("Unexpected end of input.")
            if mark != ",":
                self.place -= 1
                raise self._malformed("Unexpected array element.")

    def _close(self, depth: int, count: int) -> None:
        if self.lengths[depth] is None:
            self.lengths[depth] = count
        elif self.lengths[depth] != count:
            raise self._ragged()

    def _item(self) -> Any:
        text, place = self.text, self.place
        if self._peek() == '"':
            return self.parse_item(self._quoted())
        plain = _PLAIN_ITEM.match(text, place)
        if plain is not None:
            self.place = plain.end()
            item = plain.group().rstrip(_BLANKS)
            return None if _is_null(item) else self.parse_item(item)
        pieces: list[str] = []
        has_escape = False
        # Blanks at the end do not count, unless escaped.
        kept = 0
        while place < len(text) and text[place] not in ',{}"':
            if text[place] == "\\":
                place += 1
                has_escape = True
                if place >= len(text):
                    raise self._malformed("Unexpected end of input.")
                pieces.append(text[place])
                kept = len(pieces)
            else:
                pieces.append(text[place])
                if text[place] not in _BLANKS:
                    kept = len(pieces)
            place += 1
        if place < len(text) and text[place] == '"':
            raise self._malformed("Incorrectly quoted array element.")
        if place < len(text) and text[place] == "{":
            raise self._malformed('Unexpected "{" character.')
        if not kept:
            if place >= len(text):
                raise self._malformed("Unexpected end of input.")
            raise self._malformed(f'Unexpected "{text[place]}" character.')
        self.place = place
        item = "".join(pieces[:kept])
        if not has_escape and _is_null(item):
            return None
        return self.parse_item(item)

    def _quoted(self) -> str:
        text, place = self.text, self.place + 1
        pieces: list[str] = []
        while True:
            end = _UNESCAPED.match(text, place).end()  # type: ignore[union-attr]
            pieces.append(text[place:end])
            place = end
            if text[place : place + 1] != "\\":
                break
            pieces.append(text[place + 1 : place + 2])
            place += 2
        if place >= len(text):
            raise self._malformed("Unexpected end of input.")
        self.place = place + 1
        self._skip_blanks()
        if self._peek() not in (",", "}", ""):
            raise self._malformed("Incorrectly quoted array element.")
        return "".join(pieces)

    def _ragged(self) -> InvalidTextRepresentation:
        return self._malformed(
            "Multidimensional arrays must have sub-arrays with matching dimensions."
        )

    def _malformed(self, detail: str) -> InvalidTextRepresentation:
        return InvalidTextRepresentation(f'malformed array literal: "{self.text}"', detail=detail)


def _too_many() -> ProgramLimitExceeded:
    return ProgramLimitExceeded(
        f"number of array dimensions exceeds the maximum allowed ({DIMENSIONS_MAX})"
    )
