"""Strings in several parts: behind a string, one that begins on a later line goes on with it, also past comments.

    select 'one' -- of two
           ' string'

The scanner of libpg_query, which hands comments out, has forgotten the last: it takes the second part for a string of its own. So where a
text is no good to it, the comments between parts are made spaces, and it is asked once more. Places stay what they are.
"""

from __future__ import annotations

import re

from lungfish.sql.tokens import tokens

# What stands between the parts of one string: space with a line's end in it, and comments to the end of a line; and the next quote.
CONTINUATION = re.compile(r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:\s|--[^\n\r]*[\n\r])*'")
_REMARK = re.compile(r"--[^\n\r]*")


def without_inner_comments(sql: str) -> str:
    """The text with spaces for the comments between the parts of its strings: as long as before."""
    pieces: list[str] = []
    taken = 0
    # Where the last string ends.
    end = -1
    for token in tokens(sql):
        if token.kind != "string":
            continue
        if end >= 0 and CONTINUATION.fullmatch(sql, end, token.start + 1):
            between = _REMARK.sub(lambda match: " " * len(match[0]), sql[end : token.start])
            pieces += (sql[taken:end], between)
            taken = token.start
        end = token.end
    return "".join(pieces) + sql[taken:]
