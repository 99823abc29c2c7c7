"""Access lists as PostgreSQL prints them: arrays of `grantee=rights/grantor`, and back.

A right that may be handed on has a star. A name of other characters than letters, digits and _ is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from lungfish.catalog.access import WORDS, begins_with
from lungfish.catalog.authority import Authority
from lungfish.catalog.objects import Oid
from lungfish.catalog.roles import PUBLIC_GRANTEE, AccessItem, AccessList
from lungfish.errors import InvalidParameterValue, InvalidTextRepresentation, UndefinedObject
from lungfish.executor.system_views.asked import Answer, Asked
from lungfish.types.array_value import ArrayValue, array_value

# acldefault's letters for the kinds of objects of which rights are kept.
_KINDS = {
    "c": "column", "r": "relation", "s": "sequence", "d": "database", "f": "function", "l": "language", "n": "schema",
    "t": "tablespace", "T": "type",
}  # fmt: skip
# What the owner has of those that there are none of.
_OTHERS = {"L": "rw", "p": "sA", "F": "U", "S": "U"}
_NAME = r'(?:"(?:[^"]|"")*"|\w*)'
_ITEM = re.compile(rf"({_NAME})=((?:[a-zA-Z]\*?)*)/({_NAME})")
_PLAIN = re.compile(r"\w*", re.ASCII)


def access_text(authority: Authority, items: AccessList | None) -> ArrayValue | None:
    """The list as relacl and its kin show it."""
    if items is None:
        return None
    return array_value([_item_text(authority, each) for each in items])


def _item_text(authority: Authority, item: AccessItem) -> str:
    rights = "".join(
        letter + ("*" if letter in item.grantable else "")
        for letter in WORDS
        if letter in item.rights or letter in item.grantable
    )
    grantee = "" if item.grantee == PUBLIC_GRANTEE else _quoted(authority.name_of(item.grantee))
    return f"{grantee}={rights}/{_quoted(authority.name_of(item.grantor))}"


def _quoted(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def _read_item(authority: Authority, text: str | None) -> AccessItem:
    match = _ITEM.fullmatch(text or "")
    if match is None:
        raise InvalidTextRepresentation(f'malformed access list item: "{text}"')
    grantee, rights, grantor = match.groups()
    given = re.findall(r"(\w)(\*?)", rights)
    return AccessItem(
        _role_oid(authority, grantee),
        _role_oid(authority, grantor),
        "".join(letter for letter, _ in given),
        "".join(letter for letter, star in given if star),
    )


def _role_oid(authority: Authority, text: str) -> Oid:
    name = text[1:-1].replace('""', '"') if text.startswith('"') else text
    if not name:
        return PUBLIC_GRANTEE
    found = authority.role(name)
    if found is not None:
        return found.oid
    # Of a role that is gone the number is left.
    if name.isdecimal():
        return Oid(int(name))
    raise UndefinedObject(f'role "{name}" does not exist')


def exploded(items: Iterable[AccessItem]) -> list[tuple[int, int, str, bool]]:
    """Each right of each grantee: grantor, grantee, what it is, whether it may be handed on."""
    return [
        (each.grantor, each.grantee, word.upper(), letter in each.grantable)
        for each in items
        for letter, word in WORDS.items()
        if letter in each.rights
    ]


def _explode(asked: Asked, arguments: Sequence[Any]) -> list[tuple[int, int, str, bool]]:
    authority = asked.catalog.authority
    return exploded([_read_item(authority, text) for text in arguments[0].elements])


def _default(asked: Asked, arguments: Sequence[Any]) -> ArrayValue | None:
    letter, owner = arguments
    if letter in _OTHERS:
        items: AccessList = (AccessItem(Oid(owner), Oid(owner), _OTHERS[letter]),)
    elif letter in _KINDS:
        items = begins_with(_KINDS[letter], Oid(owner))
    else:
        raise InvalidParameterValue(f"unrecognized object type abbreviation: {letter}")
    return access_text(asked.catalog.authority, items)


ACCESS_ANSWERS: dict[str, Answer] = {"acldefault": _default, "aclexplode": _explode}
