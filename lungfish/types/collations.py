"""The collations that there are, and which types have one.

All of them order texts by code points, so a collation never decides what comes first. What it does decide: which letters
`upper`, `lower`, ILIKE and regular expressions know ("C", "POSIX" and ucs_basic: those of ASCII only), and, where two collations
meet, whether there is an answer at all (planner/derive_collations.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lungfish import errors
from lungfish.types.sql_type import SqlType, TypeKind

DEFAULT_COLLATION = "default"
# By name: PostgreSQL's oids.
COLLATION_OIDS = {
    "default": 100,
    "C": 950,
    "POSIX": 951,
    "ucs_basic": 962,
    "pg_c_utf8": 811,
    "pg_unicode_fast": 6411,
}
# Collations that know no letters but ASCII's.
ASCII_COLLATIONS = frozenset({"C", "POSIX", "ucs_basic"})
FULL_MAPPING_COLLATION = "pg_unicode_fast"
# PostgreSQL always has it, and refuses it where it was built without ICU.
_ICU_NAME = "unicode"

_COLLATED = frozenset({TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.CHAR})


def collation_of_type(type_: SqlType) -> str | None:
    """The collation of values of the type of which nothing else is known; None if the type has none. Domains' own ones are the
    catalog's to tell."""
    while type_.kind is TypeKind.ARRAY and type_.element is not None:
        type_ = type_.element
    if type_.kind in _COLLATED:
        return DEFAULT_COLLATION
    return "C" if type_.kind is TypeKind.NAME else None


def collation_of_column(
    parts: Sequence[str], type_: SqlType, has_schema: Callable[[str], bool], position: int
) -> str | None:
    """What COLLATE says behind a column or a key of that type; None if it says nothing new. Raises as `find_collation`, and
    DatatypeMismatch for types that have none."""
    if not parts:
        return None
    name = find_collation(parts, has_schema, position)
    own = collation_of_type(type_)
    if own is None:
        raise errors.DatatypeMismatch(f"collations are not supported by type {type_}").at(position)
    return None if name == own else name


def find_collation(
    parts: Sequence[str], has_schema: Callable[[str], bool], position: int = -1
) -> str:
    """The collation that a name without a catalog means. Raises UndefinedObject, InvalidSchemaName, FeatureNotSupported."""
    name = parts[-1]
    is_built_in = len(parts) == 1 or parts[0] == "pg_catalog"
    if is_built_in and name in COLLATION_OIDS:
        return name
    if is_built_in and name == _ICU_NAME:
        raise errors.FeatureNotSupported("ICU is not supported in this build").at(position)
    if not is_built_in and not has_schema(parts[0]):
        raise errors.InvalidSchemaName(f'schema "{parts[0]}" does not exist').at(position)
    shown = ".".join(parts)
    raise errors.UndefinedObject(f'collation "{shown}" for encoding "UTF8" does not exist').at(
        position
    )
