"""PostgreSQL's character sets by their numbers and names. Texts are UTF8; others are read and written by convert and its kin."""

from __future__ import annotations

import re

from lungfish.functions.registry import Function, Volatility
from lungfish.types.sql_type import INTEGER, NAME

# By number: the name, and how many bytes a character may take.
_ENCODINGS: tuple[tuple[str, int], ...] = (
    ("SQL_ASCII", 1), ("EUC_JP", 3), ("EUC_CN", 3), ("EUC_KR", 3), ("EUC_TW", 4), ("EUC_JIS_2004", 3), ("UTF8", 4),
    ("MULE_INTERNAL", 4), *((f"LATIN{number}", 1) for number in range(1, 11)), ("WIN1256", 1), ("WIN1258", 1), ("WIN866", 1),
    ("WIN874", 1), ("KOI8R", 1), ("WIN1251", 1), ("WIN1252", 1), *((f"ISO_8859_{part}", 1) for part in range(5, 9)),
    ("WIN1250", 1), ("WIN1253", 1), ("WIN1254", 1), ("WIN1255", 1), ("WIN1257", 1), ("KOI8U", 1), ("SJIS", 2), ("BIG5", 2),
    ("GBK", 2), ("UHC", 2), ("GB18030", 4), ("JOHAB", 3), ("SHIFT_JIS_2004", 2),
)  # fmt: skip
# Other names, without what is no letter and no digit.
_ALIASES = {
    "abc": "WIN1258", "alt": "WIN866", "iso88591": "LATIN1", "iso885910": "LATIN6", "iso885913": "LATIN7",
    "iso885914": "LATIN8", "iso885915": "LATIN9", "iso885916": "LATIN10", "iso88592": "LATIN2", "iso88593": "LATIN3",
    "iso88594": "LATIN4", "iso88599": "LATIN5", "koi8": "KOI8R", "mskanji": "SJIS", "shiftjis": "SJIS",
    "tcvn": "WIN1258", "tcvn5712": "WIN1258", "unicode": "UTF8", "vscii": "WIN1258", "win": "WIN1251",
    "win932": "SJIS", "win936": "GBK", "win949": "UHC", "win950": "BIG5",
}  # fmt: skip
_NUMBERS = {name.replace("_", "").lower(): number for number, (name, _) in enumerate(_ENCODINGS)}


def _name(number: int) -> str:
    return _ENCODINGS[number][0] if 0 <= number < len(_ENCODINGS) else ""


def _number(name: str) -> int:
    """The number of a name; -1 where it is that of no character set."""
    word = re.sub(r"[^a-z0-9]", "", name.lower()).replace("windows", "win", 1)
    word = _ALIASES.get(word, word).replace("_", "").lower()
    return _NUMBERS.get(word, -1)


def has_encoding(name: str) -> bool:
    """Whether the name is that of a character set."""
    return _number(name) >= 0


def _length_max(number: int) -> int | None:
    return _ENCODINGS[number][1] if 0 <= number < len(_ENCODINGS) else None


FUNCTIONS: tuple[Function, ...] = (
    Function("pg_encoding_to_char", (INTEGER,), NAME, _name, volatility=Volatility.STABLE),
    Function("pg_char_to_encoding", (NAME,), INTEGER, _number, volatility=Volatility.STABLE),
    Function("pg_encoding_max_length", (INTEGER,), INTEGER, _length_max),
)
