"""Names inside stored expressions: whether one occurs, and renaming it.

Works on tokens, so strings, comments and other words stay as they are. A stored expression speaks of one table's columns, so
a word equal to a column's name is that column; a function of that name is told by its parenthesis, a schema or a table by its point.
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
    return any(
        _identifier(found) == name and not _is_qualifier(found, text)
        for found in _TOKEN.finditer(text)
    )


def rename_in_text(text: str, old: str, new: str) -> str:
    """The SQL text with each identifier `old` made `new`, except before an opening parenthesis or a point."""
    replacement = quote_identifier(new)

    def renamed(found: re.Match[str]) -> str:
        if _identifier(found) != old or _is_qualifier(found, text):
            return found[0]
        if text[found.end() :].lstrip().startswith("("):
            return found[0]
        return replacement

    return _TOKEN.sub(renamed, text)


def without_schema(text: str, schema: str) -> str:
    """The SQL text with the names of a schema as they are shown to those whose search path finds them."""
    kept, end = [], 0
    for found in _TOKEN.finditer(text):
        if _identifier(found) == schema and text[found.end() :].startswith("."):
            kept.append(text[end : found.start()])
            end = found.end() + 1
    return "".join([*kept, text[end:]])


def _is_qualifier(found: re.Match[str], text: str) -> bool:
    """Whether the name is a schema's or a table's, what it qualifies standing behind a point."""
    return text[found.end() :].lstrip().startswith(".")


def _identifier(found: re.Match[str]) -> str | None:
    """The name that a token stands for, folded as PostgreSQL folds it; None for other tokens."""
    if found["word"] is not None:
        return found["word"].lower()
    if found["quoted"] is not None:
        return found["quoted"][1:-1].replace('""', '"')
    return None
