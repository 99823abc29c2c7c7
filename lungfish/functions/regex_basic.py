"""POSIX basic regular expressions, written as the advanced ones that `regex_syntax.py` reads.

In basic ones the marks \\( \\) \\{ \\} are groups and bounds, and ( ) { } + ? | are plain characters; * is plain at the start, ^ is an anchor
only at the start and $ only at the end of the whole or of a group; inside brackets a backslash is a plain character.

In extended ones a backslash only makes the character behind it plain, also inside brackets, and ? after a quantifier or an opening
parenthesis has no meaning of its own.
"""

from __future__ import annotations

import re

from lungfish.errors import InvalidRegularExpression

_BRACKETS = re.compile(r"\[\^?\]?(?:\[([.:=]).*?\1\]|[^\]])*\]", re.DOTALL)
_BOUNDS = re.compile(r"\{\d+(?:,\d*)?\}", re.ASCII)
_PLAIN = frozenset("+?|(){}")
_MARKS = {"(": "(", ")": ")", "{": "{", "}": "}", "<": "[[:<:]]", ">": "[[:>:]]"}


def basic_to_advanced(pattern: str) -> str:
    """The advanced expression that means the same."""
    written: list[str] = []
    place = 0
    # Nothing before it but anchors: a * would have nothing to repeat.
    is_start = True
    while place < len(pattern):
        piece = _piece_at(pattern, place)
        if piece == "^" and not is_start:
            written.append("\\^")
        elif piece == "*" and is_start:
            written.append("\\*")
        elif piece == "$" and pattern[place + 1 : place + 3] not in ("", "\\)"):
            written.append("\\$")
        else:
            written.append(_written(piece))
        is_start = piece == "\\(" or (is_start and piece == "^")
        place += len(piece)
    return "".join(written)


def extended_to_advanced(pattern: str) -> str:
    """The advanced expression that means the same. Raises 2201B."""
    written: list[str] = []
    place = 0
    before = ""
    while place < len(pattern):
        piece = _piece_at(pattern, place)
        if piece == "{":
            bounds = _BOUNDS.match(pattern, place)
            piece = piece if bounds is None else bounds[0]
        is_quantifier = piece in ("*", "+", "?") or (len(piece) > 1 and piece[0] == "{")
        if (is_quantifier and before == "quantifier") or (piece == "?" and before == "("):
            raise InvalidRegularExpression("invalid regular expression: quantifier operand invalid")
        if len(piece) == 2 and piece[0] == "\\":
            written.append(f"[{piece[1]}]" if piece[1] not in "^\\" else piece)
        else:
            written.append(piece.replace("\\", "\\\\") if piece[0] == "[" else piece)
        before = "quantifier" if is_quantifier else piece
        place += len(piece)
    return "".join(written)


def _piece_at(pattern: str, place: int) -> str:
    """The character, escape or bracket expression that begins here."""
    mark = pattern[place]
    if mark == "\\":
        return pattern[place : place + 2]
    found = _BRACKETS.match(pattern, place) if mark == "[" else None
    return mark if found is None else found[0]


def _written(piece: str) -> str:
    if piece in _PLAIN:
        return "\\" + piece
    if len(piece) == 2 and piece[0] == "\\":
        after = piece[1]
        if after in _MARKS:
            return _MARKS[after]
        if after in "123456789":
            # In a group of its own, so that a digit behind it is none of its.
            return f"(?:{piece})"
        return after if after.isalnum() else piece
    return piece.replace("\\", "\\\\") if len(piece) > 1 else piece
