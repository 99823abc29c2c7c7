"""Which types the columns of a file without types have: the narrowest that takes every value.

A column narrows from the front of `CANDIDATES` as its values come by. Numbers with leading zeros are texts (postcodes, part numbers), and
a number with a fraction is numeric, so that every digit is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

_DATE = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_NUMBER = r"[+-]?(?:0|[1-9]\d*)"


def _matching(pattern: str) -> Callable[[str], bool]:
    match = re.compile(pattern, re.IGNORECASE).fullmatch
    return lambda text: match(text) is not None


_is_integer = _matching(_NUMBER)


def _within(bits: int) -> Callable[[str], bool]:
    bound = 1 << (bits - 1)
    # Long runs of digits are no integers of ours, and slow to read.
    return lambda text: len(text) <= 20 and _is_integer(text) and -bound <= int(text) < bound


# The types in the order in which they are tried; text, the last one, takes anything.
CANDIDATES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("boolean", _matching("true|false")),
    ("integer", _within(32)),
    ("bigint", _within(64)),
    ("numeric", _matching(rf"{_NUMBER}(?:\.\d+)?")),
    ("double precision", _matching(rf"(?:{_NUMBER}(?:\.\d*)?|[+-]?\.\d+)(?:e[+-]?\d+)?|nan|[+-]?inf(?:inity)?")),
    ("date", _matching(_DATE)),
    ("time", _matching(_TIME)),
    ("timestamp", _matching(rf"{_DATE}[ T]{_TIME}|{_DATE}")),
    ("timestamptz", _matching(rf"{_DATE}[ T]{_TIME} ?(?:Z|[+-]\d\d(?::?\d\d)?)")),
    ("uuid", _matching(r"[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}")),
    ("text", lambda _text: True),
)  # fmt: skip


def infer_types(rows: Iterable[Sequence[str | None]], column_count: int) -> list[str]:
    """The types of the columns. A column without any value is text."""
    # How many candidates each column has ruled out.
    ruled_out = [0] * column_count
    has_value = [False] * column_count
    last = len(CANDIDATES) - 1
    seen: list[list[str]] = [[] for _ in range(column_count)]
    for row in rows:
        for at, value in enumerate(row[:column_count]):
            if value is None:
                continue
            has_value[at] = True
            while ruled_out[at] < last and not CANDIDATES[ruled_out[at]][1](value):
                ruled_out[at] += 1
                # What came before must fit the next candidate too: a number after a boolean makes a text.
                while ruled_out[at] < last and not all(map(CANDIDATES[ruled_out[at]][1], seen[at])):
                    ruled_out[at] += 1
            if len(seen[at]) < _WITNESS_COUNT and value not in seen[at]:
                seen[at].append(value)
    return [
        CANDIDATES[at][0] if value else "text"
        for at, value in zip(ruled_out, has_value, strict=True)
    ]


# So many different values of a column are kept to try a wider type on. Candidates form few families, so few show which one it is; a value
# that slips through is reported as a bad row, not lost.
_WITNESS_COUNT = 32
