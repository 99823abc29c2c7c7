"""GRANT, REVOKE and ALTER ... OWNER TO."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.rights import ChangeObjectOwner, Grant, NamedObject, Role, SecurityLabel
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
    "OBJECT_AGGREGATE": "aggregate", "OBJECT_LANGUAGE": "language", "OBJECT_PROCEDURE": "procedure", "OBJECT_ROUTINE": "routine",
    "OBJECT_SCHEMA": "schema", "OBJECT_SEQUENCE": "sequence", "OBJECT_STATISTIC_EXT": "statistics",
    "OBJECT_TABLE": "table", "OBJECT_TABLESPACE": "tablespace", "OBJECT_TYPE": "type",
}  # fmt: skip


# What OWNER TO calls by their own names.
_ROUTINES = {
    "OBJECT_AGGREGATE": "aggregate", "OBJECT_PROCEDURE": "procedure", "OBJECT_ROUTINE": "routine",
}  # fmt: skip


def _kind(tag: str, statement: str, position: int) -> str:
    kind = _KINDS.get(tag)
    if kind is None:
        word = tag.removeprefix("OBJECT_").replace("_", " ")
        raise_unsupported(f"{statement} {word}", position)
    return kind


def lower_role(fields: Node) -> Role:
    """A role as statements name it."""
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


def lower_grant(fields: Node, _lowering: Lowering) -> Grant:
    """GRANT or REVOKE, also inside ALTER DEFAULT PRIVILEGES, where it names no objects."""
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
        in_schemas=fields["targtype"] == "ACL_TARGET_ALL_IN_SCHEMA",
        of_option=fields.get("grant_option", False),
        grantor=lower_role(fields["grantor"]) if "grantor" in fields else None,
        position=position,
    )


def lower_owner(fields: Node) -> ChangeObjectOwner:
    """ALTER ... OWNER TO."""
    role = lower_role(fields["newowner"])
    kind = _ROUTINES.get(fields["objectType"])
    if kind is None:
        kind = _kind(fields["objectType"], "OWNER TO of", role.position)
    return ChangeObjectOwner(kind, _object(fields["object"]), role, role.position)


def _lower_label(fields: Node, _lowering: Lowering) -> SecurityLabel:
    return SecurityLabel(fields.get("provider"))


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "GrantStmt": lower_grant,
        "SecLabelStmt": _lower_label,
    }
)
