"""Text functions: length, case, parts, padding, trimming, searching, replacing, joining.

Text is ordered and case-mapped as PostgreSQL's builtin locale C.UTF-8 does it: by code point, and one character to one character.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lungfish.errors import (
    InvalidParameterValue,
    NumericValueOutOfRange,
    ProgramLimitExceeded,
    SubstringError,
)
from lungfish.functions.alphabetic import is_in_word
from lungfish.functions.registry import Function
from lungfish.functions.vector_tools import Argument, map_rows
from lungfish.types.compute import pc
from lungfish.types.sql_type import BOOLEAN, CHAR, INTEGER, TEXT

# PostgreSQL's limit of one value: 1 GB less the header.
TEXT_BYTES_MAX = 0x3FFFFFFF - 4
_SMALLEST_INTEGER = -(2**31)


def length_of(value: str) -> int:
    """The number of characters."""
    return len(value)


def _octet_length(value: str) -> int:
    return len(value.encode())


# Letters of two spellings, which have several characters for their full folding.
_FOLDED_ALIKE = {"\u1fd3": "\u0390", "\u1fe3": "\u03b0", "\ufb05": "\ufb06"}


@functools.lru_cache(maxsize=4096)
def _simple_upper(character: str) -> str:
    # A letter that has several for its upper case may have one for its title case: Greek ones with an iota below.
    for mapped in (character.upper(), character.title()):
        if len(mapped) == 1:
            return mapped
    return character


@functools.lru_cache(maxsize=4096)
def _simple_lower(character: str) -> str:
    # One letter has two characters for its lower case, the first of which is its simple one.
    return character.lower()[0]


@functools.lru_cache(maxsize=4096)
def _simple_fold(character: str) -> str:
    folded = _FOLDED_ALIKE.get(character) or character.casefold()
    if len(folded) == 1:
        return folded
    mapped = character.lower()
    return mapped if len(mapped) == 1 else character


def upper(value: str) -> str:
    """Every letter in its upper case."""
    return value.upper() if value.isascii() else "".join(map(_simple_upper, value))


def lower(value: str) -> str:
    """Every letter in its lower case."""
    return value.lower() if value.isascii() else "".join(map(_simple_lower, value))


def initcap(value: str) -> str:
    """The first letter of each word in upper case, the others in lower case; words are runs of letters and digits."""
    pieces = []
    is_inside = False
    for character in value:
        pieces.append(_simple_lower(character) if is_inside else _simple_upper(character))
        is_inside = is_in_word(character)
    return "".join(pieces)


def casefold(value: str) -> str:
    """The form for comparing without regard to case."""
    return value.lower() if value.isascii() else "".join(map(_simple_fold, value))


def substring_from(value: str, start: int) -> str:
    """The characters from position `start`, counted from 1."""
    return value[max(start - 1, 0) :]


def substring_from_for(value: str, start: int, count: int) -> str:
    """`count` characters from position `start`; a start before the text uses up some of them. Raises 22011."""
    if count < 0:
        raise SubstringError("negative substring length not allowed")
    return value[max(start - 1, 0) : max(start - 1 + count, 0)]


def _substring_vector(value: Argument, start: Argument, count: Argument | None = None) -> Argument:
    bounds = [start] if count is None else [start, count]
    if all(isinstance(item, pa.Scalar) and item.is_valid for item in bounds):
        first = start.as_py() - 1
        if count is None:
            return pc.utf8_slice_codeunits(value, max(first, 0))
        wanted = count.as_py()
        if wanted < 0:
            raise SubstringError("negative substring length not allowed")
        end = max(first + wanted, 0)
        return pc.utf8_slice_codeunits(value, max(first, 0), max(end, max(first, 0)))
    if count is None:
        return map_rows(substring_from, (value, start), (TEXT, INTEGER), TEXT)
    return map_rows(substring_from_for, (value, start, count), (TEXT, INTEGER, INTEGER), TEXT)


def strpos(value: str, part: str) -> int:
    """The position of `part`, counted from 1; 0 where it is not."""
    return value.find(part) + 1


def left(value: str, count: int) -> str:
    """The first characters; a negative count leaves out the last ones."""
    return value[:count] if count else ""


def right(value: str, count: int) -> str:
    """The last characters; a negative count leaves out the first ones."""
    if count == _SMALLEST_INTEGER:
        # It has no negative: PostgreSQL then leaves out nothing.
        return value
    return value[-count:] if count else ""


def _trim_left(value: str, characters: str = " ") -> str:
    return value.lstrip(characters) if characters else value


def _trim_right(value: str, characters: str = " ") -> str:
    return value.rstrip(characters) if characters else value


def _trim(value: str, characters: str = " ") -> str:
    return value.strip(characters) if characters else value


def _check_length(count: int) -> None:
    if count * 4 > TEXT_BYTES_MAX:
        raise ProgramLimitExceeded("requested length too large")


def lpad(value: str, length: int, fill: str = " ") -> str:
    """The text filled up on the left, or cut on the right, to `length` characters."""
    _check_length(length)
    if length <= len(value):
        return value[: max(length, 0)]
    return _padding(length - len(value), fill) + value


def rpad(value: str, length: int, fill: str = " ") -> str:
    """The text filled up, or cut, on the right to `length` characters."""
    _check_length(length)
    if length <= len(value):
        return value[: max(length, 0)]
    return value + _padding(length - len(value), fill)


def _padding(count: int, fill: str) -> str:
    if not fill:
        return ""
    return (fill * (count // len(fill) + 1))[:count]


def replace(value: str, old: str, new: str) -> str:
    """Every occurrence of `old` replaced; an empty `old` occurs nowhere."""
    return value.replace(old, new) if old else value


def _replace_vector(value: Argument, old: Argument, new: Argument) -> Argument:
    is_constant = isinstance(old, pa.Scalar) and isinstance(new, pa.Scalar)
    if is_constant and old.is_valid and new.is_valid and old.as_py():
        return pc.replace_substring(value, old.as_py(), new.as_py())
    return map_rows(replace, (value, old, new), (TEXT, TEXT, TEXT), TEXT)


def translate(value: str, old: str, new: str) -> str:
    """Each character of `old` replaced by the one at its place in `new`, or left out where there is none."""
    table: dict[int, str | None] = {}
    for place, character in enumerate(old):
        table.setdefault(ord(character), new[place] if place < len(new) else None)
    return value.translate(table)


def repeat(value: str, count: int) -> str:
    """The text so many times. Raises 54000."""
    if count > 0 and len(value.encode()) * count > TEXT_BYTES_MAX:
        raise ProgramLimitExceeded("requested length too large")
    return value * max(count, 0)


def split_part(value: str, separator: str, field: int) -> str:
    """The field of that number between separators; negative numbers count from the end. Raises 22023."""
    if field == 0:
        raise InvalidParameterValue("field position must not be zero")
    if not value:
        return ""
    if not separator:
        return value if field in (1, -1) else ""
    fields = value.split(separator)
    index = field - 1 if field > 0 else len(fields) + field
    return fields[index] if 0 <= index < len(fields) else ""


def chr_of(code: int) -> str:
    """The character of a code point. Raises 54000."""
    if code < 0:
        raise InvalidParameterValue("character number must be positive")
    if code == 0:
        raise ProgramLimitExceeded("null character not permitted")
    if code > 0x10FFFF:
        raise ProgramLimitExceeded(f"requested character too large for encoding: {code}")
    if 0xD800 <= code < 0xE000:
        raise ProgramLimitExceeded(f"requested character not valid for encoding: {code}")
    return chr(code)


def ascii_of(value: str) -> int:
    """The code point of the first character; 0 for the empty text."""
    return ord(value[0]) if value else 0


def check_overlay(start: int, count: int) -> None:
    """Raise 22011 where overlay() cannot start, 22003 where its end is no integer."""
    if start <= 0:
        raise SubstringError("negative substring length not allowed")
    if start + count >= 2**31:
        raise NumericValueOutOfRange("integer out of range")


def overlay(value: str, new: str, start: int, count: int | None = None) -> str:
    """`count` characters from `start` replaced by `new`. Raises 22011 and 22003."""
    if count is None:
        count = len(new)
    check_overlay(start, count)
    return value[: start - 1] + new + substring_from(value, start + count)


def starts_with(value: str, prefix: str) -> bool:
    """Whether the text begins with `prefix`."""
    return value.startswith(prefix)


def _starts_with_vector(value: Argument, prefix: Argument) -> Argument:
    if isinstance(prefix, pa.Scalar) and prefix.is_valid:
        return pc.starts_with(value, prefix.as_py())
    return map_rows(starts_with, (value, prefix), (TEXT, TEXT), BOOLEAN)


def join(one: str, other: str) -> str:
    """The || operator."""
    return one + other


def _join_vector(one: Argument, other: Argument) -> Argument:
    empty = pa.scalar("", pa.large_string())
    return pc.binary_join_element_wise(one, other, empty, null_handling="emit_null")


def _char_length(value: str) -> int:
    return len(value.rstrip(" "))


def _length_vector(value: Argument) -> Argument:
    return pc.utf8_length(value).cast(pa.int32())


def normalize(value: str, form: str = "NFC") -> str:
    """A Unicode normal form. Raises 22023."""
    match form.upper():
        case "NFC":
            return unicodedata.normalize("NFC", value)
        case "NFD":
            return unicodedata.normalize("NFD", value)
        case "NFKC":
            return unicodedata.normalize("NFKC", value)
        case "NFKD":
            return unicodedata.normalize("NFKD", value)
    raise InvalidParameterValue(f"invalid normalization form: {form}")


def _is_normalized(value: str, form: str = "NFC") -> bool:
    return normalize(value, form) == value


def _reverse(value: str) -> str:
    return value[::-1]


def _case_vector(scalar: Callable[[str], str], of_ascii: Any) -> Callable[[Argument], Argument]:
    """Arrow's own mapping where it is the same: beyond ASCII it maps letters that PostgreSQL leaves alone (ß)."""

    def vector(values: Argument) -> Argument:
        if isinstance(values, pa.Scalar) or not pc.all(pc.string_is_ascii(values)).as_py():
            return map_rows(scalar, (values,), (TEXT,), TEXT)
        return of_ascii(values)

    return vector


def _text_function(name: str, scalar: Any, vector: Any = None) -> Function:
    return Function(name, (TEXT,), TEXT, scalar, vector)


_LENGTHS = tuple(
    function
    for name in ("length", "char_length", "character_length")
    for function in (
        Function(name, (TEXT,), INTEGER, length_of, _length_vector),
        Function(name, (CHAR,), INTEGER, _char_length),
    )
)
_TRIMS = tuple(
    Function(name, arguments, TEXT, scalar)
    for name, scalar in (("ltrim", _trim_left), ("rtrim", _trim_right), ("btrim", _trim))
    for arguments in ((TEXT,), (TEXT, TEXT))
)
_PADS = tuple(
    Function(name, arguments, TEXT, scalar)
    for name, scalar in (("lpad", lpad), ("rpad", rpad))
    for arguments in ((TEXT, INTEGER), (TEXT, INTEGER, TEXT))
)
_PARTS = tuple(
    function
    for name in ("substring", "substr")
    for function in (
        Function(name, (TEXT, INTEGER), TEXT, substring_from, _substring_vector),
        Function(name, (TEXT, INTEGER, INTEGER), TEXT, substring_from_for, _substring_vector),
    )
)

FUNCTIONS: tuple[Function, ...] = (
    *_LENGTHS,
    *_TRIMS,
    *_PADS,
    *_PARTS,
    Function("octet_length", (TEXT,), INTEGER, _octet_length),
    Function("octet_length", (CHAR,), INTEGER, _octet_length),
    Function("bit_length", (TEXT,), INTEGER, lambda value: 8 * _octet_length(value)),
    _text_function("lower", lower, _case_vector(lower, pc.ascii_lower)),
    _text_function("upper", upper, _case_vector(upper, pc.ascii_upper)),
    _text_function("initcap", initcap),
    _text_function("casefold", casefold),
    _text_function("reverse", _reverse),
    Function("strpos", (TEXT, TEXT), INTEGER, strpos),
    Function("position", (TEXT, TEXT), INTEGER, strpos),
    Function("left", (TEXT, INTEGER), TEXT, left),
    Function("right", (TEXT, INTEGER), TEXT, right),
    Function("replace", (TEXT, TEXT, TEXT), TEXT, replace, _replace_vector),
    Function("translate", (TEXT, TEXT, TEXT), TEXT, translate),
    Function("repeat", (TEXT, INTEGER), TEXT, repeat),
    Function("split_part", (TEXT, TEXT, INTEGER), TEXT, split_part),
    Function("chr", (INTEGER,), TEXT, chr_of),
    Function("ascii", (TEXT,), INTEGER, ascii_of),
    Function("overlay", (TEXT, TEXT, INTEGER), TEXT, overlay),
    Function("overlay", (TEXT, TEXT, INTEGER, INTEGER), TEXT, overlay),
    Function("starts_with", (TEXT, TEXT), BOOLEAN, starts_with, _starts_with_vector),
    Function("^@", (TEXT, TEXT), BOOLEAN, starts_with, _starts_with_vector),
    Function("normalize", (TEXT, TEXT), TEXT, normalize, defaults=("NFC",)),
    Function("is_normalized", (TEXT, TEXT), BOOLEAN, _is_normalized, defaults=("NFC",)),
    Function("||", (TEXT, TEXT), TEXT, join, _join_vector),
)
