"""REINDEX, CLUSTER, and DROP of what Lungfish never has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish import errors
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.relation_options import Cluster
from lungfish.sql.ast.upkeep import CreateExtension, DropAbsent, Reindex
from lungfish.sql.libpg import Node
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    object_name,
    object_name_of,
    raise_unsupported,
    require_only,
    strings,
)
from lungfish.sql.tablespaces import check_tablespace

# Kinds of objects that cannot be made, so none is ever there to be dropped. The first belong to a relation.
_OF_RELATIONS: Mapping[str, str] = {
    "OBJECT_POLICY": "policy",
    "OBJECT_TRIGGER": "trigger",
}
_BARE: Mapping[str, str] = {
    "OBJECT_EVENT_TRIGGER": "event trigger",
    "OBJECT_EXTENSION": "extension",
    "OBJECT_FDW": "foreign-data wrapper",
    "OBJECT_FOREIGN_SERVER": "server",
    "OBJECT_PUBLICATION": "publication",
}


def absent_kind(tag: str) -> str | None:
    """The word for objects of a kind that there are none of."""
    return _BARE.get(tag) or _OF_RELATIONS.get(tag)


def lower_drop_absent(fields: Node) -> DropAbsent | None:
    """The statement, if it drops something of these kinds."""
    kind = _BARE.get(fields["removeType"])
    if_exists = fields.get("missing_ok", False)
    if kind is not None:
        names = tuple([node["String"]["sval"] for node in fields["objects"]])
        return DropAbsent(kind, names, if_exists=if_exists)
    kind = _OF_RELATIONS.get(fields["removeType"])
    if kind is None:
        return None
    *relation, name = strings(fields["objects"][0]["List"]["items"])
    return DropAbsent(kind, (name,), object_name_of(tuple(relation)), if_exists)


def _lower_reindex(fields: Node, _lowering: Lowering) -> Reindex:
    kind = fields["kind"].removeprefix("REINDEX_OBJECT_").lower()
    options = [node["DefElem"]["defname"] for node in fields.get("params", ())]
    for node in fields.get("params", ()):
        if node["DefElem"]["defname"] == "tablespace":
            check_tablespace(node["DefElem"]["arg"]["String"]["sval"])
    for option in options:
        if option not in ("concurrently", "verbose", "tablespace"):
            raise_unsupported(f"REINDEX ({option.upper()})")
    name = None
    if "relation" in fields:
        name = object_name(fields["relation"])
    elif "name" in fields:
        name = ObjectName(fields["name"])
    position = -1 if name is None else name.position
    return Reindex(kind, name, "concurrently" in options, position)


_CLUSTER_FIELDS = frozenset({"relation", "indexname", "params"})


def _lower_cluster(fields: Node, _lowering: Lowering) -> Cluster:
    require_only(fields, _CLUSTER_FIELDS)
    for node in fields.get("params", ()):
        option = node["DefElem"]
        if option["defname"] != "verbose":
            raise errors.SyntaxError(
                f'unrecognized CLUSTER option "{option["defname"]}"',
                position=option.get("location", -1),
            )
    name = object_name(fields["relation"]) if "relation" in fields else None
    position = -1 if name is None else name.position
    return Cluster(name, fields.get("indexname"), position)


# Extensions that only bring operator classes: what they are for works without them.
_BUILT_IN_EXTENSIONS = frozenset({"btree_gist", "btree_gin"})


def _lower_create_extension(fields: Node, _lowering: Lowering) -> CreateExtension:
    name = fields["extname"]
    if name not in _BUILT_IN_EXTENSIONS:
        raise_unsupported("CREATE EXTENSION")
    return CreateExtension(name)


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "ClusterStmt": _lower_cluster,
        "CreateExtensionStmt": _lower_create_extension,
        "ReindexStmt": _lower_reindex,
    }
)
