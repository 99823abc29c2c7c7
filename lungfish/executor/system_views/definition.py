"""How a system view is written down: a name, columns, and the function that makes its rows.

A view's oid is fixed here for ever, because stored views remember the oids of what they use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import PG_CATALOG_OID, Column, Oid, SystemView
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    DOUBLE,
    INT2VECTOR,
    INTEGER,
    INTERNAL_CHAR,
    INTERVAL,
    NAME,
    NUMERIC,
    OID,
    OIDVECTOR,
    PG_LSN,
    REAL,
    SMALLINT,
    TEXT,
    TIMESTAMPTZ,
    VARCHAR,
    SqlType,
    TypeKind,
    array_of,
)
from lungfish.types.type_oids import registered_type

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Callable[["ExecutionContext"], Iterable[tuple[Any, ...]]]


def system_view(
    oid: int, name: str, namespace_oid: Oid, columns: Sequence[tuple[str, SqlType]], rows: Rows
) -> SystemView:
    """A system view with those columns."""
    return SystemView(
        Oid(oid),
        name,
        namespace_oid,
        tuple(
            Column(column, kind, number) for number, (column, kind) in enumerate(columns, start=1)
        ),
        rows,
    )


def owner_name(context: ExecutionContext, kind: str, oid: int) -> str:
    """The name of the role that an object belongs to."""
    authority = context.catalog.authority
    return authority.name_of(authority.owner_of(kind, oid))


_NAMED = {
    "acl": array_of(TEXT), "anyarray": TEXT, "bool": BOOLEAN, "bytea": BYTEA, "char": INTERNAL_CHAR, "inet": TEXT, "int2": SMALLINT, "int4": INTEGER, "int8": BIGINT,
    "float4": REAL, "float8": DOUBLE, "numeric": NUMERIC, "xid": BIGINT, "int2vector": INT2VECTOR, "interval": INTERVAL, "name": NAME, "oid": OID, "oidvector": OIDVECTOR,
    "regproc": registered_type("regproc"), "regtype": registered_type("regtype"), "text": TEXT, "tree": TEXT,
    "timestamptz": TIMESTAMPTZ, "pg_lsn": PG_LSN, "varchar": VARCHAR, "flag": SqlType(TypeKind.VARCHAR, (3,)),
}  # fmt: skip


def columns_of(text: str) -> tuple[tuple[str, SqlType], ...]:
    """Columns written as `name type, name type[], ...`; `flag` is what says YES or NO.

    Some of PostgreSQL's types are others here: `acl` (aclitem[], whose values nobody sets), `tree` (pg_node_tree: an expression,
    which is kept as its SQL and read by pg_get_expr), `inet` and `anyarray`, of which there are no values, are text, and `xid` is
    bigint.
    """
    found = []
    for part in text.split(","):
        name, kind = part.split()
        element = _NAMED[kind.removesuffix("[]")]
        found.append((name, array_of(element) if kind.endswith("[]") else element))
    return tuple(found)


def catalog_of(
    oid: int, name: str, columns: str, rows: Rows = lambda context: iter(())
) -> SystemView:
    """A view of pg_catalog with its columns as `columns_of` reads them; without rows where Lungfish has nothing of the kind."""
    return system_view(oid, name, PG_CATALOG_OID, columns_of(columns), rows)
