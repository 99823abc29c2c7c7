"""Names that an unknown one may have been meant for: up to three, the nearest first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from lungfish import errors
from lungfish.repl.completion.names import Names

_SUGGESTED_MAX = 3
_QUOTED = re.compile(r'"([^"]*)"|(\S+)')
# How alike names must be, from 0 to 1.
_LIKENESS = 0.6


def suggest(error: errors.Error, names: Names) -> list[str]:
    """Names like the one that an error did not find."""
    match error:
        case errors.UndefinedTable():
            known = [each.name for each in names.relations if each.kind in "rpfvm"]
            return _nearest(_missing_name(error.message, "relation"), known)
        case errors.UndefinedColumn():
            return _nearest(_missing_name(error.message, "column"), _columns(error, names))
        case errors.UndefinedFunction():
            return _nearest(_missing_name(error.message, "function"), names.functions)
        case _:
            return []


def _columns(error: errors.Error, names: Names) -> list[str]:
    """The columns of the tables that the statement names, else of all tables of the user's."""
    words = set(re.findall(r"\w+", (error.sql or "").lower()))
    users = [each for each in names.relations if each.is_visible and each.schema != "pg_catalog"]
    named = [each for each in users if each.name.lower() in words]
    return [column for each in named or users for column, _ in each.columns]


def _missing_name(message: str, kind: str) -> str:
    """The name in `column "x" does not exist`, `function f(integer) does not exist` and their like."""
    found = _QUOTED.search(message, message.find(kind) + len(kind))
    if found is None:
        return ""
    return (found[1] or found[2] or "").partition("(")[0].rpartition(".")[2]


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    if not name:
        return []
    return get_close_matches(name.lower(), dict.fromkeys(known), n=_SUGGESTED_MAX, cutoff=_LIKENESS)
