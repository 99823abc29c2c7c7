"""acldefault and aclexplode: what an object's owner and everybody may do with it while nothing has been granted, and access lists
taken apart.

An access list is an array of texts here, `grantee=rights/grantor` each, as PostgreSQL prints its type aclitem. The names in it are
those of roles, so the catalog is asked: `executor/system_views/access_texts.py` answers.
"""

from __future__ import annotations

from typing import Any

from lungfish.functions.registry import Function, FunctionContext, Volatility, record_of
from lungfish.types.sql_type import BOOLEAN, INTERNAL_CHAR, OID, TEXT, array_of

_COLUMNS = (
    ("grantor", OID), ("grantee", OID), ("privilege_type", TEXT), ("is_grantable", BOOLEAN),
)  # fmt: skip


def _default(context: FunctionContext, kind: Any, owner: Any) -> Any:
    return context.ask_catalog("acldefault", (kind, owner))


def _explode(context: FunctionContext, items: Any) -> Any:
    return context.ask_catalog("aclexplode", (items,))


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "acldefault",
        (INTERNAL_CHAR, OID),
        array_of(TEXT),
        _default,
        volatility=Volatility.STABLE,
        needs_context=True,
    ),
    Function(
        "aclexplode",
        (array_of(TEXT),),
        record_of(_COLUMNS),
        _explode,
        volatility=Volatility.STABLE,
        needs_context=True,
        returns_set=True,
        output_columns=_COLUMNS,
    ),
)
