r"""Strings as a session's settings read them, put before parsing as the parser reads them.

The parser knows plain strings by the standard only, in which a backslash is a character like any other. Where standard_conforming_strings is off,
it is an escape in every '...', as in E'...'; so a plain string that has one gets its E:

    select 'a\tb', N'a\'b', 'a' 'b'   ->   select E'a\tb', NCHAR E'a\'b', 'a' 'b'

A text in which no plain string has a backslash stays as it is. Behind a string a further one on a new line goes on with it, so the E of
the first is the E of all. Strings in dollars, bit strings, quoted names and comments are no concern of the setting; U&'...' is refused
while it is off, as in PostgreSQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lungfish import errors
from lungfish.sql.continuations import CONTINUATION
from lungfish.sql.offsets import OffsetMap
from lungfish.sql.tokens import tokens

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StringReading:
    """How a session reads strings, where that is not as the parser does."""

    # standard_conforming_strings
    is_standard: bool
    # escape_string_warning
    warns: bool
    # backslash_quote = off
    refuses_quotes: bool

    def may_concern(self, sql: str) -> bool:
        """Whether a text may have a string that is read in another way, or refused."""
        return "\\" in sql or (not self.is_standard and "&'" in sql)

    def read(self, sql: str) -> ReadText:
        """The text as the parser is to have it. Raises SyntaxError, FeatureNotSupported, NonstandardUseOfEscapeCharacter."""
        return _Reader(sql, self).read()


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as the parser is to have it, and the way back to the one that was given."""

    text: str
    given: str
    position_of: OffsetMap
    warnings: tuple[str, ...]

    def restore(self, error: errors.Error) -> None:
        """Turn the error's place into that in the text that was given, and leave out of its words what was put in."""
        if error.sql is not None or error.position is None:
            return
        error.position = self.position_of(error.position)
        if self.given[error.position : error.position + 1] == "'":
            error.message = error.message.replace(""" at or near "E'""", """ at or near "'""", 1)


class _Reader:
    """One pass over a text."""

    def __init__(self, sql: str, reading: StringReading) -> None:
        self._sql = sql
        self._reading = reading
        self._pieces: list[str] = []
        # How far the given text has been taken over.
        self._taken = 0
        self._spans: list[tuple[int, int, int]] = []
        self._warnings: list[str] = []
        # Where the last string begins that was given its E.
        self._changed = -1

    def read(self) -> ReadText:
        # The first part of the string that is being read: where it begins, and where its last part ends.
        start = end = -1
        for token in tokens(self._sql, is_standard=self._reading.is_standard):
            if token.kind == "open":
                self._refuse_unfinished(token.start)
            elif token.kind == "string":
                goes_on = end >= 0 and CONTINUATION.fullmatch(self._sql, end, token.start + 1)
                if not goes_on:
                    start = token.start
                end = token.end
                self._read_part(start, token.start, end)
        text = "".join(self._pieces) + self._sql[self._taken :]
        return ReadText(text, self._sql, OffsetMap(self._spans), tuple(self._warnings))

    def _read_part(self, first: int, start: int, end: int) -> None:
        """A part of the string that begins at `first`."""
        sql = self._sql
        kind = sql[first].lower()
        is_plain = kind in ("'", "n")
        if kind == "u" and not self._reading.is_standard:
            raise errors.FeatureNotSupported(
                "unsafe use of string constant with Unicode escapes",
                detail="String constants with Unicode escapes cannot be used when"
                ' "standard_conforming_strings" is off.',
                position=first,
            )
        if kind != "e" and (self._reading.is_standard or not is_plain):
            return
        escape = _ESCAPE.search(sql, start, end)
        if escape is None:
            return
        if self._reading.refuses_quotes:
            self._require_no_quote(start, end)
        if is_plain and first != self._changed:
            self._changed = first
            self._put_prefix(first, is_national=kind == "n")
            if self._reading.warns:
                self._warnings.append(_warning(escape[1]))

    def _require_no_quote(self, start: int, end: int) -> None:
        for escape in _ESCAPE.finditer(self._sql, start, end):
            if escape[1] == "'":
                raise errors.NonstandardUseOfEscapeCharacter(
                    "unsafe use of \\' in a string literal",
                    position=escape.start(),
                    hint="Use '' to write quotes in strings. \\' is insecure in client-only encodings.",
                )

    def _put_prefix(self, first: int, *, is_national: bool) -> None:
        """Make E'...' of the string at `first`, kept apart from a word before it; N'...' becomes what it stands for."""
        place = first + 1 if is_national else first
        if is_national:
            self._insert(place, "CHAR ")
        elif first and (self._sql[first - 1].isalnum() or self._sql[first - 1] in "_$"):
            self._insert(place, " ")
        self._insert(place, "E")

    def _insert(self, place: int, text: str) -> None:
        self._pieces += (self._sql[self._taken : place], text)
        self._taken = place
        self._spans.append((place, place, len(text)))

    def _refuse_unfinished(self, start: int) -> None:
        is_plain = self._sql[start : start + 2].lower().removeprefix("n").startswith("'")
        if is_plain and not self._reading.is_standard:
            raise errors.SyntaxError(
                f'unterminated quoted string at or near "{self._sql[start:]}"', position=start
            )


def _warning(character: str) -> str:
    """What is said of a plain string whose first backslash has this character behind it."""
    if character in "'\\":
        return f"nonstandard use of \\{character} in a string literal"
    return "nonstandard use of escape in a string literal"
