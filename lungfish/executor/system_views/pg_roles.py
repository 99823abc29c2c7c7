"""Roles, memberships and default privileges, under each of the names that PostgreSQL has for lists of users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import FIRST_USER_OID, Oid, SystemView
from lungfish.catalog.roles import AccessList, Role
from lungfish.executor.system_views.access_texts import access_text
from lungfish.executor.system_views.definition import catalog_of
from lungfish.executor.system_views.role_descriptions import CLASS_OF_KIND
from lungfish.types.array_value import array_value

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_ROLE_CLASS, _DEFAULTS_CLASS, _MEMBERS_CLASS = 1260, 826, 1261
# The database's oid; what all databases of a server would share is in none.
_DATABASE, _SHARED = 1, 0
_HIDDEN = "********"
_LETTERS = {"relation": "r", "sequence": "S", "function": "f", "type": "T", "schema": "n"}
_USER_COLUMNS = (
    "usename name, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, usebypassrls bool, passwd text,"
    " valuntil timestamptz, useconfig text[]"
)


def _authorizations(context: ExecutionContext) -> Rows:
    for role in context.catalog.authority.roles():
        yield (
            role.oid, role.name, role.is_superuser, role.inherits, role.may_create_roles, role.may_create_databases,
            role.may_log_in, role.may_replicate, role.bypasses_row_security, role.connection_limit, None, role.valid_until,
        )  # fmt: skip


def _roles(context: ExecutionContext) -> Rows:
    for role in context.catalog.authority.roles():
        yield (
            role.name, role.is_superuser, role.inherits, role.may_create_roles, role.may_create_databases, role.may_log_in,
            role.may_replicate, role.connection_limit, _HIDDEN, role.valid_until, role.bypasses_row_security, None, role.oid,
        )  # fmt: skip


def _user(role: Role, password: str | None) -> tuple[Any, ...]:
    return (
        role.name, role.oid, role.may_create_databases, role.is_superuser, role.may_replicate, role.bypasses_row_security,
        password, role.valid_until, None,
    )  # fmt: skip


def _users(context: ExecutionContext) -> Rows:
    for role in context.catalog.authority.roles():
        if role.may_log_in:
            yield _user(role, _HIDDEN)


def _shadows(context: ExecutionContext) -> Rows:
    for role in context.catalog.authority.roles():
        if role.may_log_in:
            yield _user(role, None)


def _groups(context: ExecutionContext) -> Rows:
    authority = context.catalog.authority
    for role in authority.roles():
        if not role.may_log_in:
            members = [
                item.member_oid for item in authority.memberships() if item.role_oid == role.oid
            ]
            yield role.name, role.oid, array_value(list(members))


def _members(context: ExecutionContext) -> Rows:
    for item in context.catalog.authority.memberships():
        yield (
            item.oid, item.role_oid, item.member_oid, item.grantor_oid, item.has_admin, item.inherits, item.can_set,
        )  # fmt: skip


def _default_rights(context: ExecutionContext) -> Rows:
    authority = context.catalog.authority
    for item in authority.default_rights:
        shown = access_text(authority, item.items)
        yield item.oid, item.role_oid, item.namespace_oid or 0, _LETTERS[item.kind], shown


def _role_comments(context: ExecutionContext) -> Rows:
    for role in context.catalog.authority.roles():
        if role.comment is not None:
            yield role.oid, _ROLE_CLASS, role.comment


def _dependencies(context: ExecutionContext) -> Rows:
    """What keeps roles from being dropped. Nothing is said of those that are always there."""
    authority = context.catalog.authority
    known = {role.oid for role in authority.roles() if role.oid >= FIRST_USER_OID}
    for rights in authority.all_rights():
        what = (_DATABASE if rights.kind != "database" else _SHARED, CLASS_OF_KIND[rights.kind], rights.object_oid)  # fmt: skip
        if rights.owner_oid in known:
            yield *what, 0, _ROLE_CLASS, rights.owner_oid, "o"
        for number, items in ((0, rights.items or ()), *rights.column_items):
            for role in _mentioned(items, rights.owner_oid):
                if role in known:
                    yield *what, number, _ROLE_CLASS, role, "a"
    for default in authority.default_rights:
        what = (_DATABASE, _DEFAULTS_CLASS, default.oid)
        if default.role_oid in known:
            yield *what, 0, _ROLE_CLASS, default.role_oid, "o"
        for role in _mentioned(default.items, default.role_oid):
            if role in known:
                yield *what, 0, _ROLE_CLASS, role, "a"


def _mentioned(items: AccessList, owner: Oid) -> list[Oid]:
    return sorted({role for each in items for role in (each.grantee, each.grantor)} - {owner})


ROLE_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        _ROLE_CLASS,
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
    catalog_of(12112, "pg_group", "groname name, grosysid oid, grolist oid[]", _groups),
    catalog_of(
        _MEMBERS_CLASS,
        "pg_auth_members",
        "oid oid, roleid oid, member oid, grantor oid, admin_option bool, inherit_option bool, set_option bool",
        _members,
    ),
    catalog_of(
        _DEFAULTS_CLASS,
        "pg_default_acl",
        "oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype char, defaclacl acl",
        _default_rights,
    ),
    catalog_of(
        2396, "pg_shdescription", "objoid oid, classoid oid, description text", _role_comments
    ),
    catalog_of(
        1214,
        "pg_shdepend",
        "dbid oid, classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, deptype char",
        _dependencies,
    ),
)
