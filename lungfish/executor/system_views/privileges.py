"""Who may do what: the one user everything.

What is asked about must be there, and the privilege must be one that such an object has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog.objects import Index, Namespace, Oid, SystemView, Table, View
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import (
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedColumn,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.object_names import NAME_ANSWERS, OWNER_OID
from lungfish.executor.system_views.routines import routine_by_oid
from lungfish.functions.privilege_functions import OBJECT_KINDS
from lungfish.types.type_oids import type_of_oid

_TABLE = {
    "select",
    "insert",
    "update",
    "delete",
    "truncate",
    "references",
    "trigger",
    "maintain",
    "rule",
}
_COLUMN = {"select", "insert", "update", "references"}
PRIVILEGES: dict[str, set[str]] = {
    "table": _TABLE,
    "any_column": _COLUMN,
    "column": _COLUMN,
    "sequence": {"usage", "select", "update"},
    "schema": {"create", "usage"},
    "database": {"create", "connect", "temporary", "temp"},
    "function": {"execute"},
    "type": {"usage"},
    "language": {"usage"},
    "tablespace": {"create"},
    "role": {"usage", "member", "set"},
    "foreign_data_wrapper": {"usage"},
    "server": {"usage"},
    "largeobject": {"select", "update"},
    "parameter": {"set", "alter system"},
}
LANGUAGES = ("internal", "sql")
TABLESPACES = ("pg_default", "pg_global")


def _words(kind: str, text: str) -> list[str]:
    """The privileges of a list, each without WITH GRANT OPTION. Raises InvalidParameterValue."""
    found = []
    for part in text.split(","):
        word = part.strip().lower()
        for tail in (" with grant option", " with admin option"):
            word = word.removesuffix(tail)
        if word not in PRIVILEGES[kind]:
            raise InvalidParameterValue(f'unrecognized privilege type: "{part.strip()}"')
        found.append(word)
    return found


def _is_public(user: Any) -> bool:
    """Whether the user is PUBLIC; the other one is the owner. Raises UndefinedObject."""
    if user == "public":
        return True
    if isinstance(user, str) and user != "lungfish":
        raise UndefinedObject(f'role "{user}" does not exist')
    return False


def _has(kind: str) -> Answer:
    find = _FINDERS[kind]

    def answer(asked: Asked, arguments: Sequence[Any]) -> bool | None:
        user, item, *rest = arguments
        is_public = _is_public(user)
        if not find(asked, item):
            return None
        _words(kind, rest[-1])
        if kind == "column":
            _require_column(asked, item, rest[0])
        if isinstance(user, int) and user != OWNER_OID:
            return False
        if is_public:
            raise FeatureNotSupported(
                "the privileges of PUBLIC are not kept",
                hint="There is one user; GRANT and REVOKE change nothing.",
            )
        return True

    return answer


def _relation(asked: Asked, item: Any) -> object | None:
    if isinstance(item, str):
        return asked.relation(item)
    return asked.catalog.object(Oid(item)) or asked.index(item)


def _find_sequence(asked: Asked, item: Any) -> bool:
    found = _relation(asked, item)
    if found is not None and not isinstance(found, SequenceObject):
        owner = found[1] if isinstance(found, tuple) else found
        name = owner.name if isinstance(owner, (Table, View, SystemView, Index)) else item
        raise WrongObjectType(f'"{name}" is not a sequence')
    return found is not None


def _require_column(asked: Asked, item: Any, column: Any) -> None:
    found = _relation(asked, item)
    if not isinstance(found, (Table, View, SystemView)) or not isinstance(column, str):
        return
    if all(each.name != column for each in found.columns):
        raise UndefinedColumn(f'column "{column}" of relation "{found.name}" does not exist')


def _by_name(kind: str, is_there: Callable[[Asked, int], bool]) -> Callable[[Asked, Any], bool]:
    """Look up by the text that a type of names reads, or by the oid."""

    def find(asked: Asked, item: Any) -> bool:
        if isinstance(item, str):
            NAME_ANSWERS[f"{kind}in"](asked, (item,))
            return True
        return is_there(asked, item)

    return find


def _among(what: str, names: Sequence[str]) -> Callable[[Asked, Any], bool]:
    def find(asked: Asked, item: Any) -> bool:
        if isinstance(item, str) and item not in names:
            raise UndefinedObject(f'{what} "{item}" does not exist')
        return True

    return find


def _is_there(asked: Asked, oid: int) -> bool:
    return asked.catalog.object(Oid(oid)) is not None


_FINDERS: dict[str, Callable[[Asked, Any], bool]] = {
    "table": lambda asked, item: _relation(asked, item) is not None,
    "any_column": lambda asked, item: _relation(asked, item) is not None,
    "column": lambda asked, item: _relation(asked, item) is not None,
    "sequence": _find_sequence,
    "schema": _by_name(
        "regnamespace", lambda asked, oid: isinstance(asked.catalog.object(Oid(oid)), Namespace)
    ),
    # There is one database, and the statement runs in it.
    "database": lambda asked, item: True,
    "function": _by_name(
        "regprocedure", lambda asked, oid: _is_there(asked, oid) or routine_by_oid(oid) is not None
    ),
    "type": _by_name(
        "regtype", lambda asked, oid: _is_there(asked, oid) or type_of_oid(oid) is not None
    ),
    "language": _among("language", LANGUAGES),
    "tablespace": _among("tablespace", TABLESPACES),
    # There are none of these.
    "foreign_data_wrapper": _among("foreign-data wrapper", ()),
    "server": _among("server", ()),
    "largeobject": lambda asked, item: False,
    # Whoever may change everything may change what is not there, too.
    "parameter": lambda asked, item: True,
}


def _has_role(asked: Asked, arguments: Sequence[Any]) -> bool:
    user, role, words = arguments
    for each in (user, role):
        if isinstance(each, str) and each != "lungfish":
            raise UndefinedObject(f'role "{each}" does not exist')
    _words("role", words)
    return all(each in (None, "lungfish", OWNER_OID) for each in (user, role))


PRIVILEGE_ANSWERS: dict[str, Answer] = {
    **{f"has_{kind}_privilege": _has(kind) for kind in OBJECT_KINDS},
    "pg_has_role": _has_role,
}
