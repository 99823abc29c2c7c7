r"""A script to its pieces: statements, the shell's commands (`\d`, `.tables`), directives `--@ ...` and expected rows `--| ...`.

Needs no parser, so it works on text that the parser rejects or that is still being typed: `split_script` says of the last
piece whether it is finished and, if not, what is open, which the prompt shows.

A piece's text begins at its first token (comments before it are dropped) and leaves out the semicolon. Lines are counted
from 1 in the whole script. The data behind `COPY ... FROM STDIN;` up to the line `\.` belongs to its statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lungfish.sql.tokens import Token, tokens

DIRECTIVE_MARK = "--@"
ROW_MARK = "--|"
_REMARK = re.compile(r"--([@|])[^\n]*")
# A backslash is nothing in SQL, and no statement begins with a dot and a word.
_COMMAND = re.compile(r"\\|\.[a-z]")
# What a command's line is made of: quoted words, a backslash that begins the next command, other characters.
_COMMAND_PART = re.compile(r"'(?:[^'\\\n]|\\.|'')*'?|\"[^\"\n]*\"?|[^\n\\'\"]+|\\")
# Commands that take the whole rest of their line.
_WHOLE_LINE = re.compile(r"\\(?:!|copy\b|h\b|help\b|ef\b|ev\b|sf\b|sv\b|\?)|\.[a-z]")
_COPY_FROM_STDIN = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_DATA_END = re.compile(r"^\\\.[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_OPENING = re.compile(r"(?:[eEbBxXnN]|[uU]&)?('|\")|(/\*)|(\$\w*\$)")

_SET_STRINGS = re.compile(
    r"set\s+(?:session\s+|local\s+)?standard_conforming_strings\s*(?:=|\bto\b)\s*'?(\w+)",
    re.IGNORECASE,
)
_OFF = ("off", "false", "no", "0")

_CLOSERS = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class ScriptPiece:
    """A piece of a script.

    `kind`: statement; command (its text begins with a backslash or a dot); directive (with --@); row (with --|); or fragment, the part of a
    statement before a command that stands inside it or at its end, as in `SELECT 1 \\gx`.
    """

    kind: str
    text: str
    # 1-based line, and offset, of the first token.
    line: int
    start: int
    # The lines for COPY ... FROM STDIN, without the one that ends them.
    data: str | None = None
    # What is still open at the end of the text: ', ", $tag$, /*, ( or [; a statement without its semicolon has "-".
    opened: str | None = None
    # The offset behind it, its semicolon and its data.
    end: int = 0


def split_script(text: str, *, is_standard: bool = True) -> Iterator[ScriptPiece]:
    """The pieces of a script in order. A last statement without a semicolon comes out with `opened`.

    `is_standard`: whether standard_conforming_strings is on where the script begins.
    """
    return iter(ScriptSplitter(text, is_standard=is_standard))


def open_construct(text: str, *, is_standard: bool = True) -> str | None:
    """What keeps the text from being complete (see `ScriptPiece.opened`); None where it could be run as it is."""
    last = None
    for piece in split_script(text, is_standard=is_standard):
        last = piece
    return None if last is None else last.opened


class ScriptSplitter:
    """Finds one piece after the other. Whoever runs them calls `begin_anew` where a command has ended the statement before it."""

    def __init__(self, text: str, *, is_standard: bool = True) -> None:
        self._text = text
        # Whether plain strings have no escapes. A SET in the script itself is followed; whoever runs it may know better.
        self.is_standard = is_standard
        self._line = 1
        self._line_position = 0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Take what follows for the beginning of a statement."""
        self._is_inside = False
        self._brackets: list[str] = []
        self._routine = _RoutineBody()

    def __iter__(self) -> Iterator[ScriptPiece]:
        position = 0
        while position < len(self._text):
            found = self.next_piece(position)
            if found is None:
                return
            piece, position = found
            if piece.kind == "statement":
                self.begin_anew()
                setting = _SET_STRINGS.match(piece.text)
                if setting is not None:
                    self.is_standard = setting[1].lower() not in _OFF
            yield piece

    def _line_at(self, position: int) -> int:
        """The line of an offset; offsets come in rising order."""
        self._line += self._text.count("\n", self._line_position, position)
        self._line_position = position
        return self._line

    def next_piece(self, position: int) -> tuple[ScriptPiece, int] | None:
        """The piece that begins at or behind `position`, and where it ends; None if only space is left."""
        text = self._text
        start = -1
        end = position
        brackets, routine = self._brackets, self._routine
        for token in tokens(text, position, is_standard=self.is_standard):
            if token.kind == "space":
                remark = _REMARK.match(text, token.start) if start < 0 else None
                if remark is not None:
                    return self._remark(remark)
                continue
            character = text[token.start]
            if start < 0:
                if character == ";" and not self._is_inside:
                    continue
                if _COMMAND.match(text, token.start) and (character == "\\" or not self._is_inside):
                    return self._command(token.start)
                start = token.start
            elif character == "\\":
                self._is_inside = True
                fragment = text[start : token.start].rstrip()
                place = token.start
                return ScriptPiece(
                    "fragment", fragment, self._line_at(start), start, end=place
                ), place
            end = token.end
            if token.kind == "open":
                return self._unfinished(start, end, _opening(text, token)), end
            if token.kind == "word":
                routine.see(text[token.start : token.end])
            elif token.kind == "other":
                if character == ";" and not brackets and not routine.is_open:
                    return self._statement(start, token.start)
                _track(brackets, character)
        if start < 0:
            return None
        return self._unfinished(start, end, brackets[-1] if brackets else "-"), len(text)

    def _remark(self, match: re.Match[str]) -> tuple[ScriptPiece, int]:
        line = self._line_at(match.start())
        kind = "directive" if match[1] == "@" else "row"
        piece = ScriptPiece(kind, match.group().rstrip(), line, match.start(), end=match.end())
        return piece, match.end()

    def _command(self, start: int) -> tuple[ScriptPiece, int]:
        text, line = self._text, self._line_at(start)
        end = start + 1
        if _WHOLE_LINE.match(text, start) is not None:
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
        else:
            # Its name may be a backslash of its own: two of them only end the command before.
            while (part := _COMMAND_PART.match(text, end)) is not None and part.group() != "\\":
                end = part.end()
            if text.startswith("\\\\", start):
                return ScriptPiece("command", "\\\\", line, start, end=start + 2), start + 2
        return ScriptPiece("command", text[start:end].rstrip(), line, start, end=end), end

    def _unfinished(self, start: int, end: int, opened: str) -> ScriptPiece:
        statement = self._text[start:end]
        if opened == "-":
            # Only the semicolon is missing.
            statement = statement.rstrip()
        line = self._line_at(start)
        return ScriptPiece("statement", statement, line, start, opened=opened, end=end)

    def _statement(self, start: int, semicolon: int) -> tuple[ScriptPiece, int]:
        statement = self._text[start:semicolon].rstrip()
        end = semicolon + 1
        line = self._line_at(start)
        if statement[:4].lower() != "copy" or not _COPY_FROM_STDIN.match(statement):
            return ScriptPiece("statement", statement, line, start, end=end), end
        newline = self._text.find("\n", end)
        if newline < 0 or self._text[end:newline].strip():
            return ScriptPiece("statement", statement, line, start, end=end), end
        data_end = _DATA_END.search(self._text, newline + 1)
        if data_end is None:
            data, end = self._text[newline + 1 :], len(self._text)
        else:
            data, end = self._text[newline + 1 : data_end.start()], data_end.end()
        return ScriptPiece("statement", statement, line, start, data, end=end), end


def _opening(text: str, token: Token) -> str:
    """The characters that opened what is still open."""
    match = _OPENING.match(text, token.start)
    assert match is not None, "an open token begins with what opens it"
    return match[1] or match[2] or match[3]


def _track(brackets: list[str], character: str) -> None:
    if character in "([":
        brackets.append(character)
    elif character in _CLOSERS and brackets and brackets[-1] == _CLOSERS[character]:
        brackets.pop()


class _RoutineBody:
    """Whether we are inside BEGIN ATOMIC ... END of CREATE FUNCTION, where semicolons do not end the statement."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._depth = 0

    @property
    def is_open(self) -> bool:
        return self._depth > 0

    def see(self, word: str) -> None:
        """Take the next word of the statement into account."""
        if len(self._words) < 4:
            self._words.append(word.lower())
            return
        if self._words[0] != "create":
            return
        kind = self._words[3] if self._words[1:3] == ["or", "replace"] else self._words[1]
        if kind not in ("function", "procedure"):
            return
        lowered = word.lower()
        if lowered == "begin" or (lowered == "case" and self._depth):
            self._depth += 1
        elif lowered == "end" and self._depth:
            self._depth -= 1
