"""Shapes of texts, found again by what stands between their literals: what `lift_literals` found once, it need not find again.

    select a from t where id = 7   ->   ("select a from t where id = ", "") and a number

Which literals are lifted depends on all the rest of a text and on whether each is a number or a string, not on what it says. So if all
literals of a text that are plain (digits alone; a string without quotes or backslashes in it) were lifted, and no others, then so
they are in every text that differs from it in these only. One regular expression takes a text apart; bench/sql_text.py times it.

Why the tokens of the second text are those of the first: up to a literal the texts are the same, so there the tokenizer stands where
it stood; a plain literal is one token wherever one may begin, since what stands around it cannot be part of it; and behind it
the texts are the same again.
"""

from __future__ import annotations

import re

from lungfish.sql.normalize import LiftedText

_LITERALS = re.compile(r"""('[^'\\]*'|(?<![\w.$"'])[0-9]+(?![\w.'"]))""")
_LENGTH_MAX = 4_000
_SHAPES_MAX = 512

_Key = tuple[str, ...]


class LiteralShapes:
    """Known shapes; its owner guards it."""

    def __init__(self) -> None:
        self.shapes: dict[_Key, str] = {}

    def find(self, sql: str) -> tuple[str, list[str]] | None:
        """The text's shape and its literals as they are written; None if it is not known. Hot: every ad-hoc statement."""
        if len(sql) > _LENGTH_MAX:
            return None
        parts = _LITERALS.split(sql)
        if len(parts) == 1:
            return None
        shape = self.shapes.get(_key(parts))
        return None if shape is None else (shape, parts[1::2])

    def note(self, sql: str, lifted: LiftedText) -> None:
        """Remember the shape of a text, if it can be known from what stands between the literals."""
        parts = _LITERALS.split(sql)
        if tuple(parts[1::2]) != lifted.sources:
            return
        if len(self.shapes) >= _SHAPES_MAX:
            self.shapes.clear()
        self.shapes[_key(parts)] = lifted.shape


def _key(parts: list[str]) -> _Key:
    """What stands between the literals, and of which kind each is."""
    if len(parts) == 3:
        before, literal, after = parts
        return before, after, literal[0] if literal[0] == "'" else "0"
    kinds = "".join(["'" if literal[0] == "'" else "0" for literal in parts[1::2]])
    return (*parts[::2], kinds)
