"""Names inside stored expressions: whether one occurs, and renaming it.

Works on tokens, so strings, comments and other words stay as they are. A stored expression speaks of one table's columns, so
a word equal to a column's name is that column, or a qualifier's last part; a function of that name is told by its parenthesis.
"""

from __future__ import annotations

import re

from lungfish.sql.quoting import quote_identifier

_TOKEN = re.compile(
    r"""(?P<string>[eE]?'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def mentions_name(text: str, name: str) -> bool:
    """Whether the identifier occurs in the SQL text."""
    return any(_identifier(found) == name for found in _TOKEN.finditer(text))


def rename_in_text(text: str, old: str, new: str) -> str:
    """The SQL text with each identifier `old` made `new`, except before an opening parenthesis."""
    replacement = quote_identifier(new)

    def renamed(found: re.Match[str]) -> str:
        if _identifier(found) != old or text[found.end() :].lstrip().startswith("("):
            return found[0]
        return replacement

    return _TOKEN.sub(renamed, text)


def _identifier(found: re.Match[str]) -> str | None:
    """The name that a token stands for, folded as PostgreSQL folds it; None for other tokens."""
    if found["word"] is not None:
        return found["word"].lower()
    if found["quoted"] is not None:
        return found["quoted"][1:-1].replace('""', '"')
    return None
