"""has_table_privilege and its kin, pg_has_role: what a role may do.

What is asked about must be there, and the privilege must be one that such an object has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.catalog.access import LETTERS, begins_with
from lungfish.catalog.held_rights import held_letters
from lungfish.catalog.new_rights import kind_of_rights
from lungfish.catalog.objects import Index, Namespace, Oid, SystemView, Table, UserType, View
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.roles import PUBLIC_GRANTEE, SUPERUSER_OID, AccessList
from lungfish.errors import (
    InvalidParameterValue,
    UndefinedColumn,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.executor.system_views.object_names import NAME_ANSWERS
from lungfish.executor.system_views.routines import routine_by_oid
from lungfish.functions.privilege_functions import OBJECT_KINDS
from lungfish.types.type_oids import own_element_oid, type_of_oid

_TABLE = {
    "select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain",
    # What nobody has any more.
    "rule",
}  # fmt: skip
_COLUMN = {"select", "insert", "update", "references"}
_TEMPORARY = {"temp": "temporary"}
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
LANGUAGES = {"internal": 12, "sql": 14}
TABLESPACES = {"pg_default": 1663, "pg_global": 1664}


@dataclass(frozen=True, slots=True)
class _Found:
    """The object that is asked about. `item` is there for relations."""

    kind: str
    items: AccessList
    owner: Oid
    item: object | None = None

    def letters(self, asked: Asked, role: Oid, *, of_grantable: bool) -> set[str]:
        authority = asked.catalog.authority
        return held_letters(
            authority, role, self.kind, self.items, self.owner, of_grantable=of_grantable
        )


def _words(kind: str, text: str) -> list[tuple[str, bool]]:
    """The privileges of a list, each with whether it is asked for WITH GRANT OPTION. Raises InvalidParameterValue."""
    found = []
    for part in text.split(","):
        word = part.strip().lower()
        is_option = word.endswith((" with grant option", " with admin option"))
        for tail in (" with grant option", " with admin option"):
            word = word.removesuffix(tail)
        if word not in PRIVILEGES[kind]:
            raise InvalidParameterValue(f'unrecognized privilege type: "{part.strip()}"')
        found.append((_TEMPORARY.get(word, word), is_option))
    return found


def _role_of(asked: Asked, user: Any) -> Oid:
    """The role that is asked about; None is the current one. Raises UndefinedObject."""
    if user is None:
        return SUPERUSER_OID
    if not isinstance(user, str):
        return Oid(user)
    found = asked.catalog.authority.role(user)
    if found is None:
        raise UndefinedObject(f'role "{user}" does not exist')
    return found.oid


def _has(kind: str) -> Answer:
    find = _FINDERS[kind]

    def answer(asked: Asked, arguments: Sequence[Any]) -> bool | None:
        user, item, *rest = arguments
        role = PUBLIC_GRANTEE if user == "public" else _role_of(asked, user)
        found = find(asked, item)
        if found is None:
            return None
        words = _words(kind, rest[-1])
        if kind == "column":
            column = _column_number(found, rest[0])
            return None if column is None else _has_column(asked, found, role, (column,), words)
        if _has_whole(asked, found, role, words):
            return True
        if kind != "any_column" or not isinstance(found.item, (Table, View, SystemView)):
            return False
        numbers = [column.number for column in found.item.columns]
        return _has_column(asked, found, role, numbers, words)

    return answer


def _has_whole(asked: Asked, found: _Found, role: Oid, words: list[tuple[str, bool]]) -> bool:
    return any(
        LETTERS.get(word) in found.letters(asked, role, of_grantable=is_option)
        for word, is_option in words
    )


def _has_column(
    asked: Asked, found: _Found, role: Oid, numbers: Sequence[int], words: list[tuple[str, bool]]
) -> bool:
    """Whether the role has one of the rights on the whole relation, or on one of the columns."""
    if _has_whole(asked, found, role, words):
        return True
    item, authority = found.item, asked.catalog.authority
    rights = None
    if isinstance(item, (Table, View, SystemView)):
        rights = authority.rights_of("relation", item.oid)
    if rights is None:
        return False
    for number in numbers:
        items = rights.items_of_column(number) or ()
        for word, is_option in words:
            held = held_letters(
                authority, role, "column", items, found.owner, of_grantable=is_option
            )
            if LETTERS[word] in held:
                return True
    return False


def _column_number(found: _Found, column: Any) -> int | None:
    """The number of the column; None if none has it. Raises UndefinedColumn for a name that none has."""
    item = found.item
    if not isinstance(item, (Table, View, SystemView)):
        return column if isinstance(column, int) else 0
    for each in item.columns:
        if column in (each.name, each.number):
            return each.number
    if isinstance(column, str):
        raise UndefinedColumn(f'column "{column}" of relation "{item.name}" does not exist')
    return None


# What is asked about.


def _of_kind(asked: Asked, kind: str, oid: int) -> _Found:
    authority = asked.catalog.authority
    return _Found(kind, authority.items_of(kind, oid), authority.owner_of(kind, oid))


def _find_relation(asked: Asked, item: Any) -> _Found | None:
    authority = asked.catalog.authority
    found: object | None
    if isinstance(item, str):
        found = asked.relation(item)
    else:
        found = asked.catalog.object(Oid(item)) or asked.index(item)
    match found:
        case Table() | View() | SystemView() | SequenceObject():
            kind = kind_of_rights(found)
            items = authority.items_of(kind, found.oid)
            return _Found(kind, items, authority.owner_of(kind, found.oid), found)
        case UserType():
            owner = authority.owner_of("type", found.oid)
        case (Table() as table, Index() as index):
            owner = authority.owner_of("relation", table.oid)
            found = index
        case _:
            return None
    return _Found("relation", begins_with("relation", owner), owner, found)


def _find_sequence(asked: Asked, item: Any) -> _Found | None:
    found = _find_relation(asked, item)
    if found is not None and not isinstance(found.item, SequenceObject):
        other = found.item
        name = item
        if isinstance(other, (Table, View, SystemView, Index, UserType)):
            name = other.name
        raise WrongObjectType(f'"{name}" is not a sequence')
    return found


def _by_name(
    words: str, kind: str, is_there: Callable[[Asked, int], bool]
) -> Callable[[Asked, Any], _Found | None]:
    """Look up by the text that a type of names reads, or by the oid."""

    def find(asked: Asked, item: Any) -> _Found | None:
        if isinstance(item, str):
            item = int(NAME_ANSWERS[f"{words}in"](asked, (item,)))
        elif not is_there(asked, item):
            return None
        return _of_kind(asked, kind, item)

    return find


def _among(kind: str, names: dict[str, int]) -> Callable[[Asked, Any], _Found | None]:
    def find(asked: Asked, item: Any) -> _Found | None:
        oid = names.get(item) if isinstance(item, str) else item
        if oid is None:
            raise UndefinedObject(f'{kind} "{item}" does not exist')
        return _of_kind(asked, kind, oid) if oid in names.values() else None

    return find


def _find_type(asked: Asked, item: Any) -> _Found | None:
    """Of an array type, that of its elements."""
    found = _by_name("regtype", "type", _is_type)(asked, item)
    if found is None:
        return None
    oid = int(NAME_ANSWERS["regtypein"](asked, (item,))) if isinstance(item, str) else item
    element = own_element_oid(oid)
    return found if element is None else _of_kind(asked, "type", element)


def _is_there(asked: Asked, oid: int) -> bool:
    return asked.catalog.object(Oid(oid)) is not None


def _is_type(asked: Asked, oid: int) -> bool:
    return _is_there(asked, oid) or type_of_oid(oid) is not None


_FINDERS: dict[str, Callable[[Asked, Any], _Found | None]] = {
    "table": _find_relation,
    "any_column": _find_relation,
    "column": _find_relation,
    "sequence": _find_sequence,
    "schema": _by_name(
        "regnamespace",
        "schema",
        lambda asked, oid: isinstance(asked.catalog.object(Oid(oid)), Namespace),
    ),
    # There is one database, and the statement runs in it.
    "database": lambda asked, item: _of_kind(asked, "database", 1),
    "function": _by_name(
        "regprocedure",
        "function",
        lambda asked, oid: _is_there(asked, oid) or routine_by_oid(oid) is not None,
    ),
    "type": _find_type,
    "language": _among("language", LANGUAGES),
    "tablespace": _among("tablespace", TABLESPACES),
    # There are none of these.
    "foreign_data_wrapper": _among("foreign-data wrapper", {}),
    "server": _among("server", {}),
    "largeobject": lambda asked, item: None,
    # Nobody but superusers, who may change what is not there, too.
    "parameter": lambda asked, item: _Found("parameter", (), SUPERUSER_OID),
}


def _has_role(asked: Asked, arguments: Sequence[Any]) -> bool:
    user, role, text = arguments
    authority = asked.catalog.authority
    member, other = _role_of(asked, user), _role_of(asked, role)
    words = _words("role", text)
    if authority.is_superuser(member):
        return True
    for word, is_option in words:
        if is_option:
            if authority.administers(member, other):
                return True
            continue
        above = authority.roles_above(
            member,
            lambda item, word=word: (  # type: ignore[misc]
                word == "member" or (item.inherits if word == "usage" else item.can_set)
            ),
        )
        if other in above:
            return True
    return False


PRIVILEGE_ANSWERS: dict[str, Answer] = {
    **{f"has_{kind}_privilege": _has(kind) for kind in OBJECT_KINDS},
    "pg_has_role": _has_role,
}
