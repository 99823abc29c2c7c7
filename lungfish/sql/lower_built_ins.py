"""DROP OPERATOR, CAST, LANGUAGE and their kin."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.sql.ast.built_ins import BuiltInName, DropBuiltIn
from lungfish.sql.libpg import Node
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import Lowering, StatementRule, name_without_catalog, strings

_KINDS: Mapping[str, str] = {
    "OBJECT_ACCESS_METHOD": "access method", "OBJECT_CAST": "cast", "OBJECT_COLLATION": "collation",
    "OBJECT_CONVERSION": "conversion", "OBJECT_LANGUAGE": "language", "OBJECT_OPCLASS": "operator class",
    "OBJECT_OPERATOR": "operator", "OBJECT_OPFAMILY": "operator family",
    "OBJECT_TSCONFIGURATION": "text search configuration", "OBJECT_TSDICTIONARY": "text search dictionary",
    "OBJECT_TSPARSER": "text search parser", "OBJECT_TSTEMPLATE": "text search template",
}  # fmt: skip


def lower_drop_built_in(fields: Node) -> DropBuiltIn | None:
    """The statement, if it drops something of these kinds."""
    kind = _KINDS.get(fields["removeType"])
    if kind is None:
        return None
    objects = tuple([_name(kind, node) for node in fields["objects"]])
    is_cascade = fields["behavior"] == "DROP_CASCADE"
    return DropBuiltIn(kind, objects, fields.get("missing_ok", False), is_cascade)


def _name(kind: str, node: Node) -> BuiltInName:
    ((tag, detail),) = node.items()
    if tag == "String":
        return BuiltInName(detail["sval"])
    if tag == "ObjectWithArgs":
        types = [
            lower_type(each["TypeName"]) if "TypeName" in each else None
            for each in detail.get("objargs", ())
        ]
        *schemas, name = name_without_catalog(detail["objname"])
        return BuiltInName(name, schemas[-1] if schemas else None, tuple(types))
    items = detail["items"]
    if kind == "cast":
        return BuiltInName(types=tuple([lower_type(each["TypeName"]) for each in items]))
    if kind in ("operator class", "operator family"):
        method, *parts = strings(items)
        return BuiltInName(".".join(parts), method=method)
    return BuiltInName(".".join(strings(items)))


def _lower_drop_tablespace(fields: Node, _lowering: Lowering) -> DropBuiltIn:
    names = (BuiltInName(fields["tablespacename"]),)
    return DropBuiltIn("tablespace", names, fields.get("missing_ok", False))


def _lower_drop_subscription(fields: Node, _lowering: Lowering) -> DropBuiltIn:
    names = (BuiltInName(fields["subname"]),)
    return DropBuiltIn("subscription", names, fields.get("missing_ok", False))


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "DropSubscriptionStmt": _lower_drop_subscription,
        "DropTableSpaceStmt": _lower_drop_tablespace,
    }
)
