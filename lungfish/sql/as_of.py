"""AS OF CHECKPOINT 'name' at the end of a statement, which PostgreSQL's grammar does not know.

    SELECT ... FROM ... WHERE ... AS OF CHECKPOINT 'june'

It stands behind a whole statement, so it is found from the end, by its last four tokens, and cut off before the rest is parsed. In no
statement of PostgreSQL's can a name `of` be followed by a name and a string, so nothing else is taken for it.
"""

from __future__ import annotations

from typing import NamedTuple

from lungfish.sql.tokens import Token, tokens

_WORDS = ("as", "of", "checkpoint")


class AsOfTail(NamedTuple):
    """Where the words begin, and which checkpoint they name."""

    start: int
    checkpoint: str


def find_as_of(sql: str) -> AsOfTail | None:
    """The tail of one statement, given without its semicolon; None if it has none."""
    last: list[Token] = []
    for token in tokens(sql):
        if token.kind != "space":
            last = [*last[-len(_WORDS) :], token]
    if len(last) <= len(_WORDS):
        return None
    *words, name = last
    if tuple(sql[each.start : each.end].lower() for each in words) != _WORDS:
        return None
    text = sql[name.start : name.end]
    if name.kind != "string" or not text.startswith("'"):
        return None
    return AsOfTail(words[0].start, text[1:-1].replace("''", "'"))
