"""Colours of what is typed, and marks where a quote or a bracket is left open or closed too often.

A lexer of ours, on the tokens that also find the ends of statements: what is coloured as a string is what will be read as one.
"""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from lungfish.sql.quoting import COMMON_WORDS
from lungfish.sql.tokens import tokens
from lungfish.types.keywords import KEYWORDS

_CLASSES = {
    "string": "class:sql.string",
    "dollar": "class:sql.string",
    "number": "class:sql.number",
    "quoted": "class:sql.quoted",
    "parameter": "class:sql.parameter",
    "named": "class:sql.parameter",
    "open": "class:sql.open",
}
_WORDS = KEYWORDS | COMMON_WORDS
_OPENING = {")": "(", "]": "["}


class SqlLexer(Lexer):
    """Highlights SQL and the shell's commands."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """prompt_toolkit's call: a function from a line's number to its pieces."""
        lines = styled_lines(document.text)
        return lambda number: lines[number] if number < len(lines) else []


def styled_lines(text: str) -> list[StyleAndTextTuples]:
    """The lines of a text, each as pieces with their style."""
    lines: list[StyleAndTextTuples] = [[]]
    unbalanced = _unbalanced(text)
    is_command = False
    for token in tokens(text):
        piece = text[token.start : token.end]
        if "\n" in piece and token.kind == "space":
            is_command = False
        style = _CLASSES.get(token.kind, "")
        if token.kind == "space" and piece.startswith(("--", "/*")):
            style = "class:sql.comment"
        elif piece == "\\":
            is_command, style = True, "class:sql.command"
        elif token.kind == "word":
            if is_command:
                style, is_command = "class:sql.command", False
            elif piece.lower() in _WORDS:
                style = "class:sql.keyword"
        elif token.start in unbalanced:
            style = "class:sql.unbalanced"
        first, *rest = piece.split("\n")
        lines[-1].append((style, first))
        for line in rest:
            lines.append([(style, line)])
    return lines


def _unbalanced(text: str) -> set[int]:
    """Offsets of brackets without a partner."""
    opened: list[tuple[str, int]] = []
    wrong: set[int] = set()
    for token in tokens(text):
        character = text[token.start]
        if token.kind != "other":
            continue
        if character in "([":
            opened.append((character, token.start))
        elif character in _OPENING:
            if opened and opened[-1][0] == _OPENING[character]:
                opened.pop()
            else:
                wrong.add(token.start)
    return wrong | {position for _, position in opened}
