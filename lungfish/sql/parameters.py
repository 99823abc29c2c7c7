"""Placeholders: the spellings that Python people use, rewritten to PostgreSQL's `$1` before parsing.

    style      spelling            values by
    qmark      ?                   position
    numeric    $1                  position (left as it is)
    named      :name               name
    dollar     $name               name
    pyformat   %s, %(name)s        position, name; %% is a percent sign (only when the caller asks for it)

Only called when the caller passes parameters: without them `?`, `:name` and `%` are what PostgreSQL takes them for.
Strings, quoted names and comments are left alone, and so are casts (`::`), slices (`a[1:n]`) and `:=`. Of the operators
with a question mark only `?|`, `?&` and `@?` can be written beside placeholders; jsonb's lone `?` is reached by its
function jsonb_exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lungfish import errors
from lungfish.sql.offsets import OffsetMap
from lungfish.sql.tokens import Token, tokens

_QUESTION_OPERATORS = frozenset({"?|", "?&", "@?"})
_NAME = re.compile(r"[^\W\d]\w*")
_DOUBLED_PERCENT = re.compile("%%")
_PERCENT = re.compile(r"%(?:%|s|\((?P<name>[^)]*)\)s|)")

_SPELLINGS = {
    "qmark": "?",
    "numeric": "$1",
    "named": ":name",
    "dollar": "$name",
    "format": "%s",
    "pyformat": "%(name)s",
}


@dataclass(frozen=True, slots=True)
class RewrittenText:
    """A text whose placeholders are all `$n`, and the way back to the one that was given."""

    text: str
    # The name of $1, $2, ...; None where values go by position.
    names: tuple[str, ...] | None
    # How many values the text takes.
    count: int
    # From an offset in the new text to the one in the text that was given.
    position_of: OffsetMap


def rewrite_parameters(sql: str, *, is_pyformat: bool = False) -> RewrittenText:
    """Rewrite the placeholders of a text.

    Raises: SyntaxError where styles are mixed, or a percent sign is neither a placeholder nor doubled (pyformat).
    """
    if not is_pyformat and "?" not in sql and ":" not in sql and "$" not in sql:
        return RewrittenText(sql, None, 0, OffsetMap())
    rewriter = _Rewriter(sql)
    if is_pyformat:
        rewriter.rewrite_percents()
    else:
        rewriter.rewrite()
    return rewriter.result()


class _Rewriter:
    """One pass over a text; collects the new text's pieces."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._pieces: list[str] = []
        # How far the given text has been taken over.
        self._taken = 0
        self._spans: list[tuple[int, int, int]] = []
        self._style: str | None = None
        self._numbers: dict[str, int] = {}
        self._count = 0

    def result(self) -> RewrittenText:
        if not self._pieces:
            text = self._sql
        else:
            text = "".join(self._pieces) + self._sql[self._taken :]
        names = tuple(self._numbers) if self._numbers else None
        return RewrittenText(text, names, self._count, OffsetMap(self._spans))

    def rewrite(self) -> None:
        """Find `?`, `$1`, `:name` and `$name`."""
        # The last token that is no space: says whether a colon is a slice's.
        previous: Token | None = None
        bracket_depth = 0
        # The end of a placeholder that reaches over several tokens.
        done = 0
        for token in tokens(self._sql):
            kind, start, end = token
            if kind == "space" or start < done:
                continue
            if kind == "operator":
                self._rewrite_questions(start, end)
            elif kind == "parameter":
                self._use_style("numeric", start)
                self._count = max(self._count, int(self._sql[start + 1 : end]))
            elif kind == "named":
                self._use_style("dollar", start)
                self._replace(start, end, self._number_of(self._sql[start + 1 : end]))
            elif kind == "other":
                character = self._sql[start]
                if character == "[":
                    bracket_depth += 1
                elif character == "]":
                    bracket_depth -= 1
                elif character == ":":
                    done = self._rewrite_colon(start, previous, bracket_depth > 0)
            previous = token

    def _rewrite_questions(self, start: int, end: int) -> None:
        run = self._sql[start:end]
        if "?" not in run or run in _QUESTION_OPERATORS:
            return
        for offset, character in enumerate(run):
            if character == "?":
                self._use_style("qmark", start + offset)
                self._count += 1
                self._replace(start + offset, start + offset + 1, self._count)

    def _rewrite_colon(self, start: int, previous: Token | None, is_in_brackets: bool) -> int:
        """Rewrite `:name`; where the colons and the name end."""
        sql = self._sql
        if sql.startswith("::", start):
            return start + 2
        name = _NAME.match(sql, start + 1)
        if name is None:
            return start + 1
        if is_in_brackets and previous is not None and self._ends_operand(previous):
            return start + 1
        self._use_style("named", start)
        self._replace(start, name.end(), self._number_of(name.group()))
        return name.end()

    def _ends_operand(self, token: Token) -> bool:
        """Whether a value may end here, so that a colon behind it belongs to a slice."""
        if token.kind == "other":
            return self._sql[token.start] in ")]"
        return token.kind in ("word", "quoted", "number", "parameter", "named")

    def rewrite_percents(self) -> None:
        """Find `%s` and `%(name)s`; a doubled percent sign is one, in strings too, as psycopg has it."""
        for kind, start, end in tokens(self._sql):
            if kind in ("string", "dollar", "quoted"):
                for match in _DOUBLED_PERCENT.finditer(self._sql, start, end):
                    self._replace_text(match.start(), match.end(), "%")
            elif kind == "operator":
                self._rewrite_percent_run(start, end)

    def _rewrite_percent_run(self, start: int, end: int) -> None:
        position = self._sql.find("%", start, end)
        while position >= 0:
            match = _PERCENT.match(self._sql, position)
            assert match is not None
            found = match.group()
            if found == "%%":
                self._replace_text(position, position + 2, "%")
            elif found == "%s":
                self._use_style("format", position)
                self._count += 1
                self._replace(position, match.end(), self._count)
            elif match["name"]:
                self._use_style("pyformat", position)
                self._replace(position, match.end(), self._number_of(match["name"]))
            else:
                raise errors.SyntaxError(
                    "only %s, %(name)s and %% may follow a percent sign in a statement with parameters",
                    position=position,
                    hint="Write %% for a percent sign.",
                )
            position = self._sql.find("%", match.end(), end)

    def _use_style(self, style: str, position: int) -> None:
        if self._style is None:
            self._style = style
        elif self._style != style:
            raise errors.SyntaxError(
                f"placeholders are written in two ways, {_SPELLINGS[self._style]} and {_SPELLINGS[style]}",
                position=position,
                hint="Use one style in a statement.",
            )

    def _number_of(self, name: str) -> int:
        """The number of a named placeholder, the same each time the name comes."""
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        self._count = len(self._numbers)
        return number

    def _replace(self, start: int, end: int, number: int) -> None:
        self._replace_text(start, end, f"${number}")

    def _replace_text(self, start: int, end: int, text: str) -> None:
        self._pieces += (self._sql[self._taken : start], text)
        self._taken = end
        self._spans.append((start, end, len(text)))
