r"""COPY's two text formats, both ways: lines to fields and fields to lines.

    text   fields between tabs, `\N` is NULL, a backslash escapes; `\.` on a line of its own ends the data
    csv    fields between commas, quoted where need be; an empty unquoted field is NULL

A field that was read is a str, None (NULL) or DEFAULT. Python's csv module cannot tell an empty field from a quoted
empty one, so CSV is read here.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from lungfish.errors import (
    BadCopyFileFormat,
    CharacterNotInRepertoire,
    UntranslatableCharacter,
)
from lungfish.session.copy_options import ColumnChoice, CopyOptions, encoding_name


class Mark(enum.Enum):
    """What a field may be besides text and NULL."""

    DEFAULT = "default"


DEFAULT: Final = Mark.DEFAULT
Field = str | None | Mark

_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.|$)", re.DOTALL)
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPED = {ord(char): f"\\{letter}" for letter, char in _CONTROL.items()}
_ESCAPED[ord("\\")] = "\\\\"
# Bytes that escapes stand for, as surrogateescape has them, until the field is put together.
_LONE_BYTE = re.compile(r"[\udc80-\udcff]")
_ESCAPED_OR_END = re.compile(r"\\.|[\r\n]", re.DOTALL)
_END = "\\."
_NOT_ALONE = "end-of-copy marker is not alone on its line"
# Behind an even number of backslashes, which stand for others.
_END_INSIDE = re.compile(r"(?<!\\)(?:\\\\)*\\\.")


def read_lines(text: str, options: CopyOptions, names: Sequence[str]) -> Iterator[list[Field]]:
    """The fields of each data line; `names` are the columns that they are for. Raises BadCopyFileFormat."""
    if options.is_csv:
        rows = _read_csv(text, options, names)
    else:
        rows = (_text_fields(line, options) for line in _text_lines(text))
    if options.header == "off":
        return rows
    header = next(rows, None)
    if header is not None and options.header == "match":
        _check_header(header, names)
    return rows


def _check_header(header: Sequence[Field], names: Sequence[str]) -> None:
    if len(header) != len(names):
        raise BadCopyFileFormat(
            f"wrong number of fields in header line: got {len(header)}, expected {len(names)}"
        )
    for number, (found, name) in enumerate(zip(header, names, strict=True), 1):
        if found is None:
            raise BadCopyFileFormat(
                f'column name mismatch in header line field {number}: got null value, expected "{name}"'
            )
        if found != name:
            raise BadCopyFileFormat(
                f'column name mismatch in header line field {number}: got "{found}", expected "{name}"'
            )


# Text.


def _text_lines(text: str) -> Iterator[str]:
    """The lines before the one that ends the data."""
    lines = _returned_lines(text) if "\r" in text else _plain_lines(text)
    for line in lines:
        if line == _END:
            # The marker is a whole line, so its own ending belongs to it.
            if text.endswith(_END) and next(lines, None) is None:
                raise BadCopyFileFormat(_NOT_ALONE)
            return
        if _END in line and _END_INSIDE.search(line):
            raise BadCopyFileFormat(_NOT_ALONE)
        yield line


def _plain_lines(text: str) -> Iterator[str]:
    """The lines of a text without carriage returns; one that ends with an unescaped backslash goes on behind its newline."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    held = ""
    for line in lines:
        if line.endswith("\\") and (len(line) - len(line.rstrip("\\"))) % 2:
            held += line + "\n"
            continue
        yield held + line
        held = ""
    if held:
        yield held.removesuffix("\n")


def _returned_lines(text: str) -> Iterator[str]:
    """The lines of a text with carriage returns: all end as the first does, and a backslash escapes either character."""
    start, ending = 0, None
    for match in _ESCAPED_OR_END.finditer(text):
        place = match.start()
        # An escaped pair, or the second character of an ending.
        if match[0][0] == "\\" or place < start:
            continue
        ending = _ending_at(text, place, ending, "literal")
        yield text[start:place]
        start = place + len(ending)
    if start < len(text):
        yield text[start:]


def _ending_at(text: str, place: int, before: str | None, kind: str) -> str:
    """How the line ends whose end is at `place`. Raises BadCopyFileFormat if those before it ended otherwise."""
    if text[place] == "\n":
        found, shown = "\n", "newline"
    else:
        is_pair = before != "\r" and text.startswith("\r\n", place)
        found, shown = "\r\n" if is_pair else "\r", "carriage return"
    if before not in (None, found):
        raise BadCopyFileFormat(f"{kind} {shown} found in data")
    return found


def _text_fields(line: str, options: CopyOptions) -> list[Field]:
    delimiter, null = options.delimiter, options.null
    if "\\" not in line:
        pieces = line.split(delimiter)
        if options.default is None:
            return [None if piece == null else piece for piece in pieces]
    elif "\\" + delimiter in line:
        quoted = re.escape(delimiter)
        pieces = re.findall(rf"(?:^|{quoted})((?:\\.|[^\\{quoted}])*\\?)", line, re.DOTALL)
    else:
        pieces = line.split(delimiter)
    return [_text_field(piece, options) for piece in pieces]


def _text_field(piece: str, options: CopyOptions) -> Field:
    if piece == options.null:
        return None
    if piece == options.default:
        return DEFAULT
    return _unescape(piece) if "\\" in piece else piece


def _unescape(piece: str) -> str:
    """The field that a piece spells. Raises CharacterNotInRepertoire if its bytes are not UTF-8, or one is zero."""
    field = _ESCAPE.sub(_unescaped, piece)
    if "\0" in field:
        raise invalid_bytes(b"\0")
    if _LONE_BYTE.search(field):
        try:
            return field.encode("utf-8", "surrogateescape").decode()
        except UnicodeDecodeError as error:
            raise invalid_bytes(error.object[error.start : error.end]) from None
    return field


def invalid_bytes(wrong: bytes) -> CharacterNotInRepertoire:
    """The error for bytes that are not UTF-8."""
    shown = " ".join(f"0x{byte:02x}" for byte in wrong)
    return CharacterNotInRepertoire(f'invalid byte sequence for encoding "UTF8": {shown}')


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if not code:
        # A backslash that nothing follows, at the end of the data.
        return ""
    if code[0] == "x" and len(code) > 1:
        return _byte(int(code[1:], 16))
    if code[0] in "01234567":
        return _byte(int(code, 8) & 0o377)
    return _CONTROL.get(code, code)


def _byte(code: int) -> str:
    return chr(code if code < 0x80 else 0xDC00 + code)


# CSV.


def _read_csv(text: str, options: CopyOptions, names: Sequence[str]) -> Iterator[list[Field]]:
    never_null = _positions(options.force_not_null, names)
    null_quoted = _positions(options.force_null, names)
    position, end = 0, len(text)
    # Where there is no carriage return, newlines end lines; else what ends the first one.
    ending = None if "\r" in text else "\n"
    while position < end:
        fields, position, ending = _csv_record(text, position, options, ending)
        yield [
            _csv_value(piece, is_quoted, options, at in never_null, at in null_quoted)
            for at, (piece, is_quoted) in enumerate(fields)
        ]


def _positions(choice: ColumnChoice, names: Sequence[str]) -> Collection[int]:
    if choice == ("*",):
        return range(len(names))
    return frozenset(names.index(name) for name in choice)


def _csv_value(
    piece: str, is_quoted: bool, options: CopyOptions, never_null: bool, null_quoted: bool
) -> Field:
    if piece == options.null and (null_quoted if is_quoted else not never_null):
        return None
    if not is_quoted and piece == options.default:
        return DEFAULT
    return piece


def _csv_record(
    text: str, position: int, options: CopyOptions, ending: str | None
) -> tuple[list[tuple[str, bool]], int, str | None]:
    """The fields of one record with whether they were quoted, where the next one begins, and how lines end."""
    quote, delimiter = options.quote, options.delimiter
    if ending is not None:
        found = text.find(ending, position)
        line = text[position:] if found < 0 else text[position:found]
        if not (quote in line or "\r" in line or "\n" in line):
            following = position + len(line) + len(ending)
            return [(piece, False) for piece in line.split(delimiter)], following, ending
    fields: list[tuple[str, bool]] = []
    special = re.compile(f"[{re.escape(quote)}{re.escape(delimiter)}\r\n]")
    pieces: list[str] = []
    is_quoted = False
    while True:
        match = special.search(text, position)
        place = len(text) if match is None else match.start()
        pieces.append(text[position:place])
        if match is not None and match[0] == quote:
            is_quoted = True
            inside, position = _csv_quoted(text, place + 1, options)
            pieces.append(inside)
            continue
        fields.append(("".join(pieces), is_quoted))
        if match is None:
            return fields, place, ending
        if match[0] != delimiter:
            ending = _ending_at(text, place, ending, "unquoted")
            return fields, place + len(ending), ending
        pieces, is_quoted, position = [], False, place + 1


def _csv_quoted(text: str, position: int, options: CopyOptions) -> tuple[str, int]:
    """What stands inside quotes, and the place behind the closing one."""
    quote, escape = options.quote, options.escape
    special = re.compile(f"[{re.escape(quote)}{re.escape(escape)}]")
    pieces: list[str] = []
    while True:
        match = special.search(text, position)
        if match is None:
            raise BadCopyFileFormat("unterminated CSV quoted field")
        place = match.start()
        pieces.append(text[position:place])
        following = text[place + 1 : place + 2]
        if match[0] == escape and following and following in (quote, escape):
            pieces.append(following)
            position = place + 2
        elif match[0] == quote:
            return "".join(pieces), place + 1
        else:
            pieces.append(match[0])
            position = place + 1


# Fields to lines.


def format_lines(
    rows: Iterable[Sequence[str | None]], options: CopyOptions, names: Sequence[str]
) -> Iterator[str]:
    """Each row as its line, with the newline; the header first where it is asked for."""
    quoted = _positions(options.force_quote, names)
    if options.header == "on":
        yield _format_line(names, options, ())
    for row in rows:
        yield _format_line(row, options, quoted)


def encode_line(line: str, options: CopyOptions) -> bytes:
    """A line in the encoding of the data. Raises UntranslatableCharacter."""
    try:
        return line.encode(options.encoding)
    except UnicodeEncodeError as error:
        shown = " ".join(f"0x{byte:02x}" for byte in line[error.start].encode())
        raise UntranslatableCharacter(
            f'character with byte sequence {shown} in encoding "UTF8" has no equivalent'
            f' in encoding "{encoding_name(options)}"'
        ) from None


def _format_line(row: Sequence[str | None], options: CopyOptions, quoted: Collection[int]) -> str:
    delimiter, null = options.delimiter, options.null
    if not options.is_csv:
        return delimiter.join([null if f is None else _escape(f, delimiter) for f in row]) + "\n"
    # A lone `\.` would be taken for the end of the data.
    is_single = len(row) == 1
    return (
        delimiter.join(
            [
                null
                if field is None
                else _quote(field, options, must=at in quoted or (is_single and field == _END))
                for at, field in enumerate(row)
            ]
        )
        + "\n"
    )


def _escape(field: str, delimiter: str) -> str:
    if not field.isprintable() or "\\" in field:
        field = field.translate(_ESCAPED)
    if delimiter in field:
        field = field.replace(delimiter, "\\" + delimiter)
    return field


def _quote(field: str, options: CopyOptions, *, must: bool) -> str:
    quote, escape = options.quote, options.escape
    if not must and field != options.null:
        for char in (options.delimiter, quote, "\n", "\r"):
            if char in field:
                break
        else:
            return field
    if escape != quote:
        field = field.replace(escape, escape + escape)
    return quote + field.replace(quote, escape + quote) + quote
