"""CREATE, ALTER, DROP and RENAME of roles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lungfish.catalog.objects import FIRST_USER_OID, Oid
from lungfish.catalog.roles import SUPERUSER_OID, Role
from lungfish.errors import (
    DependentObjectsStillExist,
    DuplicateObject,
    FeatureNotSupported,
    InvalidParameterValue,
    ObjectInUse,
    ReservedName,
    UndefinedObject,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.find_roles import find_role
from lungfish.executor.ddl.memberships import MembershipOptions, add_members, remove_members
from lungfish.executor.ddl.role_users import described_users
from lungfish.sql.ast import rights as syntax
from lungfish.sql.ast.ddl import Comment, Rename
from lungfish.sql.ast.roles import AlterRole, CreateRole, DropRole, RoleOption
from lungfish.sql.quoting import quote_literal

# The attributes that are on or off, by the names of their options.
_SWITCHES = {
    "superuser": "is_superuser", "inherit": "inherits", "createrole": "may_create_roles", "createdb": "may_create_databases",
    "login": "may_log_in", "replication": "may_replicate", "bypassrls": "bypasses_row_security",
}  # fmt: skip
_PREFIX = "pg_"
_RESERVED = 'Role names starting with "pg_" are reserved.'


def create_role(context: DdlContext, statement: CreateRole) -> str:
    """Run CREATE ROLE, USER or GROUP; answers the command tag."""
    _refuse_reserved(statement.name, _RESERVED)
    role = _with_attributes(context, Role(Oid(0), statement.name), statement.options)
    if context.authority.role(statement.name) is not None:
        raise DuplicateObject(f'role "{statement.name}" already exists')
    made = replace(role, oid=context.change.new_oid())
    context.change.put_role_object(made)
    for option in statement.options:
        for named in option.roles if option.name == "in role" else ():
            add_members(context, find_role(context, named), [made], MembershipOptions())
    for option in statement.options:
        if option.name in ("role", "admin"):
            members = [find_role(context, each) for each in option.roles]
            has_admin = True if option.name == "admin" else None
            add_members(context, made, members, MembershipOptions(admin=has_admin))
        elif option.name == "sysid":
            context.runner.notice("SYSID can no longer be specified")
    return "CREATE ROLE"


def alter_role(context: DdlContext, statement: AlterRole) -> str:
    """Run ALTER ROLE, also ALTER GROUP ADD and DROP USER; answers the command tag."""
    role = find_role(context, statement.role)
    if statement.role.name is not None:
        _refuse_reserved(role.name, "Cannot alter reserved roles.")
    changed = _with_attributes(context, role, statement.options)
    if role.oid == SUPERUSER_OID and not changed.is_superuser:
        raise FeatureNotSupported(
            "permission denied to alter role",
            detail="The bootstrap superuser must have the SUPERUSER attribute.",
        )
    if changed != role:
        context.change.put_role_object(changed)
    for option in statement.options:
        members = [find_role(context, each) for each in option.roles]
        if members and statement.is_drop:
            remove_members(context, role, members, MembershipOptions())
        elif members:
            add_members(context, role, members, MembershipOptions())
    return "ALTER ROLE"


def rename_role(context: DdlContext, statement: Rename) -> str:
    """Run ALTER ROLE RENAME; answers the command tag."""
    role = context.authority.role(statement.name.name)
    if role is None:
        raise UndefinedObject(f'role "{statement.name.name}" does not exist')
    if role.oid == SUPERUSER_OID:
        raise FeatureNotSupported("session user cannot be renamed")
    _refuse_reserved(role.name, _RESERVED)
    _refuse_reserved(statement.new_name, _RESERVED)
    if context.authority.role(statement.new_name) is not None:
        raise DuplicateObject(f'role "{statement.new_name}" already exists')
    context.change.put_role_object(replace(role, name=statement.new_name))
    return "ALTER ROLE"


def comment_role(context: DdlContext, statement: Comment) -> None:
    """Run COMMENT ON ROLE."""
    role = find_role(context, syntax.Role(statement.name.name))
    context.change.put_role_object(replace(role, comment=statement.text))


def drop_role(context: DdlContext, statement: DropRole) -> str:
    """Run DROP ROLE, USER or GROUP; answers the command tag. What a role owns or was granted stops its drop."""
    found = [role for each in statement.roles if (role := _find_dropped(context, each, statement))]
    gone = {role.oid for role in found}
    links = [
        item.oid
        for item in context.authority.memberships()
        if item.role_oid in gone or item.member_oid in gone
    ]
    if links:
        context.change.remove_role_objects(links)
    for role in found:
        users = described_users(context, role)
        if users:
            raise DependentObjectsStillExist(
                f'role "{role.name}" cannot be dropped because some objects depend on it',
                detail="\n".join(users),
            )
    if gone:
        context.change.remove_role_objects(gone)
    return "DROP ROLE"


def _find_dropped(context: DdlContext, named: syntax.Role, statement: DropRole) -> Role | None:
    if named.name is None:
        raise InvalidParameterValue("cannot use special role specifier in DROP ROLE")
    role = context.authority.role(named.name)
    if role is None:
        if not statement.if_exists:
            raise UndefinedObject(f'role "{named.name}" does not exist')
        context.runner.notice(f'role "{named.name}" does not exist, skipping')
        return None
    if role.oid == SUPERUSER_OID:
        raise ObjectInUse("current user cannot be dropped")
    if role.oid < FIRST_USER_OID:
        raise DependentObjectsStillExist(
            f"cannot drop role {role.name} because it is required by the database system"
        )
    return role


def _refuse_reserved(name: str, detail: str) -> None:
    if name.startswith(_PREFIX):
        raise ReservedName(f'role name "{name}" is reserved', detail=detail)


def _with_attributes(context: DdlContext, role: Role, options: Iterable[RoleOption]) -> Role:
    changes: dict[str, Any] = {}
    for option in options:
        value = option.value
        if option.name in _SWITCHES:
            changes[_SWITCHES[option.name]] = bool(value)
        elif option.name == "connection limit":
            limit = int(value or 0)
            if limit < -1:
                raise InvalidParameterValue(f"invalid connection limit: {limit}")
            changes["connection_limit"] = limit
        elif option.name == "valid until":
            ((until,),) = context.runner.query(
                f"SELECT CAST({quote_literal(str(value))} AS timestamptz)"
            )
            changes["valid_until"] = until
    return replace(role, **changes)
