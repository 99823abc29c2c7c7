"""PostgreSQL's lexical rules as one regular expression, for the passes that need words but no tree.

Used to find placeholders (`parameters`), the ends of statements (`split`), and literals (`normalize`). The kinds, by the
name of the group that matched:

    space      white space, and comments
    string     '...', E'...', B'...', X'...', N'...', U&'...'
    dollar     $tag$...$tag$
    quoted     "..." and U&"..."
    parameter  $1
    named      $name (Lungfish's own)
    word       a keyword or a name
    number     with its sign apart
    operator   a longest run of operator characters, so `a=?` has the run `=?`
    open       an unfinished string, quoted name, dollar string or block comment: the rest of the text
    other      any other single character: ( ) [ ] , ; : . and what no rule knows

A comment behind `--` ends an operator run, as in PostgreSQL, and so does `/*`. Block comments nest: that is the one thing
that a regular expression cannot match, so `tokens` counts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# Operator characters, less those that begin a comment where they stand.
_OPERATOR = r"(?:[+*<>=~!@\#%^&|`?] | -(?!-) | /(?!\*))+"


def _rules(escaped: str, plain: str) -> re.Pattern[str]:
    """The rules, given the prefixes of strings in which a backslash is an escape, and of those in which it is not."""
    return re.compile(
        rf"""
      (?P<space>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | (?P<escape>{escaped}'(?:[^'\\]|\\.|'')*')
    | (?P<string>{plain}'(?:[^']|'')*')
    | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
    | (?P<unclosed>(?:[eEbBxXnN]|[uU]&)?['"])
    | (?P<word>[^\W\d][\w$]*)
    | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<undollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<parameter>\$\d+)
    | (?P<named>\$[^\W\d]\w*)
    | (?P<number>0[xX][\da-fA-F_]+ | 0[oO][0-7_]+ | 0[bB][01_]+
        | (?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)
    | (?P<operator>{_OPERATOR})
    | (?P<other>.)
    """,
        re.VERBOSE | re.DOTALL,
    )


_TOKEN = _rules("[eE]", "(?:[bBxXnN]|[uU]&)?")
# With standard_conforming_strings off.
_LOOSE_TOKEN = _rules("[eEnN]?", "(?:[bBxX]|[uU]&)")
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """A token's kind (see the module) and its place in the text."""

    kind: str
    start: int
    end: int


def tokens(sql: str, start: int = 0, *, is_standard: bool = True) -> Iterator[Token]:
    """The tokens of a text, gapless. The last one is `open` if the text ends inside something.

    Not `is_standard`: backslashes are escapes in plain strings too, as with standard_conforming_strings off.
    """
    position, length = start, len(sql)
    match_token = (_TOKEN if is_standard else _LOOSE_TOKEN).match
    while position < length:
        match = match_token(sql, position)
        assert match is not None, "the last rule takes any character"
        kind, end = match.lastgroup or "other", match.end()
        if kind == "comment":
            end = _comment_end(sql, position)
            kind = "space" if end >= 0 else "open"
        elif kind in ("unclosed", "undollar"):
            kind, end = "open", length
        elif kind == "escape":
            kind = "string"
        elif kind == "tag":
            kind = "dollar"
        if end < 0:
            end = length
        yield Token(kind, position, end)
        position = end


def _comment_end(sql: str, start: int) -> int:
    """Where the block comment that begins at `start` ends; -1 if it does not."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return -1
