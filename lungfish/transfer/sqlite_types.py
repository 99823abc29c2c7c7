"""The type for a declared type of SQLite, and its values as text.

SQLite keeps any value in any column; what a declaration means is SQLite's affinity, and what people meant by it. Both are followed: INTEGER
holds 64 bits, VARCHAR(20) twenty characters, BOOLEAN 0 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Declared names to types; the first that matches counts. `{}` is what stood in parentheses, with them.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"bool", "boolean"),
        (r"tinyint|smallint|int2", "smallint"),
        (r"mediumint", "integer"),
        # 64 bits, whatever it is called.
        (r"int|serial", "bigint"),
        (r"(?:national |native |n)?(?:var(?:ying )?char(?:acter)?|char(?:acter)? varying|varchar2?|char(?:acter)?)", "varchar{}"),
        (r"jsonb?", "jsonb"),
        (r"uuid|guid|uniqueidentifier", "uuid"),
        (r"text|clob|string|citext", "text"),
        (r"blob|binary|bytea|image", "bytea"),
        (r"real|doub|floa", "double precision"),
        (r"dec|numeric|money|number", "numeric{}"),
        (r"timestamp ?(?:with time zone|tz)", "timestamptz"),
        (r"datetime|timestamp", "timestamp"),
        (r"date", "date"),
        (r"time", "time"),
    )
)  # fmt: skip
_SIZES = re.compile(r"\(\s*\d+\s*(?:,\s*\d+\s*)?\)")
# A number of seconds is no date in a declaration's sense; SQLite's own functions would take it for a Julian day.
_NO_NUMBERS = frozenset({"date", "time", "timestamp", "timestamptz", "uuid"})


def type_of_declaration(declared: str) -> str | None:
    """Our type for a declared one; None where nothing is declared, or nothing known."""
    sizes = _SIZES.search(declared)
    bare = _SIZES.sub("", declared).strip()
    for pattern, name in _RULES:
        if pattern.search(bare):
            return name.replace("{}", sizes.group() if sizes is not None else "")
    return None


def type_of_values(classes: set[str]) -> str:
    """Our type for a column without one, by the storage classes of its values."""
    classes = classes - {"null"}
    if classes == {"integer"}:
        return "bigint"
    if classes and classes <= {"integer", "real"}:
        return "double precision"
    return "bytea" if classes == {"blob"} else "text"


class Misfit(Exception):
    """A value that does not fit its column's declared type; the text says why."""


def text_writer(kind: str) -> Callable[[object], str | None]:
    """Writes a value of SQLite for a column of that type. The function raises Misfit."""
    base = kind.partition("(")[0]

    def write(value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, bytes):
            if base != "bytea":
                raise Misfit(f"a blob where {kind} is declared")
            return f"\\x{value.hex()}"
        if base == "bytea":
            raise Misfit(f"{_class_of(value)} where a blob is declared")
        if isinstance(value, str):
            if "\0" in value:
                raise Misfit("a text with the character NUL")
            return value
        if base in _NO_NUMBERS:
            raise Misfit(f"{_class_of(value)} where {kind} is declared")
        if base == "boolean":
            if value not in (0, 1):
                raise Misfit("neither 0 nor 1 where a boolean is declared")
            return "true" if value else "false"
        if base == "bigint" and isinstance(value, float) and value.is_integer():
            return str(int(value))
        return repr(value) if isinstance(value, float) else str(value)

    return write


def _class_of(value: object) -> str:
    return "a text" if isinstance(value, str) else "a number"
