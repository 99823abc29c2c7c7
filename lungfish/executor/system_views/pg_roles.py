"""Roles: there is one user, who owns everything, under each of the names that PostgreSQL has for lists of users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.definition import catalog_of

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_OWNER_OID = 10
_OWNER = "lungfish"
_USER_COLUMNS = (
    "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd text,"
    " valuntil timestamptz, useconfig text[]"
)


def _authorizations(context: ExecutionContext) -> Rows:
    yield _OWNER_OID, _OWNER, True, True, True, True, True, False, True, -1, None, None


def _roles(context: ExecutionContext) -> Rows:
    yield _OWNER, True, True, True, True, True, False, -1, "********", None, True, None, _OWNER_OID


def _users(context: ExecutionContext) -> Rows:
    yield _OWNER, _OWNER_OID, True, True, False, True, "********", None, None


def _shadows(context: ExecutionContext) -> Rows:
    yield _OWNER, _OWNER_OID, True, True, False, True, None, None, None


ROLE_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        1260,
        "pg_authid",
        "oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool,"
        " rolcanlogin bool, rolreplication bool, rolbypassrls bool, rolconnlimit int4, rolpassword text,"
        " rolvaliduntil timestamptz",
        _authorizations,
    ),
    catalog_of(
        12105,
        "pg_roles",
        "rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, rolcanlogin bool,"
        " rolreplication bool, rolconnlimit int4, rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool,"
        " rolconfig text[], oid oid",
        _roles,
    ),
    catalog_of(12110, "pg_user", _USER_COLUMNS, _users),
    catalog_of(12111, "pg_shadow", _USER_COLUMNS, _shadows),
    catalog_of(12112, "pg_group", "groname name, grosysid oid, grolist oid[]"),
)
