"""Where the cursor stands in a statement: what it has typed of a word, which tables the statement names, what may come next.

Works on tokens alone, so it knows its way about text that no parser would take yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lungfish.sql.split import split_script
from lungfish.sql.tokens import tokens

# Words behind which a relation is named.
_BEFORE_TABLE = frozenset(
    {
        "from",
        "join",
        "into",
        "update",
        "table",
        "only",
        "truncate",
        "analyze",
        "vacuum",
        "references",
        "copy",
    }
)
# Words that end a list of tables.
_AFTER_TABLES = frozenset(
    {"where", "group", "order", "having", "limit", "offset", "union", "except", "intersect", "window", "fetch", "for",
     "returning", "set", "values", "select", "on", "using", "when"}
)  # fmt: skip
# Words that cannot be an alias.
_NO_ALIAS = (
    _AFTER_TABLES
    | _BEFORE_TABLE
    | frozenset({"inner", "left", "right", "full", "cross", "natural", "outer", "as", "lateral"})
)


@dataclass(frozen=True, slots=True)
class TableInScope:
    """A table that the statement names; `alias` is its name there."""

    name: str
    alias: str
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about the place of the cursor."""

    # What has been typed of the word, and what stands before its dot.
    word: str
    qualifier: str
    # The word before, in small letters; and the last keyword that says which clause this is.
    previous: str
    clause: str
    tables: tuple[TableInScope, ...]
    is_inside_text: bool = False


def context_of(before: str, after: str = "") -> Context:
    """The context at the place between two texts."""
    statement = _last_statement(before)
    listed = _words(statement)
    if listed is None:
        return Context("", "", "", "", (), is_inside_text=True)
    word, qualifier = "", ""
    if listed and not statement[-1].isspace() and _is_name(listed[-1]):
        word = listed.pop()
    if len(listed) >= 2 and listed[-1] == "." and _is_name(listed[-2]):
        qualifier = listed[-2]
        del listed[-2:]
    whole = _words(statement + _first_statement(after)) or listed
    clause = next((each.lower() for each in reversed(listed) if each.lower() in _CLAUSES), "")
    previous = listed[-1].lower() if listed else ""
    return Context(word, _unquoted(qualifier), previous, clause, tuple(_tables(whole)))


_CLAUSES = (
    _BEFORE_TABLE
    | _AFTER_TABLES
    | {"by", "create", "drop", "alter", "show", "reset", "cast", "with"}
)


def _last_statement(before: str) -> str:
    """The part of the text that belongs to the statement at its end."""
    start = 0
    for piece in split_script(before):
        start = piece.start
        if piece.opened is None:
            start = piece.end
    return before[start:]


def _first_statement(after: str) -> str:
    for piece in split_script(after):
        return after[: piece.end or len(after)]
    return after


def _words(text: str) -> list[str] | None:
    """The tokens that are no space; None where the text ends inside a string or a comment."""
    found = []
    for token in tokens(text):
        piece = text[token.start : token.end]
        if token.kind == "space":
            if piece.startswith("--") and token.end == len(text) and not piece.endswith("\n"):
                return None
            continue
        if token.kind == "open" and not piece.startswith('"'):
            return None
        found.append(piece)
    return found


def _tables(words: list[str]) -> Iterator[TableInScope]:
    """The tables that stand behind FROM, JOIN, INTO and UPDATE, with their aliases."""
    position = 0
    is_listing = False
    while position < len(words):
        lowered = words[position].lower()
        position += 1
        if lowered in ("from", "join", "into", "update"):
            is_listing = True
        elif lowered in _AFTER_TABLES:
            is_listing = False
            continue
        elif lowered != "," or not is_listing:
            continue
        if position < len(words) and words[position].lower() == "only":
            position += 1
        if (
            position < len(words)
            and _is_name(words[position])
            and words[position].lower() not in _NO_ALIAS
        ):
            table, position = _read_table(words, position)
            yield table


def _read_table(words: list[str], position: int) -> tuple[TableInScope, int]:
    schema, name = None, _unquoted(words[position])
    position += 1
    if position + 1 < len(words) and words[position] == "." and _is_name(words[position + 1]):
        schema, name = name, _unquoted(words[position + 1])
        position += 2
    alias = name
    if position < len(words) and words[position].lower() == "as":
        position += 1
    if (
        position < len(words)
        and _is_name(words[position])
        and words[position].lower() not in _NO_ALIAS
    ):
        alias = _unquoted(words[position])
        position += 1
    return TableInScope(name, alias, schema), position


def _is_name(word: str) -> bool:
    return word[0] == '"' or word[0] == "_" or word[0].isalpha()


def _unquoted(word: str) -> str:
    return word.strip('"').replace('""', '"') if word.startswith('"') else word.lower()
