"""Identifiers and literals as PostgreSQL quotes them, and the words that open statements."""

from __future__ import annotations

import re

from lungfish.errors import FeatureNotSupported, InvalidName, SyntaxError
from lungfish.types.keywords import KEYWORDS, lower_ascii

# Words that open or structure statements and are unreserved; the prompt proposes them beside KEYWORDS.
COMMON_WORDS = frozenset(
    [
        "add",
        "alter",
        "begin",
        "by",
        "cascade",
        "checkpoint",
        "comment",
        "commit",
        "conflict",
        "copy",
        "cube",
        "cursor",
        "cycle",
        "deallocate",
        "declare",
        "delete",
        "drop",
        "execute",
        "exclude",
        "explain",
        "filter",
        "first",
        "following",
        "generated",
        "groups",
        "identity",
        "if",
        "index",
        "insert",
        "isolation",
        "key",
        "last",
        "level",
        "lock",
        "locked",
        "materialized",
        "merge",
        "next",
        "no",
        "nothing",
        "nowait",
        "nulls",
        "of",
        "operator",
        "over",
        "overriding",
        "partition",
        "preceding",
        "prepare",
        "range",
        "read",
        "recursive",
        "refresh",
        "release",
        "rename",
        "replace",
        "restart",
        "restrict",
        "rollback",
        "rollup",
        "rows",
        "savepoint",
        "schema",
        "search",
        "sequence",
        "serializable",
        "session",
        "set",
        "sets",
        "show",
        "skip",
        "start",
        "temporary",
        "ties",
        "transaction",
        "truncate",
        "unbounded",
        "update",
        "vacuum",
        "value",
        "view",
        "within",
        "work",
        "write",
    ]
)

# A name with the database, the schema and the object's own.
_DATABASE_PARTS = 3
_NAME_PART = re.compile(r'[ \t-\r]*("(?:[^"]|"")*"|[^. \t-\r"][^. \t-\r]*)[ \t-\r]*(\.|$)')
_PLAIN_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_$]*\Z")


def quote_identifier(name: str) -> str:
    """A name as it must stand in SQL: bare where that is safe everywhere, else in double quotes."""
    if _PLAIN_IDENTIFIER.match(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def quote_qualified(*parts: str | None) -> str:
    """A name of several parts; parts that are None are left out."""
    return ".".join(quote_identifier(part) for part in parts if part is not None)


def quote_literal(text: str) -> str:
    """A string constant."""
    quoted = "'" + text.replace("'", "''") + "'"
    if "\\" in text:
        return "E" + quoted.replace("\\", "\\\\")
    return quoted


def relation_name(text: str) -> tuple[str | None, str]:
    """A relation's schema, None where it is not said, and its name. Raises InvalidName, and what `_in_one_database` raises."""
    parts = split_name(text)
    return _in_one_database(parts, kind="relation", database_name=f'"{".".join(parts)}"')


def qualified_name(text: str) -> tuple[str | None, str]:
    """The same of any other object."""
    parts = split_name(text)
    return _in_one_database(parts, kind="qualified", database_name=".".join(parts))


def _in_one_database(parts: list[str], *, kind: str, database_name: str) -> tuple[str | None, str]:
    """Raises FeatureNotSupported for a name with that of a database before it, SyntaxError (42601) for one of still more parts."""
    if len(parts) == _DATABASE_PARTS:
        raise FeatureNotSupported(f"cross-database references are not implemented: {database_name}")
    if len(parts) > _DATABASE_PARTS:
        dotted = ".".join(parts)
        raise SyntaxError(f"improper {kind} name (too many dotted names): {dotted}")
    return (parts[0] if len(parts) > 1 else None), parts[-1]


def split_name(text: str) -> list[str]:
    """The parts of a qualified name as SQL reads it. Raises InvalidName (42602)."""
    parts = []
    place = 0
    while True:
        found = _NAME_PART.match(text, place)
        if found is None:
            raise InvalidName("invalid name syntax")
        part = found.group(1)
        if part.startswith('"'):
            parts.append(part[1:-1].replace('""', '"'))
        else:
            parts.append(lower_ascii(part))
        place = found.end()
        if not found.group(2):
            return parts
