"""has_table_privilege and its kin, pg_has_role: what a user may do with an object.

What is answered for whom is in `executor/system_views/privileges.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.sql_type import BOOLEAN, NAME, OID, SMALLINT, TEXT, SqlType

# What stands in has_..._privilege.
OBJECT_KINDS = (
    "table", "any_column", "column", "sequence", "schema", "database", "function", "type", "language", "tablespace",
    "foreign_data_wrapper", "server", "largeobject", "parameter",
)  # fmt: skip


# By what objects are named that are not named by both a text and an oid.
_NAMED_BY = {"largeobject": (OID,), "parameter": (TEXT,)}


def _asking(name: str, arguments: tuple[SqlType, ...], *, has_user: bool) -> Function:
    def ask(context: FunctionContext, *values: Any) -> Any:
        return context.ask_catalog(name, values if has_user else (None, *values))

    return Function(name, arguments, BOOLEAN, ask, volatility=Volatility.STABLE, needs_context=True)


def _of_objects() -> Iterator[Function]:
    for kind in OBJECT_KINDS:
        name = f"has_{kind}_privilege"
        for named_by in _NAMED_BY.get(kind, (TEXT, OID)):
            for column in (TEXT, SMALLINT) if kind == "column" else (None,):
                asked = (named_by, TEXT) if column is None else (named_by, column, TEXT)
                yield _asking(name, asked, has_user=False)
                for user in (NAME, OID):
                    yield _asking(name, (user, *asked), has_user=True)


def _of_roles() -> Iterator[Function]:
    for role in (NAME, OID):
        yield _asking("pg_has_role", (role, TEXT), has_user=False)
        for user in (NAME, OID):
            yield _asking("pg_has_role", (user, role, TEXT), has_user=True)


PRIVILEGE_FUNCTIONS: tuple[Function, ...] = (*_of_objects(), *_of_roles())
