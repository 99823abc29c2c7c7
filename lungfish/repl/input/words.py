"""The words behind a command, by psql's rules.

plain        up to a space; `:name` and its kin are replaced
'quoted'     with '' for a quote and C's escapes; spaces belong to it
"quoted"     keeps its quotes, for commands that take names
`command`    is refused: a script should not run programs unseen
"""

from __future__ import annotations

import re

from lungfish import errors
from lungfish.repl.input.variables import Variables

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "b": "\b", "r": "\r", "f": "\f"}
_PLAIN = re.compile(r"[^\s'\"`:]+")


def split_words(text: str, variables: Variables) -> list[str]:
    """The words of a command's line."""
    words: list[str] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        word, position = _read_word(text, position, variables)
        words.append(word)
    return words


def _read_word(text: str, position: int, variables: Variables) -> tuple[str, int]:
    pieces: list[str] = []
    while position < len(text) and not text[position].isspace():
        character = text[position]
        if character == "'":
            piece, position = _read_quoted(text, position)
        elif character == '"':
            end = text.find('"', position + 1) + 1
            if not end:
                raise errors.SyntaxError("unterminated quoted string")
            piece, position = text[position:end], end
        elif character == "`":
            raise errors.FeatureNotSupported(
                "commands in backquotes are not run",
                hint="\\! runs a command; -v NAME=VALUE and \\set give a script its values.",
            )
        else:
            found = variables.substitute_word(text, position) if character == ":" else None
            if found is not None:
                piece, position = found
            else:
                match = _PLAIN.match(text, position)
                piece = character if match is None else match.group()
                position += len(piece)
        pieces.append(piece)
    return "".join(pieces), position


def _read_quoted(text: str, start: int) -> tuple[str, int]:
    """A word in single quotes, and where it ends."""
    pieces: list[str] = []
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == "'":
            if not text.startswith("''", position):
                return "".join(pieces), position + 1
            position += 2
            pieces.append("'")
        elif character == "\\" and (found := _ESCAPE.match(text, position)) is not None:
            pieces.append(_unescape(found))
            position = found.end()
        else:
            pieces.append(character)
            position += 1
    raise errors.SyntaxError("unterminated quoted string")


def _unescape(found: re.Match[str]) -> str:
    hexadecimal, octal, plain = found.groups()
    if plain is not None:
        return _ESCAPED.get(plain, plain)
    return chr(int(hexadecimal, 16) if hexadecimal is not None else int(octal, 8) & 0xFF)


def unquote_name(word: str) -> str:
    """A name as the catalog has it: quoted parts as they are, others in small letters."""
    parts = re.split(r'("(?:[^"]|"")*")', word)
    return "".join(
        [part[1:-1].replace('""', '"') if part.startswith('"') else part.lower() for part in parts]
    )
