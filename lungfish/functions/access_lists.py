"""acldefault and aclexplode: what an object's owner and everybody may do with it while nothing has been granted.

An access list is an array of texts here, `grantee=rights/grantor` each, as PostgreSQL prints its type aclitem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lungfish.errors import InvalidParameterValue, InvalidTextRepresentation, UndefinedObject
from lungfish.functions.registry import Function, Volatility, record_of
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.sql_type import (
    BOOLEAN,
    INTERNAL_CHAR,
    OID,
    TEXT,
    array_of,
)

_OWNER_OID, _OWNER = 10, "lungfish"
# The letter of each right, in PostgreSQL's order.
_RIGHTS = {
    "a": "INSERT", "r": "SELECT", "w": "UPDATE", "d": "DELETE", "D": "TRUNCATE", "x": "REFERENCES", "t": "TRIGGER",
    "X": "EXECUTE", "U": "USAGE", "C": "CREATE", "T": "TEMPORARY", "c": "CONNECT", "s": "SET", "A": "ALTER SYSTEM",
    "m": "MAINTAIN",
}  # fmt: skip
# What everybody may do and what the owner may, by the kind of object.
_DEFAULTS = {
    "c": ("", ""), "r": ("", "arwdDxtm"), "s": ("", "rwU"), "d": ("Tc", "CTc"), "f": ("X", "X"), "l": ("U", "U"),
    "L": ("", "rw"), "n": ("", "UC"), "p": ("", "sA"), "t": ("", "C"), "F": ("", "U"), "S": ("", "U"), "T": ("U", "U"),
}  # fmt: skip
_ITEM = re.compile(r"([^=]*)=((?:[a-zA-Z]\*?)*)/(.+)")
_COLUMNS = (
    ("grantor", OID), ("grantee", OID), ("privilege_type", TEXT), ("is_grantable", BOOLEAN),
)  # fmt: skip


def default_rights(kind: str, owner: int) -> ArrayValue:
    """The access list of an object for which none is kept. Raises InvalidParameterValue."""
    found = _DEFAULTS.get(kind)
    if found is None:
        raise InvalidParameterValue(f"unrecognized object type abbreviation: {kind}")
    name = _OWNER if owner == _OWNER_OID else str(owner)
    everybody, own = found
    items = [f"={everybody}/{name}"] if everybody else []
    return array_value([*items, f"{name}={own}/{name}"] if own else items)


def explode_rights(items: ArrayValue) -> Iterator[tuple[int, int, str, bool]]:
    """Each right of each grantee: grantor, grantee, what it is, whether it may be handed on."""
    for item in items.elements:
        match = _ITEM.fullmatch(item or "")
        if match is None:
            raise InvalidTextRepresentation(f'malformed access list item: "{item}"')
        grantee, rights, grantor = match.groups()
        given = {letter: star == "*" for letter, star in re.findall(r"(\w)(\*?)", rights)}
        for letter, name in _RIGHTS.items():
            if letter in given:
                yield _role_oid(grantor), _role_oid(grantee), name, given[letter]


def _role_oid(name: str) -> int:
    """0 stands for everybody."""
    if not name:
        return 0
    if name.isdecimal():
        return int(name)
    if name != _OWNER:
        raise UndefinedObject(f'role "{name}" does not exist')
    return _OWNER_OID


FUNCTIONS: tuple[Function, ...] = (
    Function("acldefault", (INTERNAL_CHAR, OID), array_of(TEXT), default_rights),
    Function(
        "aclexplode",
        (array_of(TEXT),),
        record_of(_COLUMNS),
        lambda items: list(explode_rights(items)),
        volatility=Volatility.STABLE,
        returns_set=True,
        output_columns=_COLUMNS,
    ),
)
