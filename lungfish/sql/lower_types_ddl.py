"""ALTER DOMAIN and CREATE TYPE AS RANGE: the parser's tree to ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.type_definitions import AlterDomain, CreateRange
from lungfish.sql.libpg import Node
from lungfish.sql.lower_tables import expression_text, lower_constraint
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    object_name_of,
    strings,
)

_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "T": "set default",
        "N": "drop not null",
        "O": "set not null",
        "C": "add constraint",
        "X": "drop constraint",
        "V": "validate",
    }
)


def _lower_alter_domain(fields: Node, lowering: Lowering) -> AlterDomain:
    action = _ACTIONS[fields["subtype"]]
    detail = fields.get("def")
    default = constraint = None
    if detail is not None and action == "set default":
        default = expression_text(detail, lowering)
    elif detail is not None:
        constraint = lower_constraint(detail["Constraint"], lowering)
    return AlterDomain(
        name=object_name_of(strings(fields["typeName"])),
        action=action,
        default=default,
        constraint=constraint,
        constraint_name=fields.get("name"),
        if_exists=fields.get("missing_ok", False),
    )


def _lower_create_range(fields: Node, _lowering: Lowering) -> CreateRange:
    return CreateRange(
        object_name_of(strings(fields["typeName"])),
        tuple(_option(node["DefElem"]) for node in fields.get("params", ())),
    )


def _option(fields: Node) -> tuple[str, TypeName]:
    """`name = value`, the value being a name: of any other there is none."""
    value = fields.get("arg", {}).get("TypeName")
    if value is None:
        return fields["defname"], TypeName("", position=fields.get("location", -1))
    return fields["defname"], lower_type(value)


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {"AlterDomainStmt": _lower_alter_domain, "CreateRangeStmt": _lower_create_range}
)
