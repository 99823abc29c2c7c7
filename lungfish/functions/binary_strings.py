"""Functions of BYTEA: parts, trimming, single bytes and bits, hashes, and the text encodings of binary data."""

from __future__ import annotations

import base64
import binascii
import codecs
import functools
import hashlib
import re
import zlib
from typing import Any

from lungfish.errors import (
    ArraySubscriptError,
    CharacterNotInRepertoire,
    FeatureNotSupported,
    InvalidParameterValue,
    SubstringError,
    UntranslatableCharacter,
)
from lungfish.functions.registry import Function, Volatility
from lungfish.functions.strings import check_overlay
from lungfish.types.bytea_text import parse_escaped, parse_hex
from lungfish.types.late_loading import load_apart
from lungfish.types.sql_type import BIGINT, BYTEA, INTEGER, NAME, TEXT

_BASE64_LINE = 76
_BASE64 = re.compile(r"[A-Za-z0-9+/]")


def join_bytes(one: bytes, other: bytes) -> bytes:
    """The || operator."""
    return one + other


def _substring_from(value: bytes, start: int) -> bytes:
    return value[max(start - 1, 0) :]


def _substring_from_for(value: bytes, start: int, count: int) -> bytes:
    if count < 0:
        raise SubstringError("negative substring length not allowed")
    return value[max(start - 1, 0) : max(start - 1 + count, 0)]


def _position(value: bytes, part: bytes) -> int:
    return value.find(part) + 1


def _overlay(value: bytes, new: bytes, start: int, count: int | None = None) -> bytes:
    if count is None:
        count = len(new)
    check_overlay(start, count)
    return value[: start - 1] + new + _substring_from(value, start + count)


def _get_byte(value: bytes, index: int) -> int:
    _check_index(index, len(value), "index")
    return value[index]


def _set_byte(value: bytes, index: int, new: int) -> bytes:
    _check_index(index, len(value), "index")
    return value[:index] + bytes([new & 0xFF]) + value[index + 1 :]


def _check_index(index: int, count: int, name: str) -> None:
    if not 0 <= index < count:
        raise ArraySubscriptError(f"{name} {index} out of valid range, 0..{count - 1}")


def _get_bit(value: bytes, index: int) -> int:
    _check_index(index, len(value) * 8, "index")
    return value[index // 8] >> (index % 8) & 1


def _set_bit(value: bytes, index: int, new: int) -> bytes:
    _check_index(index, len(value) * 8, "index")
    if new not in (0, 1):
        raise InvalidParameterValue("new bit must be 0 or 1")
    place, shift = divmod(index, 8)
    byte = value[place] & ~(1 << shift) | (new << shift)
    return value[:place] + bytes([byte]) + value[place + 1 :]


def _bit_count(value: bytes) -> int:
    return int.from_bytes(value, "big").bit_count()


# Encodings


def encode(value: bytes, name: str) -> str:
    """Binary data as text: hex, base64 or escape. Raises 22023."""
    match name.lower():
        case "hex":
            return value.hex()
        case "base64":
            text = base64.b64encode(value).decode()
            lines = [
                text[place : place + _BASE64_LINE] for place in range(0, len(text), _BASE64_LINE)
            ]
            return "\n".join(lines)
        case "escape":
            return _encode_escape(value)
    raise InvalidParameterValue(f'unrecognized encoding: "{name}"')


def _encode_escape(value: bytes) -> str:
    """Zero bytes and those with the high bit as octal, backslashes doubled, the rest as it is."""
    pieces = []
    for byte in value:
        if byte == 0 or byte >= 0x80:
            pieces.append(f"\\{byte:03o}")
        else:
            pieces.append("\\\\" if byte == 0x5C else chr(byte))
    return "".join(pieces)


def decode(text: str, name: str) -> bytes:
    """The data that such a text stands for. Raises 22023, 22P02."""
    match name.lower():
        case "hex":
            return parse_hex(text)
        case "base64":
            return _decode_base64(text)
        case "escape":
            return parse_escaped(text)
    raise InvalidParameterValue(f'unrecognized encoding: "{name}"')


def _decode_base64(text: str) -> bytes:
    digits: list[str] = []
    padding = 0
    for character in text:
        if character in " \t\n\r":
            continue
        if character == "=":
            if not padding and len(digits) % 4 < 2:
                raise InvalidParameterValue('unexpected "=" while decoding base64 sequence')
            padding += 1
            continue
        if not _BASE64.match(character):
            raise InvalidParameterValue(
                f'invalid symbol "{character}" found while decoding base64 sequence'
            )
        digits.append(character)
    if (len(digits) + padding) % 4:
        raise InvalidParameterValue(
            "invalid base64 end sequence",
            hint="Input data is missing padding, is truncated, or is otherwise corrupted.",
        )
    return binascii.a2b_base64("".join(digits) + "=" * padding)


_CODECS = {
    "utf8": "utf-8", "unicode": "utf-8", "latin1": "latin-1", "iso88591": "latin-1", "sqlascii": "ascii",
    "win1252": "cp1252", "win1251": "cp1251", "win1250": "cp1250", "koi8r": "koi8-r", "koi8": "koi8-r",
    "latin2": "iso8859-2", "latin9": "iso8859-15", "eucjp": "euc_jp", "sjis": "shift_jis", "big5": "big5",
    "gbk": "gbk", "gb18030": "gb18030", "euckr": "euc_kr", "euccn": "gb2312", "iso88595": "iso8859-5",
}  # fmt: skip


def _codec(name: str, role: str = "source") -> str:
    found = _CODECS.get(re.sub(r"[^a-z0-9]", "", name.lower()))
    if found is None:
        raise InvalidParameterValue(f'invalid {role} encoding name "{name}"')
    return _loaded_codec(found)


@functools.cache
def _loaded_codec(name: str) -> str:
    """The codec's name for Python, which loads a module for each codec."""
    return load_apart(lambda: codecs.lookup(name)).name


def _convert_from(value: bytes, name: str) -> str:
    codec = _codec(name)
    try:
        text = value.decode(codec)
    except UnicodeDecodeError as error:
        shown = " ".join(f"0x{byte:02x}" for byte in value[error.start : error.end])
        raise CharacterNotInRepertoire(
            f'invalid byte sequence for encoding "{name.upper()}": {shown}'
        ) from error
    if "\0" in text:
        raise CharacterNotInRepertoire(f'invalid byte sequence for encoding "{name.upper()}": 0x00')
    return text


def _convert_to(text: str, name: str) -> bytes:
    codec = _codec(name, "destination")
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        character = text[error.start]
        shown = " ".join(f"0x{byte:02x}" for byte in character.encode())
        raise UntranslatableCharacter(
            f'character with byte sequence {shown} in encoding "UTF8" has no equivalent in encoding "{name.upper()}"'
        ) from error


_UTF8 = "utf-8"
_ANY_BYTES = "ascii"


def _convert(value: bytes, source: str, destination: str) -> bytes:
    """convert: text in one encoding as that in another, one of them UTF8. SQL_ASCII is not converted, only looked at."""
    codecs_named = (_codec(source), _codec(destination, "destination"))
    if codecs_named[1] == _ANY_BYTES:
        return value
    if codecs_named[0] == _ANY_BYTES:
        _convert_from(value, destination)
        return value
    if _UTF8 not in codecs_named and codecs_named[0] != codecs_named[1]:
        raise FeatureNotSupported(
            f"converting from {source.upper()} to {destination.upper()} is not supported"
        )
    return _convert_to(_convert_from(value, source), destination)


# Hashes


def _md5(value: bytes) -> str:
    return hashlib.md5(value, usedforsecurity=False).hexdigest()


def _sha(name: str) -> Any:
    return lambda value: hashlib.new(name, value).digest()


def crc32c(value: bytes) -> int:
    """Castagnoli's CRC."""
    crc = 0xFFFFFFFF
    for byte in value:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _crc32c_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC32C = tuple(_crc32c_entry(byte) for byte in range(256))

FUNCTIONS: tuple[Function, ...] = (
    Function("||", (BYTEA, BYTEA), BYTEA, join_bytes),
    Function("length", (BYTEA,), INTEGER, len),
    Function("octet_length", (BYTEA,), INTEGER, len),
    Function("bit_length", (BYTEA,), INTEGER, lambda value: 8 * len(value)),
    Function(
        "length",
        (BYTEA, NAME),
        INTEGER,
        lambda value, name: len(_convert_from(value, name)),
        volatility=Volatility.STABLE,
    ),
    *(Function(name, (BYTEA, INTEGER), BYTEA, _substring_from) for name in ("substring", "substr")),
    *(
        Function(name, (BYTEA, INTEGER, INTEGER), BYTEA, _substring_from_for)
        for name in ("substring", "substr")
    ),
    Function("position", (BYTEA, BYTEA), INTEGER, _position),
    Function("overlay", (BYTEA, BYTEA, INTEGER), BYTEA, _overlay),
    Function("overlay", (BYTEA, BYTEA, INTEGER, INTEGER), BYTEA, _overlay),
    Function(
        "btrim", (BYTEA, BYTEA), BYTEA, lambda value, part: value.strip(part) if part else value
    ),
    Function(
        "ltrim", (BYTEA, BYTEA), BYTEA, lambda value, part: value.lstrip(part) if part else value
    ),
    Function(
        "rtrim", (BYTEA, BYTEA), BYTEA, lambda value, part: value.rstrip(part) if part else value
    ),
    Function("reverse", (BYTEA,), BYTEA, lambda value: value[::-1]),
    Function("get_byte", (BYTEA, INTEGER), INTEGER, _get_byte),
    Function("set_byte", (BYTEA, INTEGER, INTEGER), BYTEA, _set_byte),
    Function("get_bit", (BYTEA, BIGINT), INTEGER, _get_bit),
    Function("set_bit", (BYTEA, BIGINT, INTEGER), BYTEA, _set_bit),
    Function("bit_count", (BYTEA,), BIGINT, _bit_count),
    Function("encode", (BYTEA, TEXT), TEXT, encode),
    Function("decode", (TEXT, TEXT), BYTEA, decode),
    Function("convert", (BYTEA, NAME, NAME), BYTEA, _convert, volatility=Volatility.STABLE),
    Function("convert_from", (BYTEA, NAME), TEXT, _convert_from, volatility=Volatility.STABLE),
    Function("convert_to", (TEXT, NAME), BYTEA, _convert_to, volatility=Volatility.STABLE),
    Function("md5", (TEXT,), TEXT, lambda value: _md5(value.encode())),
    Function("md5", (BYTEA,), TEXT, _md5),
    *(
        Function(name, (BYTEA,), BYTEA, _sha(name))
        for name in ("sha224", "sha256", "sha384", "sha512")
    ),
    Function("crc32", (BYTEA,), BIGINT, zlib.crc32),
    Function("crc32c", (BYTEA,), BIGINT, crc32c),
)
