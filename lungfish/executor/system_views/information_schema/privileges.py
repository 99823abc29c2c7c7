"""Roles and privileges, as the superuser sees them, for whom every role is enabled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.access import ALL_RIGHTS, WORDS
from lungfish.catalog.authority import Authority
from lungfish.catalog.objects import PG_CATALOG_OID, SystemView, Table, UserType, View
from lungfish.catalog.roles import PUBLIC_GRANTEE, SUPERUSER_OID, AccessItem, AccessList
from lungfish.executor.system_views.asked import is_composite
from lungfish.executor.system_views.information_schema.columns import domains
from lungfish.executor.system_views.information_schema.definition import (
    Names,
    standard_of,
    yes_or_no,
)
from lungfish.executor.system_views.information_schema.listed_routines import listed_routines
from lungfish.executor.system_views.information_schema.relations import listed_relations
from lungfish.executor.system_views.object_names import COLLATIONS

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
# The standard has no MAINTAIN.
_NOT_STANDARD = "m"
_GRANT = "grantor, grantee"


class _Grants:
    """The rights of access lists as the views list them."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def of(self, kind: str, oid: int) -> Iterator[tuple[str, str, str, str]]:
        """Grantor, grantee, right, and whether the grantee may pass it on."""
        owner = self._authority.owner_of(kind, oid)
        return self.listed(self._authority.items_of(kind, oid), owner)

    def listed(self, items: AccessList, owner: int) -> Iterator[tuple[str, str, str, str]]:
        """The same of a list."""
        for each in items:
            for letter, word in WORDS.items():
                if letter in each.rights and letter not in _NOT_STANDARD:
                    is_grantable = letter in each.grantable or self._owns(each.grantee, owner)
                    grantor = self._authority.name_of(each.grantor)
                    yield grantor, self._grantee(each), word.upper(), yes_or_no(is_so=is_grantable)

    def _grantee(self, item: AccessItem) -> str:
        if item.grantee == PUBLIC_GRANTEE:
            return "PUBLIC"
        return self._authority.name_of(item.grantee)

    def _owns(self, grantee: int, owner: int) -> bool:
        found = self._authority.role_of_oid(grantee)
        role = self._authority.role_of_oid(owner)
        if found is None or role is None:
            return False
        return self._authority.acts_as(found.oid, role.oid)


def _enabled_roles(context: ExecutionContext) -> Rows:
    for role in context.catalog.authority.roles():
        yield (role.name,)


def _applicable_roles(context: ExecutionContext) -> Rows:
    authority = context.catalog.authority
    for item in authority.memberships():
        member, role = authority.name_of(item.member_oid), authority.name_of(item.role_oid)
        yield member, role, yes_or_no(is_so=item.has_admin)


def _administrable_roles(context: ExecutionContext) -> Rows:
    return (row for row in _applicable_roles(context) if row[-1] == "YES")


def _table_privileges(context: ExecutionContext) -> Rows:
    names, grants = Names(context), _Grants(context.catalog.authority)
    for item in listed_relations(context.catalog):
        for grantor, grantee, word, is_grantable in grants.of("relation", item.oid):
            with_hierarchy = yes_or_no(is_so=word == "SELECT")
            yield grantor, grantee, *names.of(item), word, is_grantable, with_hierarchy


def _column_privileges(context: ExecutionContext) -> Rows:
    """Those of each column, and those of whole relations, each once."""
    authority = context.catalog.authority
    names, grants = Names(context), _Grants(authority)
    words = {WORDS[letter].upper() for letter in ALL_RIGHTS["column"]}
    for item in listed_relations(context.catalog):
        of_all = [row for row in grants.of("relation", item.oid) if row[2] in words]
        rights = authority.rights_of("relation", item.oid)
        for column in item.columns:
            rows = dict.fromkeys(of_all)
            if rights is not None:
                items = rights.items_of_column(column.number) or ()
                rows.update(dict.fromkeys(grants.listed(items, rights.owner_oid)))
            for grantor, grantee, word, is_grantable in rows:
                yield grantor, grantee, *names.of(item), column.name, word, is_grantable


def _routine_privileges(context: ExecutionContext) -> Rows:
    names, grants = Names(context), _Grants(context.catalog.authority)
    for item in listed_routines(names):
        for grantor, grantee, word, is_grantable in grants.of("function", item.oid):
            yield grantor, grantee, *item.specific(names), *names.of(item), word, is_grantable


def _type_privileges(context: ExecutionContext) -> Rows:
    """Of composite types, those of the rows of relations among them."""
    names, grants = Names(context), _Grants(context.catalog.authority)
    for item in context.catalog.objects():
        if isinstance(item, UserType) and not is_composite(item):
            continue
        if isinstance(item, (UserType, Table, View, SystemView)):
            for grantor, grantee, _, is_grantable in grants.of("type", item.oid):
                yield grantor, grantee, *names.of(item), "TYPE USAGE", is_grantable


def _usage_privileges(context: ExecutionContext) -> Rows:
    """Of collations, domains and sequences."""
    authority = context.catalog.authority
    names, grants = Names(context), _Grants(authority)
    for name in COLLATIONS.values():
        full = names.within(PG_CATALOG_OID, name)
        yield authority.name_of(SUPERUSER_OID), "PUBLIC", *full, "COLLATION", "USAGE", "NO"
    for domain, _ in domains(names):
        for grantor, grantee, word, is_grantable in grants.of("type", domain.oid):
            yield grantor, grantee, *names.of(domain), "DOMAIN", word, is_grantable
    for sequence in context.catalog.sequences():
        if authority.kept_items("sequence", sequence.oid) is None:
            # PostgreSQL takes the list of one to which nothing was granted for a table's, which has no USAGE.
            continue
        for grantor, grantee, word, is_grantable in grants.of("sequence", sequence.oid):
            if word == "USAGE":
                yield grantor, grantee, *names.of(sequence), "SEQUENCE", word, is_grantable


_TABLE_COLUMNS = f"{_GRANT}, table*, privilege_type varchar, is_grantable flag, with_hierarchy flag"
_COLUMN_COLUMNS = f"{_GRANT}, table*, column_name, privilege_type varchar, is_grantable flag"
_ROUTINE_COLUMNS = f"{_GRANT}, specific*, routine*, privilege_type varchar, is_grantable flag"
_TYPE_COLUMNS = f"{_GRANT}, udt*, privilege_type varchar, is_grantable flag"
_USAGE_COLUMNS = (
    f"{_GRANT}, object*, object_type varchar, privilege_type varchar, is_grantable flag"
)
_ROLE_COLUMNS = "grantee, role_name, is_grantable flag"

# Every role is enabled and may have granted something, so the views of what enabled roles grant have the same rows.
PRIVILEGE_VIEWS: tuple[SystemView, ...] = (
    standard_of(12233, "enabled_roles", "role_name", _enabled_roles),
    standard_of(12234, "applicable_roles", _ROLE_COLUMNS, _applicable_roles),
    standard_of(12235, "administrable_role_authorizations", _ROLE_COLUMNS, _administrable_roles),
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
