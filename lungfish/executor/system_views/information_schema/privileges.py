"""Roles and privileges: those of the one owner, and what PostgreSQL grants to everybody where nothing was granted.

GRANT and REVOKE change nothing, so the rows are those of objects without grants.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import PG_CATALOG_OID, SystemView, Table, UserType, View
from lungfish.executor.system_views.asked import is_composite
from lungfish.executor.system_views.information_schema.columns import domains
from lungfish.executor.system_views.information_schema.definition import OWNER, Names, standard_of
from lungfish.executor.system_views.information_schema.listed_routines import listed_routines
from lungfish.executor.system_views.information_schema.relations import listed_relations
from lungfish.executor.system_views.object_names import COLLATIONS

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_TABLE = ("INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_COLUMN = ("INSERT", "SELECT", "UPDATE", "REFERENCES")
# Who has what everybody has, and whether they may pass it on.
_EVERYBODY = (("PUBLIC", "NO"), (OWNER, "YES"))
_GRANT = "grantor, grantee"


def _enabled_roles(context: ExecutionContext) -> Rows:
    yield (OWNER,)


def _table_privileges(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_relations(context.catalog):
        for word in _TABLE:
            with_hierarchy = "YES" if word == "SELECT" else "NO"
            yield OWNER, OWNER, *names.of(item), word, "YES", with_hierarchy


def _column_privileges(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_relations(context.catalog):
        for column in item.columns:
            for word in _COLUMN:
                yield OWNER, OWNER, *names.of(item), column.name, word, "YES"


def _routine_privileges(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_routines(names):
        for grantee, is_grantable in _EVERYBODY:
            yield OWNER, grantee, *item.specific(names), *names.of(item), "EXECUTE", is_grantable


def _type_privileges(context: ExecutionContext) -> Rows:
    """Of composite types, those of the rows of relations among them."""
    names = Names(context)
    for item in context.catalog.objects():
        if isinstance(item, UserType) and not is_composite(item):
            continue
        if isinstance(item, (UserType, Table, View, SystemView)):
            for grantee, is_grantable in _EVERYBODY:
                yield OWNER, grantee, *names.of(item), "TYPE USAGE", is_grantable


def _usage_privileges(context: ExecutionContext) -> Rows:
    """Of collations and domains; PostgreSQL lists no sequence to which nothing was granted."""
    names = Names(context)
    for name in COLLATIONS.values():
        full = names.within(PG_CATALOG_OID, name)
        yield OWNER, "PUBLIC", *full, "COLLATION", "USAGE", "NO"
    for domain, _ in domains(names):
        for grantee, is_grantable in _EVERYBODY:
            yield OWNER, grantee, *names.of(domain), "DOMAIN", "USAGE", is_grantable


_TABLE_COLUMNS = f"{_GRANT}, table*, privilege_type varchar, is_grantable flag, with_hierarchy flag"
_COLUMN_COLUMNS = f"{_GRANT}, table*, column_name, privilege_type varchar, is_grantable flag"
_ROUTINE_COLUMNS = f"{_GRANT}, specific*, routine*, privilege_type varchar, is_grantable flag"
_TYPE_COLUMNS = f"{_GRANT}, udt*, privilege_type varchar, is_grantable flag"
_USAGE_COLUMNS = (
    f"{_GRANT}, object*, object_type varchar, privilege_type varchar, is_grantable flag"
)
_ROLE_COLUMNS = "grantee, role_name, is_grantable flag"

# The one role is enabled and grants everything, so the views of what enabled roles grant have the same rows.
PRIVILEGE_VIEWS: tuple[SystemView, ...] = (
    standard_of(12233, "enabled_roles", "role_name", _enabled_roles),
    # No role is a member of another.
    standard_of(12234, "applicable_roles", _ROLE_COLUMNS),
    standard_of(12235, "administrable_role_authorizations", _ROLE_COLUMNS),
    standard_of(12236, "table_privileges", _TABLE_COLUMNS, _table_privileges),
    standard_of(12237, "role_table_grants", _TABLE_COLUMNS, _table_privileges),
    standard_of(12238, "column_privileges", _COLUMN_COLUMNS, _column_privileges),
    standard_of(12239, "role_column_grants", _COLUMN_COLUMNS, _column_privileges),
    standard_of(12240, "routine_privileges", _ROUTINE_COLUMNS, _routine_privileges),
    standard_of(12241, "role_routine_grants", _ROUTINE_COLUMNS, _routine_privileges),
    standard_of(12242, "udt_privileges", _TYPE_COLUMNS, _type_privileges),
    standard_of(12243, "role_udt_grants", _TYPE_COLUMNS, _type_privileges),
    standard_of(12244, "usage_privileges", _USAGE_COLUMNS, _usage_privileges),
    standard_of(12245, "role_usage_grants", _USAGE_COLUMNS, _usage_privileges),
)
