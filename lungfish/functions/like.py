"""LIKE and ILIKE: the operators ~~, !~~, ~~*, !~~* and the functions like, notlike, like_escape."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lungfish.errors import InvalidEscapeSequence
from lungfish.functions.registry import Function
from lungfish.functions.vector_tools import Argument, map_rows
from lungfish.types.compute import pc
from lungfish.types.sql_type import BOOLEAN, BYTEA, CHAR, NAME, TEXT

_ESCAPE = "\\"
# Patterns of these shapes need no regular expression.
_SIMPLE = re.compile(r"(%?)([^%_\\]*)(%?)")


@functools.lru_cache(maxsize=512)
def _matcher(pattern: str, is_case_folded: bool) -> Callable[[str], Any]:
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
    if _ends_with_escape(pattern):
        folded = pattern.lower() if is_case_folded else pattern
        return lambda value: _walk(value.lower() if is_case_folded else value, folded)
    flags = re.DOTALL | (re.IGNORECASE if is_case_folded else 0)
    return re.compile(like_to_regex(pattern), flags).fullmatch


def _ends_with_escape(pattern: str) -> bool:
    """Whether the pattern's last character is an escape with nothing to escape."""
    return (len(pattern) - len(pattern.rstrip(_ESCAPE))) % 2 == 1


def _walk(value: str, pattern: str) -> bool:
    """LIKE with a pattern that ends with an escape: an error, but only for values whose matching gets that far."""
    text_place = place = 0
    while text_place < len(value) and place < len(pattern):
        character = pattern[place]
        if character == "%":
            rest = pattern[place + 1 :]
            return any(_walk(value[start:], rest) for start in range(text_place, len(value)))
        if character == _ESCAPE:
            place += 1
            if place >= len(pattern):
                raise InvalidEscapeSequence("LIKE pattern must not end with escape character")
            character = pattern[place]
        if pattern[place] != "_" and character != value[text_place]:
            return False
        text_place += 1
        place += 1
    return False


def like_to_regex(pattern: str) -> str:
    """A LIKE pattern, with backslash as escape, as Python's regular expression."""
    pieces = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        if character == "%":
            pieces.append(".*")
        elif character == "_":
            pieces.append(".")
        else:
            if character == _ESCAPE:
                place += 1
                character = pattern[place]
            pieces.append(re.escape(character))
        place += 1
    return "".join(pieces)


def like(value: str, pattern: str) -> bool:
    """value LIKE pattern."""
    return bool(_matcher(pattern, False)(value))


def ilike(value: str, pattern: str) -> bool:
    """value ILIKE pattern."""
    return bool(_matcher(pattern, True)(value))


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
        (("~~*", "ilike"), ilike, None),
        (("!~~*", "notilike"), _not_ilike, None),
    )
    for names, scalar, vector in entries:
        for name in names:
            # PostgreSQL has no SQL-callable ilike; it is here for the binder's sake.
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
