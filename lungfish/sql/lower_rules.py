"""CREATE RULE, DROP RULE and ALTER TABLE ... ENABLE RULE."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.sql.ast.dml import Delete, Insert, Update
from lungfish.sql.ast.queries import Query
from lungfish.sql.ast.rules import CreateRule, DropRule, EnableRule, RuleCommand
from lungfish.sql.libpg import Node
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    object_name,
    object_name_of,
    raise_unsupported,
    require_only,
    strings,
)

_FIELDS = frozenset(
    {"relation", "rulename", "whereClause", "event", "instead", "actions", "replace"}
)
_EVENTS: Mapping[str, str] = {
    "CMD_SELECT": "select",
    "CMD_INSERT": "insert",
    "CMD_UPDATE": "update",
    "CMD_DELETE": "delete",
}
RULE_MODES: Mapping[str, str] = {
    "AT_EnableRule": "origin",
    "AT_EnableAlwaysRule": "always",
    "AT_EnableReplicaRule": "replica",
    "AT_DisableRule": "disabled",
}


def _lower_create_rule(fields: Node, lowering: Lowering) -> CreateRule:
    relation = object_name(fields["relation"])
    require_only(fields, _FIELDS, position=relation.position)
    return CreateRule(
        name=fields["rulename"],
        relation=relation,
        event=_EVENTS[fields["event"]],
        is_instead=fields.get("instead", False),
        condition=lowering.optional_expression(fields.get("whereClause")),
        commands=tuple([_lower_command(node, lowering) for node in fields.get("actions", ())]),
        or_replace=fields.get("replace", False),
        position=relation.position,
    )


def _lower_command(node: Node, lowering: Lowering) -> RuleCommand:
    if "NotifyStmt" in node:
        raise_unsupported("NOTIFY in a rule")
    command = lowering.statement(node)
    if not isinstance(command, Insert | Update | Delete | Query):
        raise_unsupported("this command of a rule", find_position(node))
    return command


def lower_drop_rule(fields: Node) -> DropRule:
    """DROP RULE name ON relation."""
    *relation, name = strings(fields["objects"][0]["List"]["items"])
    return DropRule(
        name,
        object_name_of(tuple(relation)),
        if_exists=fields.get("missing_ok", False),
        is_cascade=fields["behavior"] == "DROP_CASCADE",
    )


def lower_rule_mode(fields: Node, position: int) -> EnableRule:
    """ALTER TABLE ... ENABLE RULE and its kin."""
    return EnableRule(fields["name"], RULE_MODES[fields["subtype"]], position)


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType({"RuleStmt": _lower_create_rule})
