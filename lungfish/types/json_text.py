"""JSON: text to a Python tree and back, with PostgreSQL's errors and jsonb's normal form.

A tree is made of dict, list, str, bool, None and Decimal (every number: jsonb keeps numbers as NUMERIC). jsonb's text has
its keys sorted by length, then by bytes; of equal keys the last one wins; numbers keep their trailing zeros.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from lungfish.errors import (
    InvalidTextRepresentation,
    StatementTooComplex,
    UntranslatableCharacter,
)
from lungfish.types.numerics import canonical, numeric_text
from lungfish.types.parse_numbers import parse_numeric

JsonTree = Any
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_TOKEN = re.compile(r"[A-Za-z0-9_$.+\-\x80-\uffff]+")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_OUT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f]')
_DEPTH_MAX = 500


class JsonReader:
    """A recursive-descent reader of one JSON text. With `is_plain` escapes such as \\u0000 are only checked, not made."""

    def __init__(self, text: str, *, is_plain: bool) -> None:
        self.text = text
        self.place = 0
        self.is_plain = is_plain
        self.depth = 0

    def read(self) -> JsonTree:
        """The whole text as one value. Raises 22P02, 22P05, 54001."""
        value = self._value()
        self._skip_blanks()
        if self.place < len(self.text):
            self._expected("end of input")
        return value

    def _skip_blanks(self) -> None:
        text, place = self.text, self.place
        while place < len(text) and text[place] in " \t\n\r":
            place += 1
        self.place = place

    def _peek(self) -> str:
        self._skip_blanks()
        return self.text[self.place] if self.place < len(self.text) else ""

    def _value(self) -> JsonTree:
        mark = self._peek()
        if mark == "{":
            return self._nested(self._object)
        if mark == "[":
            return self._nested(self._array)
        if mark == '"':
            return self._string()
        match = _NUMBER.match(self.text, self.place)
        if match is not None:
            token = _TOKEN.match(self.text, self.place)
            if token is None or token.end() == match.end():
                self.place = match.end()
                return match[0] if self.is_plain else parse_numeric(match[0])
            self._invalid(token[0])
        for word, value in (("true", True), ("false", False), ("null", None)):
            token = _TOKEN.match(self.text, self.place)
            if token is not None and token[0] == word:
                self.place = token.end()
                return value
        self._expected("JSON value")
        return None

    def _nested(self, read: Any) -> JsonTree:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise StatementTooComplex(
                "stack depth limit exceeded",
                detail=f"JSON nested deeper than {_DEPTH_MAX} levels is not supported.",
            )
        value = read()
        self.depth -= 1
        return value

    def _object(self) -> dict[str, JsonTree]:
        self.place += 1
        found: dict[str, JsonTree] = {}
        if self._peek() == "}":
            self.place += 1
            return found
        while True:
            if self._peek() != '"':
                self._expected("string" if found else 'string or "}"')
            key = self._string()
            if self._peek() != ":":
                self._expected('":"')
            self.place += 1
            self.add_member(found, key)
            found[key] = self._value()
            mark = self._peek()
            if mark not in (",", "}"):
                self._expected('"," or "}"')
            self.place += 1
            if mark == "}":
                return found

    def add_member(self, found: dict[str, JsonTree], key: str) -> None:
        """Called with an object's members so far and the next one's key; of equal keys the last one wins."""

    def _array(self) -> list[JsonTree]:
        self.place += 1
        if self._peek() == "]":
            self.place += 1
            return []
        found = [self._value()]
        while True:
            mark = self._peek()
            if mark not in (",", "]"):
                self._expected('"," or "]"')
            self.place += 1
            if mark == "]":
                return found
            found.append(self._value())

    def _string(self) -> str:
        start, pieces = self.place, []
        place = self.place + 1
        text = self.text
        while True:
            plain = _PLAIN.match(text, place)
            assert plain is not None
            pieces.append(plain[0])
            place = plain.end()
            if place >= len(text):
                self.place = start
                self._invalid(text[start:])
            if text[place] == '"':
                self.place = place + 1
                return "".join(pieces)
            if text[place] != "\\":
                raise self._error(f"Character with value 0x{ord(text[place]):02x} must be escaped.")
            piece, place = self._escape(place, start)
            pieces.append(piece)

    def _escape(self, place: int, start: int) -> tuple[str, int]:
        letter = self.text[place + 1 : place + 2]
        if letter in _ESCAPES and letter:
            return _ESCAPES[letter], place + 2
        if letter != "u":
            if not letter:
                self._invalid(self.text[start:])
            raise self._error(f'Escape sequence "\\{letter}" is invalid.')
        code = self._hex_code(place)
        end = place + 6
        if self.is_plain:
            # Type json keeps the text: what its escapes stand for is not looked at.
            return "?", end
        if 0xD800 <= code < 0xDC00:
            if self.text[end : end + 2] != "\\u":
                raise self._error("Unicode low surrogate must follow a high surrogate.")
            low = self._hex_code(end)
            if not 0xDC00 <= low < 0xE000:
                raise self._error("Unicode low surrogate must follow a high surrogate.")
            return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), end + 6
        if 0xDC00 <= code < 0xE000:
            raise self._error("Unicode low surrogate must follow a high surrogate.")
        if code == 0:
            raise UntranslatableCharacter(
                "unsupported Unicode escape sequence", detail="\\u0000 cannot be converted to text."
            )
        return chr(code), end

    def _hex_code(self, place: int) -> int:
        digits = self.text[place + 2 : place + 6]
        if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
            raise self._error('"\\u" must be followed by four hexadecimal digits.')
        return int(digits, 16)

    def _expected(self, what: str) -> None:
        if self.place >= len(self.text):
            raise self._error("The input string ended unexpectedly.")
        token = self._token()
        if _TOKEN.fullmatch(token) and token not in ("true", "false", "null"):
            if not _NUMBER.fullmatch(token):
                self._invalid(token)
        if what == "end of input":
            raise self._error(f'Expected end of input, but found "{token}".')
        raise self._error(f'Expected {what}, but found "{token}".')

    def _token(self) -> str:
        match = _TOKEN.match(self.text, self.place)
        if match is not None:
            return match[0]
        if self.text[self.place] == '"':
            start = self.place
            self._string()
            return self.text[start : self.place]
        return self.text[self.place]

    def _invalid(self, token: str) -> None:
        raise self._error(f'Token "{token}" is invalid.')

    @staticmethod
    def _error(detail: str) -> InvalidTextRepresentation:
        return InvalidTextRepresentation("invalid input syntax for type json", detail=detail)


def check_json(text: str) -> str:
    """The text itself, as type json keeps it, if it is JSON. Raises 22P02."""
    JsonReader(text, is_plain=True).read()
    return text


def parse_json(text: str) -> JsonTree:
    """The tree of a JSON text from outside. Raises 22P02, 22P05."""
    return JsonReader(text, is_plain=False).read()


def load_json(text: str) -> JsonTree:
    """The tree of a text known to be JSON, such as an internal JSONB value."""
    return json.loads(text, parse_int=Decimal, parse_float=_load_number)


def _load_number(text: str) -> Decimal:
    return canonical(Decimal(text))


def jsonb_text(tree: JsonTree) -> str:
    """Jsonb's text of a tree."""
    if tree is None:
        return "null"
    if tree is True:
        return "true"
    if tree is False:
        return "false"
    if isinstance(tree, str):
        return quote_json(tree)
    if isinstance(tree, Decimal):
        return numeric_text(tree)
    if isinstance(tree, list):
        return "[" + ", ".join(map(jsonb_text, tree)) + "]"
    keys = sorted(tree, key=key_order)
    return "{" + ", ".join(f"{quote_json(key)}: {jsonb_text(tree[key])}" for key in keys) + "}"


def key_order(key: str) -> tuple[int, bytes]:
    """How jsonb sorts keys: by length, then by bytes."""
    encoded = key.encode()
    return len(encoded), encoded


def normalize_jsonb(text: str) -> str:
    """The internal value of JSONB: the normal form of a JSON text. Raises 22P02."""
    return jsonb_text(parse_json(text))


def quote_json(text: str) -> str:
    """A text as a JSON string."""
    if _NEEDS_ESCAPE.search(text) is None:
        return f'"{text}"'
    return '"' + _NEEDS_ESCAPE.sub(_escaped, text) + '"'


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    return _OUT.get(character) or f"\\u{ord(character):04x}"
