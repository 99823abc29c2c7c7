"""GRANT, REVOKE and ALTER ... OWNER TO."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.rights import (
    AlterDefaultPrivileges,
    ChangeObjectOwner,
    Grant,
    GrantRole,
    NamedObject,
    OwnedObjects,
    Role,
    SecurityLabel,
)
from lungfish.sql.libpg import Node
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    name_without_catalog,
    object_name,
    object_name_of,
    raise_unsupported,
    strings,
)

_KINDS = {
    "OBJECT_COLUMN": "table", "OBJECT_DATABASE": "database", "OBJECT_DOMAIN": "domain", "OBJECT_FUNCTION": "function",
    "OBJECT_LANGUAGE": "language", "OBJECT_PROCEDURE": "function", "OBJECT_ROUTINE": "function",
    "OBJECT_SCHEMA": "schema", "OBJECT_SEQUENCE": "sequence", "OBJECT_STATISTIC_EXT": "statistics",
    "OBJECT_TABLE": "table", "OBJECT_TABLESPACE": "tablespace", "OBJECT_TYPE": "type",
}  # fmt: skip


def _kind(tag: str, statement: str, position: int) -> str:
    kind = _KINDS.get(tag)
    if kind is None:
        word = tag.removeprefix("OBJECT_").replace("_", " ")
        raise_unsupported(f"{statement} {word}", position)
    return kind


def lower_role(fields: Node) -> Role:
    """A role as a statement names it."""
    kind, position = fields["roletype"], fields.get("location", -1)
    if kind == "ROLESPEC_PUBLIC":
        return Role(None, True, position)
    return Role(fields.get("rolename"), False, position)


def _object(node: Node) -> NamedObject:
    """An object in any of the forms that these statements keep it in."""
    ((tag, detail),) = node.items()
    match tag:
        case "RangeVar":
            return NamedObject(object_name(detail))
        case "String":
            return NamedObject(ObjectName(detail["sval"]))
        case "ObjectWithArgs":
            name = object_name_of(name_without_catalog(detail["objname"]))
            if detail.get("args_unspecified", False):
                return NamedObject(name)
            types = [lower_type(each["TypeName"]) for each in detail.get("objargs", ())]
            return NamedObject(name, tuple(types))
        case "TypeName":
            kind = lower_type(detail)
            return NamedObject(ObjectName(kind.name, kind.schema, kind.position))
        case _:
            return NamedObject(object_name_of(strings(detail["items"])))


def _lower_grant(fields: Node, _lowering: Lowering) -> Grant:
    position = find_position(fields)
    verb = "GRANT ON" if fields.get("is_grant", False) else "REVOKE ON"
    privileges = []
    for node in fields.get("privileges", ()):
        given = node["AccessPriv"]
        privileges.append((given.get("priv_name", "all"), strings(given.get("cols", ()))))
    return Grant(
        kind=_kind(fields["objtype"], verb, position),
        objects=tuple([_object(node) for node in fields.get("objects", ())]),
        privileges=tuple(privileges),
        roles=tuple([lower_role(node["RoleSpec"]) for node in fields["grantees"]]),
        is_revoke=not fields.get("is_grant", False),
        is_grantable=fields.get("grant_option", False),
        in_schemas=fields["targtype"] == "ACL_TARGET_ALL_IN_SCHEMA",
        position=position,
    )


def _lower_grant_role(fields: Node, _lowering: Lowering) -> GrantRole:
    granted = [node["AccessPriv"].get("priv_name", "") for node in fields["granted_roles"]]
    return GrantRole(tuple(granted), not fields.get("is_grant", False), find_position(fields))


def _lower_owner(fields: Node, _lowering: Lowering) -> ChangeObjectOwner:
    role = lower_role(fields["newowner"])
    kind = _kind(fields["objectType"], "OWNER TO of", role.position)
    return ChangeObjectOwner(kind, _object(fields["object"]), role, role.position)


def _roles(nodes: Iterable[Node]) -> tuple[Role, ...]:
    return tuple([lower_role(node["RoleSpec"]) for node in nodes])


def _lower_default_privileges(fields: Node, lowering: Lowering) -> AlterDefaultPrivileges:
    grant = _lower_grant(fields["action"], lowering)
    schemas: tuple[str, ...] = ()
    owners: tuple[Role, ...] = ()
    for node in fields.get("options", ()):
        option = node["DefElem"]
        items = option["arg"]["List"]["items"]
        if option["defname"] == "schemas":
            schemas = strings(items)
        else:
            owners = _roles(items)
    return AlterDefaultPrivileges(grant, schemas, owners)


def _lower_reassign(fields: Node, _lowering: Lowering) -> OwnedObjects:
    return OwnedObjects(_roles(fields["roles"]), lower_role(fields["newrole"]))


def _lower_drop_owned(fields: Node, _lowering: Lowering) -> OwnedObjects:
    return OwnedObjects(_roles(fields["roles"]))


def _lower_label(fields: Node, _lowering: Lowering) -> SecurityLabel:
    return SecurityLabel(fields.get("provider"))


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "AlterDefaultPrivilegesStmt": _lower_default_privileges,
        "AlterOwnerStmt": _lower_owner,
        "DropOwnedStmt": _lower_drop_owned,
        "GrantRoleStmt": _lower_grant_role,
        "GrantStmt": _lower_grant,
        "ReassignOwnedStmt": _lower_reassign,
        "SecLabelStmt": _lower_label,
    }
)
