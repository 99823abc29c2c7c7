"""LIKE and ILIKE: the operators ~~, !~~, ~~*, !~~* and the functions like, notlike, like_escape."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence

import pyarrow as pa

from lungfish.errors import InvalidEscapeSequence
from lungfish.functions.interrupts import check_interrupts
from lungfish.functions.registry import Function
from lungfish.functions.strings import lower
from lungfish.functions.vector_tools import Argument, map_rows
from lungfish.types.compute import pc
from lungfish.types.sql_type import BOOLEAN, BYTEA, CHAR, NAME, TEXT

_ESCAPE = "\\"
# Patterns of these shapes need no regular expression.
_SIMPLE = re.compile(r"(%?)([^%_\\]*)(%?)")
# How many characters are compared between two looks at whether the statement is to stop.
_PIECE = 1 << 20


@functools.lru_cache(maxsize=512)
def _matcher(pattern: str, is_case_folded: bool) -> Callable[[str], bool]:
    simple = _SIMPLE.fullmatch(pattern)
    if simple is not None and not is_case_folded:
        leading, part, trailing = simple.groups()
        if leading and trailing:
            return lambda value: part in value
        if leading:
            return lambda value: value.endswith(part)
        if trailing:
            return lambda value: value.startswith(part)
        return lambda value: value == part
    if is_case_folded:
        folded = _Pattern(lower(pattern))
        return lambda value: folded.matches(lower(value))
    return _Pattern(pattern).matches


class _Pattern:
    """A pattern as the parts between its percent signs.

    The first stands at the start of the text, the last at its end, and each other one where it is found first behind the one before:
    taking it further right would never help. So there is nothing to try again.
    """

    def __init__(self, pattern: str) -> None:
        # An escape with nothing to escape is an error, but only for texts whose matching gets that far.
        self._ends_with_escape = _ends_with_escape(pattern)
        if self._ends_with_escape:
            pattern = pattern[:-1]
        self._parts = [_Part(part) for part in _parts(pattern)]

    def matches(self, text: str) -> bool:
        """Whether the text is like the pattern. Raises InvalidEscapeSequence (22025)."""
        first, *others = self._parts
        if not first.stands_at(text, 0):
            return False
        place = first.length
        if not others:
            return self._is_end(text, place)
        *middle, last = others
        for part in middle:
            found = part.find(text, place)
            if found < 0:
                return False
            place = found + part.length
        if self._ends_with_escape:
            found = last.find(text, place) if place < len(text) else -1
            return found >= 0 and self._is_end(text, found + last.length)
        end = len(text) - last.length
        return end >= place and last.stands_at(text, end)

    def _is_end(self, text: str, place: int) -> bool:
        if self._ends_with_escape and place < len(text):
            raise InvalidEscapeSequence("LIKE pattern must not end with escape character")
        return place == len(text) and not self._ends_with_escape


class _Part:
    """What stands between two percent signs. `text` has its letters; None where some may be any."""

    def __init__(self, letters: Sequence[str | None]) -> None:
        self.length = len(letters)
        known = [letter for letter in letters if letter is not None]
        self._text = "".join(known) if len(known) == len(letters) else None
        source = "".join("." if letter is None else re.escape(letter) for letter in letters)
        self._regex = re.compile(source, re.DOTALL)

    def stands_at(self, text: str, place: int) -> bool:
        """Whether it is found right there."""
        if self._text is not None:
            return text.startswith(self._text, place)
        return self._regex.match(text, place) is not None

    def find(self, text: str, start: int) -> int:
        """Where it is found first from `start` on, or -1."""
        if self._text is not None:
            return text.find(self._text, start)
        step = max(_PIECE // self.length, 1)
        while start <= len(text):
            check_interrupts()
            found = self._regex.search(text, start, start + step + self.length)
            if found is not None:
                return found.start()
            start += step
        return -1


def _parts(pattern: str) -> list[list[str | None]]:
    """The letters between the percent signs; None for an underscore."""
    parts: list[list[str | None]] = [[]]
    letters = iter(pattern)
    for letter in letters:
        if letter == "%":
            parts.append([])
        else:
            parts[-1].append(
                None if letter == "_" else next(letters) if letter == _ESCAPE else letter
            )
    return parts


def _ends_with_escape(pattern: str) -> bool:
    """Whether the pattern's last character is an escape with nothing to escape."""
    return (len(pattern) - len(pattern.rstrip(_ESCAPE))) % 2 == 1


def like(value: str, pattern: str) -> bool:
    """value LIKE pattern."""
    return _matcher(pattern, False)(value)


def ilike(value: str, pattern: str) -> bool:
    """value ILIKE pattern."""
    return _matcher(pattern, True)(value)


def _not_like(value: str, pattern: str) -> bool:
    return not like(value, pattern)


def _not_ilike(value: str, pattern: str) -> bool:
    return not ilike(value, pattern)


def _like_vector(is_negated: bool, scalar: Callable[[str, str], bool]) -> Callable[..., Argument]:
    def vector(value: Argument, pattern: Argument) -> Argument:
        if not (isinstance(pattern, pa.Scalar) and pattern.is_valid):
            return map_rows(scalar, (value, pattern), (TEXT, TEXT), BOOLEAN)
        text = pattern.as_py()
        if _ends_with_escape(text):
            return map_rows(scalar, (value, pattern), (TEXT, TEXT), BOOLEAN)
        simple = _SIMPLE.fullmatch(text)
        if simple is None:
            found = pc.match_like(value, text)
        else:
            found = _simple_match(value, *simple.groups())
        return pc.invert(found) if is_negated else found

    return vector


def _simple_match(value: Argument, leading: str, part: str, trailing: str) -> Argument:
    if leading and trailing:
        return pc.match_substring(value, part)
    if leading:
        return pc.ends_with(value, part)
    return pc.starts_with(value, part) if trailing else pc.equal(value, part)


def like_escape(pattern: str, escape: str) -> str:
    """A pattern with another escape character (none, if empty) brought to backslash. Raises 22025."""
    if not escape:
        return pattern.replace(_ESCAPE, _ESCAPE * 2)
    if len(escape) > 1:
        raise InvalidEscapeSequence(
            "invalid escape string", hint="Escape string must be empty or one character."
        )
    if escape == _ESCAPE:
        return pattern
    pieces = []
    is_escaped = False
    for character in pattern:
        if character == escape and not is_escaped:
            pieces.append(_ESCAPE)
            is_escaped = True
            continue
        if character == _ESCAPE:
            pieces.append(_ESCAPE * (1 if is_escaped else 2))
        else:
            pieces.append(character)
        is_escaped = False
    return "".join(pieces)


def _like_bytes(value: bytes, pattern: bytes) -> bool:
    # Latin-1 maps bytes to characters one to one.
    return like(value.decode("latin-1"), pattern.decode("latin-1"))


def _not_like_bytes(value: bytes, pattern: bytes) -> bool:
    return not _like_bytes(value, pattern)


def _escape_bytes(pattern: bytes, escape: bytes) -> bytes:
    return like_escape(pattern.decode("latin-1"), escape.decode("latin-1")).encode("latin-1")


def _functions() -> list[Function]:
    found: list[Function] = []
    entries = (
        (("~~", "like"), like, _like_vector(False, like)),
        (("!~~", "notlike"), _not_like, _like_vector(True, _not_like)),
        (("~~*",), ilike, None),
        (("!~~*",), _not_ilike, None),
    )
    for names, scalar, vector in entries:
        for name in names:
            kinds = (TEXT, NAME, CHAR) if not name.isalpha() else (TEXT, NAME)
            found += [Function(name, (kind, TEXT), BOOLEAN, scalar, vector) for kind in kinds]
    for names, bytes_scalar in (
        (("~~", "like"), _like_bytes),
        (("!~~", "notlike"), _not_like_bytes),
    ):
        found += [Function(name, (BYTEA, BYTEA), BOOLEAN, bytes_scalar) for name in names]
    return found


FUNCTIONS: tuple[Function, ...] = (
    *_functions(),
    Function("like_escape", (TEXT, TEXT), TEXT, like_escape),
    Function("like_escape", (BYTEA, BYTEA), BYTEA, _escape_bytes),
)
