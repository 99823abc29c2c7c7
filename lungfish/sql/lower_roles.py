"""CREATE, ALTER and DROP ROLE, GRANT of roles, ALTER DEFAULT PRIVILEGES, REASSIGN OWNED and DROP OWNED."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.rights import Role
from lungfish.sql.ast.roles import (
    AlterDefaultPrivileges,
    AlterRole,
    CreateRole,
    DropOwned,
    DropRole,
    GrantRole,
    ReassignOwned,
    RoleOption,
)
from lungfish.sql.libpg import Node
from lungfish.sql.lower_rights import lower_grant, lower_role
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    raise_unsupported,
    strings,
)
from lungfish.types.text_parse import parse_boolean

# What the parser calls the options.
_OPTIONS = {
    "superuser": "superuser", "inherit": "inherit", "createrole": "createrole", "createdb": "createdb",
    "canlogin": "login", "isreplication": "replication", "bypassrls": "bypassrls", "connectionlimit": "connection limit",
    "validUntil": "valid until", "addroleto": "in role", "rolemembers": "role", "adminmembers": "admin", "sysid": "sysid",
    "password": "password",
}  # fmt: skip


def _roles(nodes: list[Node]) -> tuple[Role, ...]:
    return tuple([lower_role(node["RoleSpec"]) for node in nodes])


def _lower_option(node: Node) -> RoleOption:
    fields = node["DefElem"]
    name, position = _OPTIONS[fields["defname"]], fields.get("location", -1)
    argument = fields.get("arg", {})
    if "List" in argument:
        return RoleOption(name, roles=_roles(argument["List"]["items"]), position=position)
    if "Boolean" in argument:
        return RoleOption(name, argument["Boolean"].get("boolval", False), position=position)
    if "Integer" in argument:
        return RoleOption(name, argument["Integer"].get("ival", 0), position=position)
    text = argument["String"].get("sval", "") if "String" in argument else None
    if name == "password" and text is not None:
        # There is no server to log in to, so nothing would ever ask for it.
        raise_unsupported("PASSWORD of a role", position)
    return RoleOption(name, text, position=position)


def _lower_options(fields: Node) -> tuple[RoleOption, ...]:
    options = tuple([_lower_option(node) for node in fields.get("options", ())])
    seen: set[str] = set()
    for option in options:
        if option.name in seen:
            raise errors.SyntaxError("conflicting or redundant options", position=option.position)
        seen.add(option.name)
    return options


def _lower_create_role(fields: Node, _lowering: Lowering) -> CreateRole:
    options = _lower_options(fields)
    is_user = fields["stmt_type"] == "ROLESTMT_USER"
    if is_user and all(option.name != "login" for option in options):
        options = (*options, RoleOption("login", True))
    return CreateRole(fields["role"], options)


def _lower_alter_role(fields: Node, _lowering: Lowering) -> AlterRole:
    role = lower_role(fields["role"])
    return AlterRole(role, _lower_options(fields), fields["action"] < 0, role.position)


def _lower_drop_role(fields: Node, _lowering: Lowering) -> DropRole:
    return DropRole(_roles(fields["roles"]), fields.get("missing_ok", False))


_MEMBERSHIP_OPTIONS = ("admin", "inherit", "set")


def _membership_option(node: Node) -> tuple[str, bool]:
    fields = node["DefElem"]
    name, position = fields["defname"], fields.get("location", -1)
    if name not in _MEMBERSHIP_OPTIONS:
        raise errors.SyntaxError(f'unrecognized role option "{name}"', position=position)
    argument = fields["arg"]
    if "Boolean" in argument:
        return name, argument["Boolean"].get("boolval", False)
    text = argument["String"].get("sval", "")
    try:
        return name, parse_boolean(text)
    except errors.InvalidTextRepresentation:
        raise errors.InvalidParameterValue(
            f'unrecognized value for role option "{name}": "{text}"', position=position
        ) from None


def _lower_grant_role(fields: Node, _lowering: Lowering) -> GrantRole:
    granted = []
    for node in fields["granted_roles"]:
        given = node["AccessPriv"]
        if "cols" in given or "priv_name" not in given:
            raise errors.InvalidGrantOperation(
                "column names cannot be included in GRANT/REVOKE ROLE"
            )
        granted.append(given["priv_name"])
    return GrantRole(
        granted=tuple(granted),
        roles=_roles(fields["grantee_roles"]),
        options=tuple([_membership_option(node) for node in fields.get("opt", ())]),
        grantor=lower_role(fields["grantor"]) if "grantor" in fields else None,
        is_revoke=not fields.get("is_grant", False),
        is_cascade=fields["behavior"] == "DROP_CASCADE",
        position=find_position(fields),
    )


def _lower_default_privileges(fields: Node, lowering: Lowering) -> AlterDefaultPrivileges:
    given: dict[str, list[Node]] = {}
    for node in fields.get("options", ()):
        option = node["DefElem"]
        if option["defname"] in given:
            raise errors.SyntaxError(
                "conflicting or redundant options", position=option.get("location", -1)
            )
        given[option["defname"]] = option["arg"]["List"]["items"]
    return AlterDefaultPrivileges(
        action=lower_grant(fields["action"], lowering),
        roles=_roles(given.get("roles", [])),
        schemas=strings(given.get("schemas", ())),
    )


def _lower_reassign(fields: Node, _lowering: Lowering) -> ReassignOwned:
    return ReassignOwned(_roles(fields["roles"]), lower_role(fields["newrole"]))


def _lower_drop_owned(fields: Node, _lowering: Lowering) -> DropOwned:
    return DropOwned(_roles(fields["roles"]), fields["behavior"] == "DROP_CASCADE")


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "AlterDefaultPrivilegesStmt": _lower_default_privileges,
        "AlterRoleStmt": _lower_alter_role,
        "CreateRoleStmt": _lower_create_role,
        "DropOwnedStmt": _lower_drop_owned,
        "DropRoleStmt": _lower_drop_role,
        "GrantRoleStmt": _lower_grant_role,
        "ReassignOwnedStmt": _lower_reassign,
    }
)
