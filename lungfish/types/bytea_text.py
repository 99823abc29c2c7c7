"""BYTEA: its two text forms, and UUID's."""

from __future__ import annotations

import re

from lungfish.errors import InvalidParameterValue, InvalidTextRepresentation

_ESCAPE = re.compile(r"\\(?:(\\)|([0-3][0-7]{2}))?")


def parse_bytea(text: str) -> bytes:
    r"""The bytes of `\x...` or of the escape form. Raises 22P02, 22023."""
    if text.startswith("\\x"):
        return parse_hex(text[2:])
    return parse_escaped(text)


def parse_escaped(text: str) -> bytes:
    """The bytes of the escape form. Raises 22P02."""
    if "\\" not in text:
        return text.encode()
    pieces: list[bytes] = []
    place = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[place : match.start()].encode())
        if match[1] is not None:
            pieces.append(b"\\")
        elif match[2] is not None:
            pieces.append(bytes([int(match[2], 8)]))
        else:
            raise InvalidTextRepresentation("invalid input syntax for type bytea")
        place = match.end()
    pieces.append(text[place:].encode())
    return b"".join(pieces)


def parse_hex(text: str) -> bytes:
    """The bytes of pairs of hexadecimal digits; blanks between pairs are passed over. Raises 22023."""
    digits = []
    place = 0
    while place < len(text):
        character = text[place]
        if character in " \n\t\r":
            place += 1
            continue
        if character not in "0123456789abcdefABCDEF":
            raise InvalidParameterValue(f'invalid hexadecimal digit: "{character}"')
        if place + 1 >= len(text):
            raise InvalidParameterValue("invalid hexadecimal data: odd number of digits")
        following = text[place + 1]
        if following not in "0123456789abcdefABCDEF":
            raise InvalidParameterValue(f'invalid hexadecimal digit: "{following}"')
        digits.append(character + following)
        place += 2
    return bytes.fromhex("".join(digits))


def format_bytea(value: bytes, output: str = "hex") -> str:
    """The text of a BYTEA: hex or escape."""
    if output == "hex":
        return "\\x" + value.hex()
    return escape_bytes(value)


def escape_bytes(value: bytes) -> str:
    """The escape form: printable ASCII as it is, other bytes as three octal digits."""
    pieces = []
    for byte in value:
        if byte == 0x5C:
            pieces.append("\\\\")
        elif 0x20 <= byte <= 0x7E:
            pieces.append(chr(byte))
        else:
            pieces.append(f"\\{byte:03o}")
    return "".join(pieces)


_UUID = re.compile(r"\{?((?:[0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4})\}?")


def parse_uuid(text: str) -> bytes:
    """The 16 bytes of a UUID. Raises 22P02."""
    match = _UUID.fullmatch(text)
    if match is None or text.startswith("{") != text.endswith("}"):
        raise InvalidTextRepresentation(f'invalid input syntax for type uuid: "{text}"')
    return bytes.fromhex(match[1].replace("-", ""))


def format_uuid(value: bytes) -> str:
    """The usual form, in lower case."""
    digits = value.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
