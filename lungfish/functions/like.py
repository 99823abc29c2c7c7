"""LIKE and ILIKE: the operators ~~, !~~, ~~*, !~~* and the functions like, notlike, like_escape."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lungfish.errors import InvalidEscapeSequence
from lungfish.functions.registry import Function
from lungfish.functions.vector_tools import Argument, map_rows
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
    flags = re.DOTALL | (re.IGNORECASE if is_case_folded else 0)
    return re.compile(like_to_regex(pattern), flags).fullmatch


def like_to_regex(pattern: str) -> str:
    """A LIKE pattern, with backslash as escape, as Python's regular expression. Raises 22025."""
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
                if place >= len(pattern):
                    raise InvalidEscapeSequence("LIKE pattern must not end with escape character")
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
        simple = _SIMPLE.fullmatch(text)
        if simple is None:
            # Checked here, so that a wrong escape is an error as in the scalar form.
            like_to_regex(text)
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
